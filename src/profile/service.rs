//! `ProfileService` on the wire.

use std::time::Duration;

use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{Addresses, Change, Field, Pictures, Profile, Texts, ZoneSource, picture::PictureStream, store};
use crate::{
    access::{self, Action, Resource},
    auth,
    clock::Clock,
    db::Db,
    error::{Error, Reason, Result, Violation, Violations},
    ids,
    pb::{self, profile_service_server::ProfileService},
    subscription::{self, When},
};

/// What stands for the caller in place of an id.
const ME: &str = "me";

/// Serves `ProfileService`.
pub struct Service {
    db: Db,
    clock: Clock,
    spread: Duration,
    pictures: Pictures,
    addresses: Addresses,
}

impl Service {
    /// A service on `db`; `spread` is over how long the digests of one minute go out.
    pub fn new(db: Db, clock: Clock, spread: Duration, pictures: Pictures, addresses: Addresses) -> Self {
        Self { db, clock, spread, pictures, addresses }
    }

    /// Changes the profile of `user`, unless it is no longer the one that `etag` stands for.
    ///
    /// A change of nothing is a read. Where the zone changes, the digests that are planned move with it.
    async fn update(&self, user: Uuid, change: Change, etag: &str) -> Result<Profile> {
        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let mut profile = store::lock(&tx, user).await?;
        if !etag.is_empty() && etag != profile.etag() {
            return Err(Error::Conflict(Reason::EtagMismatch));
        }
        let change = change.beyond(&profile.texts);
        if change != Change::default() {
            profile.revision = store::update(&tx, user, &change, now).await?;
            profile.updated_at = now;
            if change.touches(Field::TimeZone) {
                subscription::reschedule(&tx, user, &When { now, spread: self.spread }).await?;
            }
            for (field, text) in change.0 {
                profile.texts[field] = text;
            }
        }
        tx.commit().await?;
        Ok(profile)
    }
}

#[tonic::async_trait]
impl ProfileService for Service {
    async fn get_profile(
        &self,
        request: Request<pb::GetProfileRequest>,
    ) -> Result<Response<pb::GetProfileResponse>, Status> {
        let caller = auth::caller(&request)?;
        let me = caller.person().unwrap_or_default();
        let wanted = person("user_id", &request.into_inner().user_id, me);

        let client = self.db.client().await?;
        // Who has not said whom they mean is asked about themselves, so that strangers are told nothing else.
        let resource = Resource::Person(*wanted.as_ref().unwrap_or(&me));
        access::may(&client, &caller, Action::GetProfile, resource).await?;
        let profile = store::find(&client, wanted.map_err(Error::from)?).await?;

        Ok(Response::new(pb::GetProfileResponse { profile: Some(profile.into()) }))
    }

    async fn batch_get_profiles(
        &self,
        _: Request<pb::BatchGetProfilesRequest>,
    ) -> Result<Response<pb::BatchGetProfilesResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn get_profile_constraints(
        &self,
        _: Request<pb::GetProfileConstraintsRequest>,
    ) -> Result<Response<pb::GetProfileConstraintsResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn request_email_change(
        &self,
        request: Request<pb::RequestEmailChangeRequest>,
    ) -> Result<Response<pb::RequestEmailChangeResponse>, Status> {
        self.addresses.request(request).await
    }

    async fn confirm_email_change(
        &self,
        request: Request<pb::ConfirmEmailChangeRequest>,
    ) -> Result<Response<pb::ConfirmEmailChangeResponse>, Status> {
        self.addresses.confirm(request).await
    }

    async fn list_profile_changes(
        &self,
        _: Request<pb::ListProfileChangesRequest>,
    ) -> Result<Response<pb::ListProfileChangesResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    type WatchProfilesStream =
        std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<pb::WatchProfilesResponse, Status>> + Send>>;

    async fn watch_profiles(
        &self,
        _: Request<pb::WatchProfilesRequest>,
    ) -> Result<Response<Self::WatchProfilesStream>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn update_profile(
        &self,
        request: Request<pb::UpdateProfileRequest>,
    ) -> Result<Response<pb::UpdateProfileResponse>, Status> {
        let caller = auth::caller(&request)?;
        let message = request.into_inner();
        let leave = access::may(&self.db.client().await?, &caller, Action::UpdateProfile, Resource::Own).await?;
        let etag = message.etag.clone();
        let change = change(message, leave.person)?;

        let profile = self.update(leave.person, change, &etag).await?;

        Ok(Response::new(pb::UpdateProfileResponse { profile: Some(profile.into()) }))
    }

