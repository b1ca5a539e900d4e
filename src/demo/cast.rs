//! The people of the story: how they come in, and how each of them wants to hear.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::{Channel, Stage, chapter, mails::Sort, say, together, until};
use crate::{
    client::{answered, by},
    clock::Clock,
    error::{Error, Result},
    pb::{
        self, AddressedItems, Delivery, DigestFrequency, Preferences, invite_service_client::InviteServiceClient,
        preference_service_client::PreferenceServiceClient,
    },
    secret::{self, Secret},
};

/// How many colleagues there are beside those with a part of their own: enough for a run of several batches.
const COLLEAGUES: usize = 40;

/// What introduces the token in the mail of an invite.
const LINK: &str = "/invites/accept?token=";

/// Somebody who gets mail.
pub struct Person {
    /// The full name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The IANA name of the zone.
    pub zone: String,
    /// The zone.
    pub clock: TimeZone,
    /// The id.
    pub user_id: String,
    /// The token of the session.
    pub token: Secret,
    /// What is set for each WorkCenter, and what that comes to.
    pub places: Vec<pb::WorkCenterPreference>,
    /// Whether what is addressed to them comes at once.
    pub is_addressed_at_once: bool,
}

impl Person {
    /// Somebody whose choices are not known yet.
    ///
    /// # Errors
    ///
    /// When the zone is none.
    pub fn new(name: String, email: String, zone: &str, user_id: String, token: Secret) -> Result<Self> {
        let clock = TimeZone::get(zone).map_err(Error::internal)?;
        let zone = zone.to_owned();
        Ok(Self { name, email, zone, clock, user_id, token, places: Vec::new(), is_addressed_at_once: true })
    }

    /// How the activity of a WorkCenter comes to this person.
    pub fn delivery(&self, place: &str) -> Delivery {
        let found = self.places.iter().find(|it| it.workcenter_id == place);
        found.map(pb::WorkCenterPreference::effective_delivery).unwrap_or_default()
    }

    /// The WorkCenters whose activity comes to this person as `delivery`, and why; `None` when there are none.
    pub fn why(&self, delivery: Delivery) -> Option<String> {
        let mut why = String::new();
        for (source, because) in [
            (pb::DeliverySource::Workcenter, "set for it"),
            (pb::DeliverySource::Default, "by default"),
            (pb::DeliverySource::Account, "as the account has it"),
            (pb::DeliverySource::LargeWorkcenter, "for so many share it"),
        ] {
            let places = self.places.iter().filter(|it| it.effective_delivery() == delivery && it.source() == source);
            let names: Vec<&str> = places.map(|it| &*it.workcenter_name).collect();
            if !names.is_empty() {
                let between = if why.is_empty() { "" } else { "; " };
                let _ = write!(why, "{between}{}: {}, {because}", names.join(", "), short(delivery));
            }
        }
        (!why.is_empty()).then_some(why)
    }
}

/// A delivery without the prefix of the enum.
pub fn short(delivery: Delivery) -> &'static str {
    let name = delivery.as_str_name();
    name.strip_prefix("DELIVERY_").unwrap_or(name)
}

/// Puts those together of whom the same is to be said.
pub fn alike<T: PartialEq>(people: &[Person], said: impl Fn(&Person) -> T) -> Vec<(Vec<&Person>, T)> {
    let mut groups: Vec<(Vec<&Person>, T)> = Vec::new();
    for person in people {
        let said = said(person);
        match groups.iter_mut().find(|it| it.1 == said && it.0[0].zone == person.zone) {
            Some((group, _)) => group.push(person),
            None => groups.push((vec![person], said)),
        }
    }
    groups
}

/// Names a group of [`alike`] people.
pub fn named(group: &[&Person]) -> String {
    match group {
        [] => String::new(),
        [one] => format!("{}, {}", one.name, one.zone),
        [first, others @ ..] => format!("{} and {} more, {}", first.name, others.len(), first.zone),
    }
}

