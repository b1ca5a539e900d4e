//! `ProfileService` on the wire.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures_util::future::join3;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{
    Addresses, Change, Field, Pictures, Profile, Texts, Watch, ZoneSource,
    directory::service::{self as directory, DirectoryStream},
    field::Form,
    history::service as history,
    picture::{self, PictureStream},
    reads::Reads,
    store,
    update::{Asked, update},
    visibility::Visibility,
    writes::Writes,
};
use crate::{
    access::{self, Action, Leave, Resource},
    auth,
    clock::Clock,
    db::{Db, GenericClient},
    error::{Error, Result, Violations},
    identity, ids,
    pb::{self, profile_service_server::ProfileService},
    secret::TokenKey,
    subscription::When,
};

/// People whose profiles are read at a time. Their profiles are half a megabyte as people fill them in.
const BATCH_MAX: usize = 1_000;

/// What the names of the values of these enums begin with.
const TIME_FORMAT: &str = "TIME_FORMAT_";
const VISIBILITY: &str = "VISIBILITY_";

/// Serves `ProfileService`.
pub struct Service {
    db: Db,
    reads: Reads,
    writes: Writes,
    clock: Clock,
    key: TokenKey,
    spread: Duration,
    pictures: Pictures,
    watch: Watch,
    addresses: Addresses,
}

impl Service {
    /// A service on `db`; `spread` is over how long the digests of one minute go out.
    pub fn new(
        db: Db,
        clock: Clock,
        key: TokenKey,
        spread: Duration,
        pictures: Pictures,
        watch: Watch,
        addresses: Addresses,
    ) -> Self {
        let (reads, writes) = (Reads::new(db.clone()), Writes::new(db.clone()));
        Self { db, reads, writes, clock, key, spread, pictures, watch, addresses }
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
        let wanted = ids::person("user_id", &request.into_inner().user_id, me);

        let reader = self.db.reader().await?;
        // Who has not said whom they mean is asked about themselves, so that strangers are told nothing else.
        let whom = *wanted.as_ref().unwrap_or(&me);
        let pending = async { if whom == me { identity::pending_address(&reader, me).await } else { Ok(None) } };
        // All are on their way at once; nothing of what is found is told to who may not know it.
        let (leave, profile, pending) = join3(
            access::may(&reader, &caller, Action::GetProfile, Resource::Profile(whom)),
            self.reads.find(&reader, whom),
            pending,
        )
        .await;
        let leave = leave?;
        let wanted = wanted.map_err(Error::from)?;

        let profile = profile?;
        let profile = shown(&profile, Visibility::with(&leave, wanted));
        let pending = pending?;
        let profile = pb::Profile { pending_email: pending.unwrap_or_default(), ..profile };
        Ok(Response::new(pb::GetProfileResponse { profile: Some(profile) }))
    }

    async fn batch_get_profiles(
        &self,
        request: Request<pb::BatchGetProfilesRequest>,
    ) -> Result<Response<pb::BatchGetProfilesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner().user_ids;
        let reader = self.db.reader().await?;
        let leave = access::may(&reader, &caller, Action::BatchGetProfiles, Resource::Own).await?;
        let wanted = people(asked, leave.person)?;

        let users: Vec<Uuid> = wanted.iter().map(|(user, _)| *user).collect();
        let mut found = visible(&reader, &leave, &users).await?;