    async fn upload_picture(
        &self,
        request: Request<Streaming<pb::UploadPictureRequest>>,
    ) -> Result<Response<pb::UploadPictureResponse>, Status> {
        self.pictures.upload(request).await
    }

    type GetPictureStream = PictureStream;

    async fn get_picture(&self, request: Request<pb::GetPictureRequest>) -> Result<Response<PictureStream>, Status> {
        self.pictures.get(request).await
    }

    async fn delete_picture(
        &self,
        request: Request<pb::DeletePictureRequest>,
    ) -> Result<Response<pb::DeletePictureResponse>, Status> {
        self.pictures.delete(request).await
    }
}

/// Whom a field means: `me`, or somebody by their id.
pub(super) fn person(field: &str, text: &str, me: Uuid) -> Result<Uuid, Violation> {
    if text == ME { Ok(me) } else { ids::parse(field, text) }
}

/// Reads what `me` wants to change. Nobody changes the profile of another.
fn change(message: pb::UpdateProfileRequest, me: Uuid) -> Result<Change> {
    let mut violations = Violations::default();
    if message.profile.is_none() {
        violations.add("profile", "is required");
    }
    let sent = message.profile.unwrap_or_default();
    let of = match sent.user_id.as_str() {
        "" => Some(me),
        id => violations.take(person("profile.user_id", id, me)),
    };
    let paths = message.update_mask.unwrap_or_default().paths;
    let change = Change::checked(&texts(sent), &paths, &mut violations);
    violations.none()?;
    if of == Some(me) { Ok(change) } else { Err(Error::Forbidden) }
}

fn texts(sent: pb::Profile) -> Texts {
    let address = sent.address.unwrap_or_default();
    let mut texts = Texts::default();
    texts[Field::FirstName] = sent.first_name;
    texts[Field::LastName] = sent.last_name;
    texts[Field::Initials] = sent.initials;
    texts[Field::JobTitle] = sent.job_title;
    texts[Field::Street] = address.street;
    texts[Field::City] = address.city;
    texts[Field::PostCode] = address.post_code;
    texts[Field::StateProvince] = address.state_province;
    texts[Field::Country] = address.country;
    texts[Field::BusinessPhone] = sent.business_phone;
    texts[Field::Extension] = sent.extension;
    texts[Field::MobilePhone] = sent.mobile_phone;
    texts[Field::TimeZone] = sent.time_zone;
    texts[Field::Locale] = sent.locale;
    texts
}

impl From<Profile> for pb::Profile {
    fn from(profile: Profile) -> Self {
        let (zone, source) = profile.zone();
        let (initials, initials_derived) = profile.initials();
        let text = |field| profile.texts[field].clone();
        Self {
            user_id: profile.user.to_string(),
            first_name: text(Field::FirstName),
            last_name: text(Field::LastName),
            initials,
            initials_derived,
            job_title: text(Field::JobTitle),
            address: Some(pb::Address {
                street: text(Field::Street),
                city: text(Field::City),
                post_code: text(Field::PostCode),
                state_province: text(Field::StateProvince),
                country: text(Field::Country),
            }),
            email: profile.email.clone(),
            business_phone: text(Field::BusinessPhone),
            extension: text(Field::Extension),
            mobile_phone: text(Field::MobilePhone),
            time_zone: zone.to_owned(),
            time_zone_source: pb::TimeZoneSource::from(source).into(),
            locale: text(Field::Locale),
            etag: profile.etag(),
            update_time: Some(pb::time(profile.updated_at)),
            picture: profile.picture.map(Into::into),
            ..Default::default()
        }
    }
}

impl From<ZoneSource> for pb::TimeZoneSource {
    fn from(source: ZoneSource) -> Self {
        match source {
            ZoneSource::Profile => Self::Profile,
            ZoneSource::Account => Self::Account,
            ZoneSource::Default => Self::Default,
        }
    }
}