/// A part in the story.
struct Part {
    first_name: &'static str,
    last_name: String,
    zone: &'static str,
    /// What is chosen for single WorkCenters: which one of the story's, and what.
    places: &'static [(usize, Delivery)],
    /// What is chosen for all.
    chosen: Preferences,
}

impl Part {
    fn email(&self) -> String {
        format!("{}.{}@example.com", self.first_name, self.last_name).to_lowercase()
    }
}

fn parts() -> Vec<Part> {
    let chosen = |default: Delivery| Preferences { default_delivery: default.into(), ..Preferences::default() };
    let mut parts = vec![
        Part {
            first_name: "Grace",
            last_name: "Hopper".to_owned(),
            zone: "America/New_York",
            places: &[(0, Delivery::Immediate)],
            chosen: Preferences { digest_frequency: DigestFrequency::Daily.into(), ..chosen(Delivery::Digest) },
        },
        Part {
            first_name: "Tenzing",
            last_name: "Norgay".to_owned(),
            zone: "Asia/Kathmandu",
            places: &[(1, Delivery::Daily)],
            chosen: Preferences { digest_frequency: DigestFrequency::Weekly.into(), ..chosen(Delivery::Digest) },
        },
        Part {
            first_name: "Francis",
            last_name: "Chichester".to_owned(),
            zone: "Australia/Lord_Howe",
            places: &[(2, Delivery::Off)],
            chosen: Preferences { addressed_items: AddressedItems::WithDigest.into(), ..chosen(Delivery::Daily) },
        },
    ];
    parts.extend((1..=COLLEAGUES).map(|number| Part {
        first_name: "Colleague",
        last_name: format!("{number:02}"),
        zone: "America/New_York",
        places: &[],
        chosen: chosen(Delivery::Digest),
    }));
    parts
}

/// Invites everybody, and lets them accept by the token in their mail and choose how they hear.
pub async fn arrive(stage: &mut Stage<'_>, admin: &Person, places: &[String]) -> Result<Vec<Person>> {
    let parts = parts();
    chapter(&format!("{} people are invited by mail, accept, and choose how they want to hear", parts.len()))?;
    // The clock stands, so that nobody is told of the others before they have chosen how.
    stage.stop_clock().await?;
    for part in &parts {
        invite(stage, admin, part, places).await?;
    }
    let mails = &mut stage.mails;
    let wanted: Vec<String> = parts.iter().map(Part::email).collect();
    let tokens = until("the mails of invites have not come", async || {
        mails.look()?;
        let token = |email: &String| {
            let mut invites = mails.all().iter().filter(|it| it.sort == Sort::Invite);
            let (_, link) = invites.find(|it| it.to == *email)?.text.split_once(LINK)?;
            link.split_whitespace().next().map(|it| Secret::from(it.to_owned()))
        };
        Ok(wanted.iter().map(token).collect::<Option<Vec<Secret>>>())
    })
    .await?;
    say(format_args!("{} mails have come. Each has a link with a token, by which its reader accepts.", tokens.len()))?;

    let server = &stage.server;
    let people = together(parts.iter().zip(&tokens).map(|(part, token)| async move {
        let person = accept(server, part, token).await?;
        choose(server, &person, part, places).await?;
        Ok(person)
    }))
    .await?;
    stage.move_clock(Clock::new(stage.db.clone(), true).now().await?).await?;
    say(format_args!("{} people have accepted and are collaborators of every WorkCenter.", people.len()))?;
    Ok(people)
}

async fn invite(stage: &Stage<'_>, admin: &Person, part: &Part, places: &[String]) -> Result<()> {
    let role = pb::WorkCenterRole::Contributor.into();
    let place = |id: &String| pb::InvitedWorkCenter { workcenter_id: id.clone(), role };
    let sent = pb::CreateInviteRequest {
        email: part.email(),
        account_id: stage.settings.account_id.clone(),
        account_role: pb::AccountRole::Member.into(),
        workcenters: places.iter().map(place).collect(),
        message: "The survey begins on Thursday. Please have a look at the plans before.".to_owned(),
        ..Default::default()
    };
    let mut client = InviteServiceClient::new(stage.server.clone());
    let invite = answered("CreateInvite", client.create_invite(by(&admin.token, sent)?)).await?;
    match invite.outcome() {
        pb::InviteOutcome::Created => Ok(()),
        other => Err(Error::internal(format!("CreateInvite: {}", other.as_str_name()))),
    }
}