        let mut answer = pb::BatchGetProfilesResponse::default();
        for (user, asked) in wanted {
            match found.remove(&user) {
                Some(profile) => answer.profiles.push(profile),
                None => answer.missing.push(asked),
            }
        }
        Ok(Response::new(answer))
    }

    async fn get_profile_constraints(
        &self,
        request: Request<pb::GetProfileConstraintsRequest>,
    ) -> Result<Response<pb::GetProfileConstraintsResponse>, Status> {
        let caller = auth::caller(&request)?;
        access::may(&self.db.reader().await?, &caller, Action::GetProfileConstraints, Resource::Own).await?;

        let fields = Field::all().map(constraint).collect();
        let pictures = Some(picture::constraints());
        Ok(Response::new(pb::GetProfileConstraintsResponse { fields, pictures }))
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
        request: Request<pb::ListProfileChangesRequest>,
    ) -> Result<Response<pb::ListProfileChangesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let listed = history::list(&self.db, &self.clock, &self.key, &caller, request.into_inner()).await?;
        Ok(Response::new(listed))
    }

    type WatchProfilesStream = DirectoryStream;

    async fn watch_profiles(
        &self,
        request: Request<pb::WatchProfilesRequest>,
    ) -> Result<Response<DirectoryStream>, Status> {
        directory::follow(&self.db, self.key.clone(), self.watch.clone(), request).await
    }

    async fn update_profile(
        &self,
        request: Request<pb::UpdateProfileRequest>,
    ) -> Result<Response<pb::UpdateProfileResponse>, Status> {
        let caller = auth::caller(&request)?;
        let message = request.into_inner();
        let leave = access::may(&self.db.reader().await?, &caller, Action::UpdateProfile, Resource::Own).await?;
        let etag = message.etag.clone();
        let change = change(message, leave.person)?;

        let when = When { now: self.clock.now().await?, spread: self.spread };
        let asked = Asked { user: leave.person, change, etag: &etag, when };
        let profile = update(&self.db, (&self.reads, &self.writes), &asked).await?;

        Ok(Response::new(pb::UpdateProfileResponse { profile: Some(shown(&profile, Visibility::OnlyMe)) }))
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

/// Whom a batch is about, each once, and as the caller has called them the first time.
fn people(asked: Vec<String>, me: Uuid) -> Result<Vec<(Uuid, String)>> {
    let mut violations = Violations::default();
    let mut wanted: Vec<(Uuid, String)> = Vec::new();
    let mut seen = HashSet::new();
    for (place, text) in asked.into_iter().enumerate() {
        let user = violations.take(ids::person(&format!("user_ids[{place}]"), &text, me));
        wanted.extend(user.filter(|it| seen.insert(*it)).map(|it| (it, text)));
    }
    if BATCH_MAX < wanted.len() {
        violations.add("user_ids", format!("must be at most {BATCH_MAX}"));
    }
    violations.none()?;
    Ok(wanted)
}

/// The profiles of those of `users` that there are and that who got leave may know of, as far as they see them.
///
/// Two statements for all of them, on their way at the same time.
async fn visible(on: &impl GenericClient, leave: &Leave, users: &[Uuid]) -> Result<HashMap<Uuid, pb::Profile>> {
    let known = async {
        // A service that acts for nobody knows everybody.
        let service = leave.person.is_nil();
        if service { Ok(None) } else { access::acquaintances(on, leave.person, users).await.map(Some) }
    };
    let (profiles, known) = tokio::try_join!(store::list(on, users), known)?;
    let sight = |user| match &known {
        None => Some(*leave),
        Some(known) => known.get(&user).map(|standing| Leave { standing: *standing, ..*leave }),
    };
    let seen = profiles.iter().filter_map(|it| Some((it.user, shown(it, Visibility::with(&sight(it.user)?, it.user)))));
    Ok(seen.collect())
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
        id => violations.take(ids::person("profile.user_id", id, me)),
    };
    let paths = message.update_mask.unwrap_or_default().paths;
    let change = Change::checked(&texts(sent), &paths, &mut violations);
    violations.none()?;
    if of == Some(me) { Ok(change) } else { Err(Error::Forbidden) }
}

fn texts(sent: pb::Profile) -> Texts {
    let address = sent.address.unwrap_or_default();
    let seen_by = sent.visibility.unwrap_or_default();
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
    texts[Field::TimeFormat] = named(pb::TimeFormat::try_from(sent.time_format), sent.time_format, |it| {
        it.as_str_name().trim_start_matches(TIME_FORMAT)
    });
    texts[Field::FirstWeekDay] = match sent.first_week_day {
        0 => String::new(),
        day => day.to_string(),
    };
    texts[Field::JobTitleVisibility] = visibility_sent(seen_by.job_title);
    texts[Field::AddressVisibility] = visibility_sent(seen_by.address);
    texts[Field::EmailVisibility] = visibility_sent(seen_by.email);
    texts[Field::BusinessPhoneVisibility] = visibility_sent(seen_by.business_phone);
    texts[Field::MobilePhoneVisibility] = visibility_sent(seen_by.mobile_phone);
    texts[Field::TimeZoneVisibility] = visibility_sent(seen_by.time_zone);
    texts[Field::LocaleVisibility] = visibility_sent(seen_by.locale);
    texts
}

