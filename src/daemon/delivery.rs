//! Delivering mails: in lanes side by side, each mail written by the room that knows what it tells of.

use std::{collections::HashMap, time::Duration};

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
    /// Delivers mails, in as many lanes as there are sessions and connections for.
    pub(super) async fn deliver(&self, now: Timestamp) -> Result<outbox::Delivered> {
        let sessions = self.outbox.sessions;
        let lanes = LANES.min(sessions).min(self.parts.db.status().max_size / LANE_CONNECTIONS).max(1);
        let mut turns = JoinSet::new();
        for lane in 0..lanes {
            let daemon = self.clone();
            let terms = outbox::Terms { sessions: (sessions + lane) / lanes, ..self.outbox.clone() };
            turns.spawn(async move {
                let write = |mails| async { daemon.write(mails, now).await };
                outbox::deliver(&daemon.parts.db, &daemon.post, &terms, write).await
            });
        }
        // What one lane fails at does not keep the other from ending what it has begun.
        let (mut delivered, mut all) = (outbox::Delivered::default(), Ok(()));
        while let Some(turn) = turns.join_next().await {
            match turn.map_err(Error::internal).flatten() {
                Ok(it) => delivered.add(it),
                Err(error) => all = Err(error),
            }
        }
        all.map(|()| delivered)
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