async fn accept(server: &Channel, part: &Part, token: &Secret) -> Result<Person> {
    let newcomer = pb::Newcomer {
        first_name: part.first_name.to_owned(),
        last_name: part.last_name.clone(),
        password: secret::token("")?.expose().to_owned(),
        time_zone: part.zone.to_owned(),
    };
    let by = Some(pb::accept_invite_request::By::Token(token.expose().to_owned()));
    let sent = pb::AcceptInviteRequest { newcomer: Some(newcomer), by, ..Default::default() };
    let mut client = InviteServiceClient::new(server.clone());
    let accepted = answered("AcceptInvite", client.accept_invite(sent)).await?;
    let name = format!("{} {}", part.first_name, part.last_name);
    Person::new(name, part.email(), part.zone, accepted.user_id, Secret::from(accepted.token))
}

/// Single WorkCenters first: what goes from digests to immediate mail would be caught up with.
async fn choose(server: &Channel, person: &Person, part: &Part, places: &[String]) -> Result<()> {
    let mut client = PreferenceServiceClient::new(server.clone());
    for (place, delivery) in part.places {
        let workcenter_id = places[*place].clone();
        let sent = pb::UpdateWorkCenterPreferenceRequest { workcenter_id, delivery: (*delivery).into() };
        let sent = by(&person.token, sent)?;
        answered("UpdateWorkCenterPreference", client.update_work_center_preference(sent)).await?;
    }
    let sent = pb::UpdatePreferencesRequest { preferences: Some(part.chosen.clone()), ..Default::default() };
    answered("UpdatePreferences", client.update_preferences(by(&person.token, sent)?)).await?;
    Ok(())
}

/// Reads what everybody has chosen and what that comes to, and tells it with when their next digests go.
pub async fn learn(stage: &Stage<'_>, people: &mut [Person]) -> Result<()> {
    let mut next = Vec::new();
    for person in &mut *people {
        let mut client = PreferenceServiceClient::new(stage.server.clone());
        let sent = by(&person.token, pb::ListWorkCenterPreferencesRequest::default())?;
        let listed = client.list_work_center_preferences(sent);
        person.places = answered("ListWorkCenterPreferences", listed).await?.preferences;
        let all = preferences(&stage.server, person).await?;
        person.is_addressed_at_once = all.addressed_items() == AddressedItems::Immediate;
        next.push((person.email.clone(), all.next_digests));
    }
    let said = |person: &Person| {
        let every = [Delivery::Immediate, Delivery::Daily, Delivery::Weekly, Delivery::Off];
        let mut lines: Vec<String> = every.iter().filter_map(|it| person.why(*it)).collect();
        if !person.is_addressed_at_once {
            lines.push("What is addressed to them waits for the digest".to_owned());
        }
        let own = next.iter().filter(|it| it.0 == person.email).flat_map(|it| &it.1);
        lines.extend(own.map(|it| {
            let cadence = short(it.cadence()).to_lowercase();
            format!("Next {cadence} digest: {}", it.next_digest_local)
        }));
        lines
    };
    for (group, lines) in alike(people, said) {
        say(format_args!("{}", named(&group)))?;
        for line in lines {
            say(format_args!("    {line}"))?;
        }
    }
    Ok(())
}

/// What a person has chosen for all their WorkCenters, and when their next digests go.
pub async fn preferences(server: &Channel, person: &Person) -> Result<Preferences> {
    let mut client = PreferenceServiceClient::new(server.clone());
    let sent = by(&person.token, pb::GetPreferencesRequest {})?;
    let answer = answered("GetPreferences", client.get_preferences(sent)).await?;
    answer.preferences.ok_or_else(|| Error::internal("GetPreferences: an answer without preferences"))
}
