//! Changes of profiles. Nobody is kept from changing one meanwhile: who was overtaken looks again.

use std::sync::Arc;

use uuid::Uuid;

use super::{Change, Field, Profile, Told, phone, reads::Reads, store};
use crate::{
    db::{self, Db, Statement},
    error::{Error, Reason, Result},
    subscription::{self, When},
};

/// What the numbers of phones are derived from.
const PHONES: [Field; 3] = [Field::BusinessPhone, Field::MobilePhone, Field::Country];

/// What somebody asks to be changed.
pub(super) struct Asked<'a> {
    /// Whose profile.
    pub user: Uuid,
    pub change: Change,
    /// The profile that they have seen; empty for any.
    pub etag: &'a str,
    pub when: When,
}

/// What becomes of a profile.
struct Next {
    /// What of a change is one.
    change: Change,
    /// The profile after it.
    profile: Profile,
}

/// Changes a profile; a change of nothing is a read.
///
/// # Errors
///
/// [`Error::Conflict`] when the profile is no longer the one that was seen.
pub(super) async fn update(db: &Db, reads: &Reads, asked: &Asked<'_>) -> Result<Profile> {
    if asked.change.touches(&[Field::TimeZone]) {
        return rezone(db, asked).await;
    }
    loop {
        let found = reads.find(&db.reader().await?, asked.user).await?;
        let Some(next) = Next::of(&found, asked).await? else { return Ok(Arc::unwrap_or_clone(found)) };
        let told = next.told(&found);
        if db::run(&db.client().await?, &next.update(&found, &told)).await? > 0 {
            return Ok(next.profile);
        }
    }
}

/// The same of a change of the zone, with which the digests move that are planned: all of it lasts, or nothing.
async fn rezone(db: &Db, asked: &Asked<'_>) -> Result<Profile> {
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let found = store::lock(&tx, asked.user).await?;
    let Some(next) = Next::of(&found, asked).await? else { return Ok(found) };
    let told = next.told(&found);
    db::run(&tx, &next.update(&found, &told)).await?;
    if next.change.touches(&[Field::TimeZone]) {
        subscription::reschedule(&tx, &[asked.user], &asked.when).await?;
    }
    tx.commit().await?;
    Ok(next.profile)
}

impl Next {
    /// What is asked for makes this of the profile that was found; `None` where nothing changes.
    async fn of(found: &Profile, asked: &Asked<'_>) -> Result<Option<Self>> {
        if !asked.etag.is_empty() && asked.etag != found.etag() {
            return Err(Error::Conflict(Reason::EtagMismatch));
        }
        let change = asked.change.beyond(&found.texts);
        if change == Change::default() {
            return Ok(None);
        }
        let texts = change.after(&found.texts);
        let mut profile = Profile { texts, revision: found.revision + 1, updated_at: asked.when.now, ..found.clone() };
        if change.touches(&PHONES) {
            let [business, mobile, country] = PHONES.map(|it| profile.texts[it].clone());
            profile.e164 = phone::e164([business, mobile], country).await;
        }
        Ok(Some(Self { change, profile }))
    }

    /// What the history is told, by the person themselves.
    fn told<'a>(&'a self, found: &'a Profile) -> Vec<Told<'a>> {
        let told = |(field, new): &'a (Field, String)| Told {
            by: found.user,
            field: field.path(),
            old: &found.texts[*field],
            new,
        };
        self.change.0.iter().map(told).collect()
    }

    /// Writes it, if the profile is still the one that was found.
    fn update<'a>(&self, found: &Profile, told: &'a [Told<'_>]) -> Statement<'a> {
        let e164 = self.change.touches(&PHONES).then_some(&self.profile.e164);
        store::update(found.user, Some(found.revision), (&self.change, e164), told, self.profile.updated_at)
    }
}
