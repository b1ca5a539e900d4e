//! The stream that follows a directory: level-triggered, as those that follow jobs.
//!
//! Every turn is the same: first listen, then look, as often as there is more, then say that this was all, then wait to
//! be told or for the next look. What happens between looking and waiting has been heard; what was not heard is seen at
//! the next look. Nothing of the database is held while waiting, or while a reader takes their time: then they get fewer
//! profiles, and newer ones.

use std::time::Duration;

use async_stream::try_stream;
use futures_util::Stream;
use http::HeaderMap;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    number::Numbers,
    store::{self, Entry},
};
use crate::{
    access::{self, Action, Resource},
    auth::Names,
    db::Db,
    error::{Error, Reason, Result},
    identity::Gate,
    notice::{Ear, Notice, Notices},
    profile::{Profile, visibility::Visibility},
};

/// How long a watcher trusts silence: then it looks by itself, and lets its reader hear that it lives.
pub const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How far two turns of one watcher stand apart. A hundred people who come in at once wake all who follow the account,
/// and four looks a second are enough for a list.
const TURNS_APART: Duration = Duration::from_millis(250);

/// Profiles that are read at a time: what bounds the memory of a watcher, to less than a megabyte at the worst.
const READ_AT_A_TIME: i64 = 200;

/// What every stream that follows a directory needs. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    db: Db,
    gate: Gate,
    notices: Notices,
    numbers: Numbers,
    stop: CancellationToken,
    look_every: Duration,
}

/// Whose directory is followed by whom.
pub(super) struct Wanted {
    /// The account.
    pub account: Uuid,
    /// What came with the call: whoever it stands for is asked at every look whether they still may.
    pub credentials: HeaderMap,
    /// For whom the certificate is that it came with.
    pub names: Names,
    /// The place of the last change that was seen.
    pub after: i64,
}

/// What a watcher says.
pub(super) enum Word {
    /// Somebody's profile, as far as it is seen.
    Profile(Box<Profile>, Visibility),
    /// Somebody is gone.
    Gone(Uuid),
    /// This was all.
    CaughtUp,
}

impl Watch {
    /// Makes streams that look at least every `look_every`, [`LOOK_EVERY`] but for tests, and end when `stop` says so.
    pub fn new(db: Db, gate: Gate, notices: Notices, stop: CancellationToken, look_every: Duration) -> Self {
        let numbers = Numbers::new(db.clone());
        Self { db, gate, notices, numbers, stop, look_every }
    }

    /// Follows a directory: everybody who has changed or gone since `after`, then each who does. With each word comes the
    /// place to go on from.
    ///
    /// # Errors
    ///
    /// The last item is [`Error::Unavailable`] when the process drains or the database is away, or what who comes in now
    /// would be told: that their session is over, or that they may not.
    pub(super) fn follow(self, wanted: Wanted) -> impl Stream<Item = Result<(i64, Word)>> + Send + use<> {
        try_stream! {
            let _reader = self.numbers.reader();
            let mut beat = self.heart();
            let mut pace = interval(TURNS_APART);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut seen = wanted.after;
            // The first turn says that it was all, even where there was nothing.
            let mut is_due = true;
            loop {
                self.unless_stopped(async { Ok(pace.tick().await) }).await?;
                let mut ear = self.notices.ear();
                // Before it says that this was all without having been told of something, it is.
                if is_due {
                    self.unless_stopped(self.numbers.give()).await?;
                }
                loop {
                    let news = self.unless_stopped(self.look(&wanted, seen)).await?;
                    let is_all = i64::try_from(news.len()).is_ok_and(|it| it < READ_AT_A_TIME);
                    for (seq, word) in news {
                        (seen, is_due) = (seq, true);
                        yield (seq, word);
                    }
                    if is_all {
                        break;
                    }
                }
                if is_due {
                    beat.reset();
                    yield (seen, Word::CaughtUp);
                }
                is_due = self.unless_stopped(async { Ok(wait(&mut ear, &mut beat, wanted.account).await) }).await?;
            }
        }
    }

    /// The next of those who have changed since `seen`, if whoever follows may still know them.
    async fn look(&self, wanted: &Wanted, seen: i64) -> Result<Vec<(i64, Word)>> {
        let caller = self.gate.admit(&wanted.credentials, &wanted.names).await?;
        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::WatchProfiles, Resource::Account(wanted.account)).await?;
        let news = store::after(&client, wanted.account, seen, READ_AT_A_TIME).await?;
        let word = |entry| match entry {
            Entry::In(profile) => {
                let sight = Visibility::with(&leave, profile.user);
                Word::Profile(profile, sight)
            }
            Entry::Gone(user) => Word::Gone(user),
        };
        Ok(news.into_iter().map(|(seq, entry)| (seq, word(entry))).collect())
    }

    /// Ticks when it is time to look without having been told.
    fn heart(&self) -> Interval {
        let mut beat = interval_at(Instant::now() + self.look_every, self.look_every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = self.stop.run_until_cancelled(work).await;
        done.unwrap_or(Err(Error::Unavailable(Reason::Draining, None)))
    }
}

/// Waits until the directory of `account` has changed, or some word was lost, or it is time to look anyway: then true.
async fn wait(ear: &mut Ear, beat: &mut Interval, account: Uuid) -> bool {
    loop {
        tokio::select! {
            // However much there is to hear, the heart beats.
            biased;
            _ = beat.tick() => return true,
            notice = ear.hear() => match notice {
                Notice::Directory(it) if it == account => return false,
                Notice::Lost => return false,
                Notice::Directory(_) | Notice::Job(_) | Notice::Session(_) => {}
            },
        }
    }
}
