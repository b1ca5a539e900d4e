//! What digests are to tell of what waits. Reads, and writes nothing: runs commit it, previews only show it.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    batch::{Batch, Draft, by_place, needed, ranges, told_parts},
    compose::{self, Log, Whom},
    store::{self, Concern, Read},
};
use crate::{
    activity,
    db::GenericClient,
    error::Result,
    outbox,
    subscription::{AddressedItems, Cadence, Cause, Due, Turn, schedule::Beat},
};

/// What waits for people's digests of one account.
pub(super) struct Waiting {
    /// By person.
    reads: Vec<Read>,
    concerns: HashMap<(Uuid, Uuid), Vec<Concern>>,
    logs: HashMap<Uuid, Log>,
}

impl Waiting {
    /// Reads what waits for `users` in `account` for that turn. Three statements, however many they are.
    pub(super) async fn read(on: &impl GenericClient, account: Uuid, users: &[Uuid], turn: Turn) -> Result<Self> {
        let cadences = match turn {
            Turn::Digest(beat) => vec![Cadence::Digest(beat)],
            Turn::CatchUp => vec![Cadence::Immediate],
            Turn::Return => Cadence::TOLD.to_vec(),
        };
        let reads = store::for_digests(on, account, users, &cadences).await?;
        let concerns = store::addressed(on, &reads).await?;
        let logs = compose::logs(activity::marks(on, &needed(&reads, &concerns)).await?);
        Ok(Self { reads, concerns: by_place(concerns), logs })
    }

    /// The subscriptions that a digest to `user` reads.
    pub(super) fn of(&self, user: Uuid) -> &[Read] {
        let reads = &self.reads[self.reads.partition_point(|it| it.user < user)..];
        &reads[..reads.partition_point(|it| it.user == user)]
    }

    /// Adds what is settled by the digest `due`, with a mail when there is something to tell.
    pub(super) fn plan(&self, due: &Due, turn: Turn, batch: &mut Batch) {
        // Whatever hears of all at once hears of what concerns the person too; a digest does only when it was asked to.
        let is_digest = matches!(turn, Turn::Digest(_));
        let takes = !is_digest || due.recipient.addressed == AddressedItems::WithDigest;
        let whom = Whom { user: due.user, own_activity: due.recipient.own_activity };
        let (ranges, addressed) = ranges(whom, self.of(due.user), &self.concerns, &self.logs, takes);
        let cause = match turn {
            Turn::Digest(Beat::Daily) => Cause::Daily,
            Turn::Digest(Beat::Weekly) => Cause::Weekly,
            Turn::CatchUp => Cause::CatchUp,
            Turn::Return => Cause::Returned,
        };
        let key: Vec<Vec<u8>> = match due.date {
            Some(date) => vec![due.user.as_bytes().to_vec(), date.to_string().into_bytes()],
            None => told_parts(due.user, &ranges, &addressed),
        };
        let kind = if is_digest { outbox::Kind::Digest } else { outbox::Kind::CatchUp };
        if due.date.is_some() || !ranges.is_empty() || !addressed.is_empty() {
            let (account, user) = (due.account, due.user);
            let draft = Draft { account, user, cause, date: due.date, dated_at: due.at, kind };
            batch.add(draft, ranges, addressed, &key);
        }
    }
}