fn visibility_sent(number: i32) -> String {
    named(pb::Visibility::try_from(number), number, |it| it.as_str_name().trim_start_matches(VISIBILITY))
}

/// The text of a value of an enum: empty for the first, and for what is none a number, which no field takes.
fn named<E, F>(value: Result<E, F>, number: i32, name: impl Fn(E) -> &'static str) -> String {
    match value {
        Ok(_) if number == 0 => String::new(),
        Ok(value) => name(value).to_owned(),
        Err(_) => number.to_string(),
    }
}

/// A profile as somebody sees it whose sight reaches so far. What is hidden is as what is not set.
pub(super) fn shown(profile: &Profile, sight: Visibility) -> pb::Profile {
    let text = |field| profile.seen(field, sight).to_owned();
    let may_see = |guard| profile.visibility(guard) <= sight;
    let (zone, source) = match profile.zone() {
        (zone, source) if may_see(Field::TimeZoneVisibility) => (zone, source.into()),
        _ => ("", pb::TimeZoneSource::Unspecified),
    };
    let (initials, initials_derived) = profile.initials();
    let e164 = |number: &String, guard| if may_see(guard) { number.clone() } else { String::new() };
    let [business_e164, mobile_e164] = &profile.e164;
    let time_format = pb::TimeFormat::from_str_name(&format!("{TIME_FORMAT}{}", text(Field::TimeFormat)));
    pb::Profile {
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
        email: if may_see(Field::EmailVisibility) { profile.email.clone() } else { String::new() },
        business_phone: text(Field::BusinessPhone),
        extension: text(Field::Extension),
        mobile_phone: text(Field::MobilePhone),
        time_zone: zone.to_owned(),
        time_zone_source: source.into(),
        locale: text(Field::Locale),
        etag: profile.etag(),
        update_time: Some(pb::time(profile.updated_at)),
        picture: profile.picture.as_ref().map(Into::into),
        business_phone_e164: e164(business_e164, Field::BusinessPhoneVisibility),
        mobile_phone_e164: e164(mobile_e164, Field::MobilePhoneVisibility),
        visibility: (sight == Visibility::OnlyMe).then(|| visibility(profile)),
        time_format: time_format.unwrap_or_default().into(),
        first_week_day: text(Field::FirstWeekDay).parse().unwrap_or_default(),
        pending_email: String::new(),
    }
}

fn visibility(profile: &Profile) -> pb::ProfileVisibility {
    let of = |guard| pb::Visibility::from(profile.visibility(guard)).into();
    pb::ProfileVisibility {
        job_title: of(Field::JobTitleVisibility),
        address: of(Field::AddressVisibility),
        email: of(Field::EmailVisibility),
        business_phone: of(Field::BusinessPhoneVisibility),
        mobile_phone: of(Field::MobilePhoneVisibility),
        time_zone: of(Field::TimeZoneVisibility),
        locale: of(Field::LocaleVisibility),
    }
}

/// What the text of a field may be, as it is published.
fn constraint(field: Field) -> pb::FieldConstraint {
    let form = field.form();
    let (max, unit) = match form {
        Form::Line(max) => (max, pb::LengthUnit::CodePoints),
        Form::Initials(max) => (max, pb::LengthUnit::GraphemeClusters),
        Form::Digits(max) => (max, pb::LengthUnit::Digits),
        _ => (0, pb::LengthUnit::Unspecified),
    };
    pb::FieldConstraint {
        path: field.path().to_owned(),
        max: i32::try_from(max).unwrap_or(i32::MAX),
        unit: unit.into(),
        form: form.words().to_owned(),
    }
}

impl From<Visibility> for pb::Visibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Everyone => Self::EveryoneSharingAWorkcenter,
            Visibility::AccountMembers => Self::AccountMembers,
            Visibility::OnlyMe => Self::OnlyMe,
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
