//! Delivering mails: in lanes side by side, each mail written by the room that knows what it tells of.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Daemon;
use crate::{
    digest,
    error::{Error, Result},
    identity, invite,
    mail::{Letter, Mailbox},
    outbox::{self, Mail},
    subscription::{self, When},
};

/// How many turns of delivery go on side by side, each with its share of the sessions: while one asks the database or writes, the
/// relay hears the mails of the other.
const LANES: usize = 2;

/// The connections to the database that a turn of delivery has at a time; with a smaller pool there is one turn.
const LANE_CONNECTIONS: usize = 2;

impl Daemon {
    /// Delivers mails, in as many lanes as there are sessions and connections for. A lane that found nothing begins again when
    /// mails are composed while another is at work.
    pub(super) async fn deliver(&self, now: Timestamp) -> Result<outbox::Delivered> {
        let began = Instant::now();
        // What was composed before is found anyway.
        self.terms.composed.notified().now_or_never();
        let lanes = LANES.min(self.outbox.sessions).min(self.parts.db.status().max_size / LANE_CONNECTIONS).max(1);
        let mut turns: JoinSet<_> = (0..lanes).map(|lane| self.clone().lane(lane, lanes, now)).collect();
        // What one lane fails at does not keep the other from ending what it has begun.
        let (mut delivered, mut all, mut idle) = (outbox::Delivered::default(), Ok(()), Vec::new());
        loop {
            tokio::select! {
                turn = turns.join_next() => match turn {
                    None => break,
                    Some(turn) => match turn.map_err(Error::internal).flatten() {
                        Ok((lane, it)) => {
                            delivered.add(it);
                            idle.push(lane);
                        }
                        Err(error) => all = Err(error),
                    },
                },
                () = self.terms.composed.notified(), if !idle.is_empty() && !delivered.pauses && began.elapsed() < self.outbox.lease / 4 => {
                    idle.drain(..).for_each(|lane| _ = turns.spawn(self.clone().lane(lane, lanes, now)));
                }
            }
        }
        all.map(|()| delivered)
    }

    /// Takes a turn with the share of the sessions that one of so many lanes has; returns which it was.
    async fn lane(self, lane: usize, lanes: usize, now: Timestamp) -> Result<(usize, outbox::Delivered)> {
        let terms = outbox::Terms { sessions: (self.outbox.sessions + lane) / lanes, ..self.outbox.clone() };
        let write = |mails| async { self.write(mails, now).await };
        // It is a task of its own.
        let delivering = outbox::deliver(&self.parts.db, &self.post, &terms, write);
        Ok((lane, self.parts.tracer.over(delivering).await?))
    }

    /// Writes mails, whatever they tell of.
    async fn write(&self, mails: Vec<Mail>, now: Timestamp) -> Result<outbox::Written> {
        use outbox::Kind;
        let of = |kinds: &[Kind]| mails.iter().filter(|it| kinds.contains(&it.kind)).collect::<Vec<_>>();
        let mut told = of(&[Kind::Digest, Kind::Immediate, Kind::CatchUp]);
        let later = self.later(&told, now).await?;
        told.retain(|it| !later.contains_key(&it.id));
        let mut letters = digest::letters(&self.parts.db, &self.head, &told).await?;
        let when = When { now, spread: self.terms.spread };
        letters.extend(digest::tests(&self.parts.db, &self.head, &of(&[Kind::Test]), &when).await?);
        let subjects = |kind| of(&[kind]).iter().map(|it| it.subject).collect::<Vec<_>>();
        let (key, app_url) = (&self.head.key, &self.head.app_url);
        let client = self.parts.db.client().await?;
        let invites = invite::letters(&client, key, app_url, &subjects(Kind::Invite), now).await?;
        let notices = invite::notices(&client, app_url, &subjects(Kind::InviteNotice)).await?;
        let of_invite = |kind| {
            move |it: invite::Letter| {
                let invite::Letter { invite, mail, email, written } = it;
                (kind, invite, mail, email, written.subject, written.text, written.html)
            }
        };
        let invites = invites.into_iter().map(of_invite(Kind::Invite));
        let notices = notices.into_iter().map(of_invite(Kind::InviteNotice));
        let events = identity::letters(&client, key, app_url, &subjects(Kind::Security)).await?;
        let events =
            events.into_iter().map(|(id, to, it)| (Kind::Security, id, None, to, it.subject, it.text, it.html));
        for (kind, id, only, to, subject, text, html) in invites.chain(notices).chain(events) {
            let is_it = |it: &&Mail| it.kind == kind && it.subject == id && only.is_none_or(|only| only == it.id);
            let Some(mail) = mails.iter().find(is_it) else { continue };
            let letter = Letter {
                from: self.head.sender(),
                to: Mailbox { name: String::new(), address: to },
                subject,
                text,
                html,
                message_id: format!("{}@{}", mail.message_id, self.head.domain()),
                date: mail.dated_at,
                headers: vec![("Auto-Submitted", "auto-generated".to_owned())],
            };
            letters.insert(mail.id, letter);
        }
        Ok(outbox::Written { letters, later })
    }

    /// Which of these have to wait, and how long: their readers have gone away since they were composed.
    async fn later(&self, mails: &[&Mail], now: Timestamp) -> Result<HashMap<Uuid, Duration>> {
        let readers: Vec<Uuid> = mails.iter().filter_map(|it| it.user).collect();
        if readers.is_empty() {
            return Ok(HashMap::new());
        }
        let away = subscription::away(&self.parts.db.client().await?, &readers, now).await?;
        Ok(mails.iter().filter_map(|it| Some((it.id, *away.get(&it.user?)?))).collect())
    }
}
