//! Changes of profiles. Nobody is kept from changing one meanwhile: who was overtaken looks again.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Change, Field, Profile, Told, phone,
    reads::Reads,
    store::{self, Held, Step},
    writes::Writes,
};
use crate::{
    db::Db,
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
pub(super) async fn update(db: &Db, (reads, writes): (&Reads, &Writes), asked: &Asked<'_>) -> Result<Profile> {
    if asked.change.touches(&[Field::TimeZone]) {
        return rezone(db, asked).await;
    }
    let mut tried: Option<Profile> = None;
    loop {
        let found = reads.find(&db.reader().await?, asked.user).await?;
        // It was written, and whoever wrote it could not say so.
        if tried.is_some_and(|it| it.is_as(&found)) {
            return Ok(Arc::unwrap_or_clone(found));
        }
        let Some(next) = Next::of(&found, asked).await? else { return Ok(Arc::unwrap_or_clone(found)) };
        if writes.write(next.step(&found)).await? {
            return Ok(next.profile);
        }
        tried = Some(next.profile);
    }
}

/// The same of a change of the zone, with which the digests move that are planned: all of it lasts, or nothing.
async fn rezone(db: &Db, asked: &Asked<'_>) -> Result<Profile> {
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let found = store::lock(&tx, asked.user).await?;
    let Some(next) = Next::of(&found, asked).await? else { return Ok(found) };
    store::update(&tx, &[&next.step(&found)], Held::Wait).await?;
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

    /// What is written of it, by the person themselves, where the profile is still the one that was found.
    fn step(&self, found: &Profile) -> Step {
        let told = |(field, new): &(Field, String)| Told {
            by: found.user,
            field: field.path(),
            old: found.texts[*field].clone(),
            new: new.clone(),
        };
        Step {
            user: found.user,
            from: Some(found.revision),
            told: self.change.0.iter().map(told).collect(),
            e164: self.change.touches(&PHONES).then(|| self.profile.e164.clone()),
            at: self.profile.updated_at,
        }
    }
}
