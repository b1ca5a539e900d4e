//! Every kind of mail there is, with names that have been trouble to somebody, and with as many lines as are shown, one more
//! and two more: as the relay gets it, and as others read it who share no code with us.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use uuid::Uuid;
use workcenter::{
    daemon::{Daemon, Sweep},
    pb::{
        AcceptInviteRequest, Activity, ChangePasswordRequest, ConfirmEmailChangeRequest,
        ConfirmNotificationAddressRequest, CreateInviteRequest, DeclineInviteRequest, DeletePictureRequest, Delivery,
        Invite, InvitedWorkCenter, Newcomer, Preferences, Profile, PublishActivityRequest, RequestEmailChangeRequest,
        RequestNotificationAddressRequest, RequestPasswordResetRequest, ResetPasswordRequest, UpdatePreferencesRequest,
        UpdateProfileRequest, WorkCenterRole, accept_invite_request, decline_invite_request,
    },
};

use super::HOSTILE;
use crate::{
    harness::{Account, App, PASSWORD, Person, by},
    identity::mailed_token,
    invite,
    picture::{jpeg, messages, upload},
    received::Received,
    sink::{Point, Sink, at},
    story::{mask, mentioning, uploaded},
};

/// How many things happened in each WorkCenter, one of which concerns people, if there are several: beside it one, a few, as
/// many as are shown, one more and two more.
const COUNTS: [usize; 5] = [1, 3, 21, 22, 23];

/// What those are called who hear of every WorkCenter; mail to the latter names nothing.
const NAMES: [&str; 2] = ["everywhere", REDACTED];
const REDACTED: &str = "redacted";

/// The kinds of mail that there are; of those about invites and safety, what each can tell.
const KINDS: [&str; 18] = [
    "CATCHUP",
    "DIGEST",
    "IMMEDIATE",
    "INVITE",
    "INVITE reminder",
    "INVITE_NOTICE ACCEPTED",
    "INVITE_NOTICE DECLINED",
    "INVITE_NOTICE DELIVERY_FAILED",
    "SECURITY ADDRESS_CHANGED",
    "SECURITY ADDRESS_CHANGE_ASKED",
    "SECURITY ADDRESS_TO_CONFIRM",
    "SECURITY GUESSING",
    "SECURITY PASSWORD_CHANGED",
    "SECURITY PASSWORD_RESET",
    "SECURITY PASSWORD_RESET_ASKED",
    "SECURITY PICTURE_REMOVED",
    "SECURITY SECOND_ADDRESS_SET",
    "SECURITY SECOND_ADDRESS_TO_CONFIRM",
];

const ALL_KINDS: &str = "
    select distinct concat_ws(' ', mail.kind, case when mail.id = invite.reminder_id then 'reminder' end,
        case when mail.kind = 'INVITE_NOTICE' then invite.state end, security_event.kind) as kind
    from mail
    left join invite on invite.id = mail.subject_id and mail.kind like 'INVITE%'
    left join security_event on security_event.id = mail.subject_id
    where mail.state = 'SENT' order by 1";

/// Text of names that have been trouble to somebody, at most `most` bytes of one line.
fn trouble(number: usize, most: usize) -> String {
    let text: String = HOSTILE[number % HOSTILE.len()].chars().filter(|it| *it != '\u{2028}').collect();
    text[..text.floor_char_boundary(most)].trim().to_owned()
}

struct Stage {
    app: App,
    account: Account,
    key: String,
    sink: Sink,
    daemon: Daemon,
}

impl Stage {
    async fn begin() -> Self {
        let app = App::start().await;
        app.clock_at("2027-03-01T05:00:00Z").await;
        let account = app.account("Zoë & Söhne <b>\"مرحبا\"</b> 👩‍👩‍👧‍👧").await;
        let key = app.key(&["activity.publish"]).await;
        let sink = Sink::start(vec![at(Point::Rcpt).to("nobody@example.com").reply("550 5.1.1 <b>unknown</b>")]).await;
        let daemon = app.daemon(Some(sink.address()));
        Self { app, account, key, sink, daemon }
    }

    async fn person(&self, name: &str, number: usize) -> Person {
        let (first, last) = (trouble(number, 40), trouble(number + 5, 40));
        self.app.person(&self.account, &format!("{name}@example.com"), &first, &last).await
    }

    async fn at(&self, instant: &str) {
        self.app.clock_at(instant).await;
        let now = self.app.now().await;
        for sweep in [Sweep::Daily, Sweep::Weekly, Sweep::Immediate, Sweep::Outbox, Sweep::Outbox] {
            self.daemon.step(sweep, now).await.unwrap();
        }
    }

    async fn hear(&self, person: &Person, delivery: Delivery, redact_content: bool) {
        let preferences = Preferences { default_delivery: delivery.into(), redact_content, ..Preferences::default() };
        let update_mask = Some(mask(&["default_delivery", "redact_content"]));
        let message = UpdatePreferencesRequest { preferences: Some(preferences), update_mask, etag: String::new() };
        self.app.preferences().update_preferences(by(&person.token, message)).await.unwrap();
    }

    /// Things that happen in a WorkCenter, none of which is told in one line with another, and one that mentions people.
    fn events(&self, workcenter: Uuid, who: &Person, count: usize, mentioned: &[&Person]) -> Vec<Activity> {
        let event = |number: usize| {
            let mut event = uploaded(workcenter, who, &trouble(number, 200));
            event.subject.as_mut().unwrap().id = number.to_string();
            let (kind, summary) = ("post.created".to_owned(), trouble(number + 3, 200));
            if number == 1 { mentioning(event, mentioned) } else { Activity { kind, summary, ..event } }
        };
        (0..count).map(event).collect()
    }

    /// Digests, catch-ups and immediate mail of every length, named and redacted.
    async fn happenings(&self) {
        let bob = self.person("bob", 1).await;
        let cadences = [Delivery::Immediate, Delivery::Daily, Delivery::Weekly, Delivery::Daily];
        let mut everywhere = Vec::new();
        for (number, (name, cadence)) in
            NAMES.into_iter().flat_map(|it| cadences.map(|cadence| (it, cadence))).enumerate()
        {
            everywhere.push(self.person(&format!("{name}{number}"), number + 2).await);
            self.hear(&everywhere[number], cadence, name == REDACTED).await;
        }
        let mut places = Vec::new();
        for (number, count) in COUNTS.into_iter().enumerate() {
            let place = self.app.workcenter(&bob, self.account.id, &trouble(number + 7, 200)).await;
            let one = self.person(&format!("one{number}"), number + 6).await;
            self.hear(&one, Delivery::Daily, false).await;
            for person in everywhere.iter().chain([&one]) {
                self.app.collaborator(&bob, place, person).await;
            }
            places.push((place, count, one));
        }
        // That they came is told before.
        self.at("2027-03-02T12:00:00Z").await;
        for (place, count, one) in &places {
            let mentioned: Vec<&Person> = everywhere.iter().chain([one]).collect();
            let events = self.events(*place, &bob, *count, &mentioned);
            self.app.activity().publish_activity(by(&self.key, PublishActivityRequest { events })).await.unwrap();
        }
        self.publish_own(&everywhere).await;
        self.hear(&everywhere[3], Delivery::Immediate, false).await;
        self.hear(&everywhere[7], Delivery::Immediate, true).await;
        self.at("2027-03-02T12:05:00Z").await;
        self.at("2027-03-03T12:00:00Z").await;
        self.at("2027-03-08T12:00:00Z").await;
    }

    /// What is about each of these people alone, and of no WorkCenter.
    async fn publish_own(&self, people: &[Person]) {
        let kinds = ["process.succeeded", "process.failed", "process.cancelled", "collaborator.removed", "crane.lent"];
        let of = |person: &Person| kinds.map(|kind| (kind, person.id));
        let event = |(number, (kind, user)): (usize, (&str, Uuid))| {
            let mut event = uploaded(user, &self.account.admin, &trouble(number, 200));
            event.subject.as_mut().unwrap().id = number.to_string();
            Activity {
                event_id: kind.to_owned(),
                workcenter_id: String::new(),
                account_id: self.account.id.to_string(),
                user_id: user.to_string(),
                kind: kind.to_owned(),
                summary: trouble(number + 3, 200),
                audience: 0,
                ..event
            }
        };
        let events = people.iter().flat_map(of).enumerate().map(event).collect();
        self.app.activity().publish_activity(by(&self.key, PublishActivityRequest { events })).await.unwrap();
    }

    async fn invite(&self, email: &str, place: Uuid) -> Invite {
        let asked = CreateInviteRequest {
            email: email.to_owned(),
            account_id: self.account.id.to_string(),
            workcenters: vec![InvitedWorkCenter {
                workcenter_id: place.to_string(),
                role: WorkCenterRole::Reader.into(),
            }],
            message: HOSTILE.map(|it| it.replace('\u{2028}', "")).join("\n"),
            notify_me_on_accept: true,
            ..Default::default()
        };
        let made = self.app.invites().create_invite(by(&self.account.admin.token, asked)).await.unwrap();
        made.into_inner().invite.unwrap()
    }

    /// Invites, a reminder, and how they ended.
    async fn invites(&self) {
        let place = self.app.workcenter(&self.account.admin, self.account.id, &trouble(8, 200)).await;
        let [accepted, declined] =
            [self.invite("nora@example.com", place).await, self.invite("olga@example.com", place).await];
        self.invite("nobody@example.com", place).await;
        self.invite("late@example.com", place).await;
        self.at("2027-03-08T13:00:00Z").await;
        let token = async |invite| invite::mailed(&self.app, invite).await.unwrap();
        let newcomer = Newcomer {
            first_name: trouble(8, 40),
            last_name: trouble(10, 40),
            password: "a bridge over the Tees".to_owned(),
            time_zone: String::new(),
        };
        let asked = AcceptInviteRequest {
            by: Some(accept_invite_request::By::Token(token(&accepted).await)),
            newcomer: Some(newcomer),
            ..Default::default()
        };
        self.app.invites().accept_invite(asked).await.unwrap();
        let asked = DeclineInviteRequest {
            by: Some(decline_invite_request::By::Token(token(&declined).await)),
            reason: trouble(10, 300),
        };
        self.app.invites().decline_invite(asked).await.unwrap();
        self.at("2027-03-12T13:00:00Z").await;
    }

    /// What is told for the sake of somebody's safety.
    async fn safety(&self) {
        let ada = self.person("ada", 7).await;
        let american = Profile { locale: "en-US".to_owned(), ..Profile::default() };
        let update_mask = Some(mask(&["locale"]));
        let asked = UpdateProfileRequest { profile: Some(american), update_mask, ..Default::default() };
        self.app.profiles().update_profile(by(&ada.token, asked)).await.unwrap();
        upload(&self.app, &ada.token, messages(&jpeg(40, 40), 10_000)).await.unwrap();
        let asked = DeletePictureRequest { user_id: ada.id.to_string() };
        self.app.profiles().delete_picture(by(&self.account.admin.token, asked)).await.unwrap();

        let new_email = "ada@new.example".to_owned();
        let asked = RequestEmailChangeRequest { new_email: new_email.clone(), password: PASSWORD.to_owned() };
        self.app.profiles().request_email_change(by(&ada.token, asked)).await.unwrap();
        let asked = RequestNotificationAddressRequest { email: "ada.news@example.org".to_owned() };
        self.app.preferences().request_notification_address(by(&ada.token, asked)).await.unwrap();
        // Those with links go while these are good.
        self.at("2027-03-12T14:00:00Z").await;
        let change = async |current: &str, new: &str| {
            let (current_password, new_password) = (current.to_owned(), new.to_owned());
            let asked = ChangePasswordRequest { current_password, new_password };
            self.app.sessions().change_password(by(&ada.token, asked)).await
        };
        let token = mailed_token(&self.app, "ADDRESS_TO_CONFIRM").await.unwrap();
        self.app.profiles().confirm_email_change(ConfirmEmailChangeRequest { token }).await.unwrap();
        let token = mailed_token(&self.app, "SECOND_ADDRESS_TO_CONFIRM").await.unwrap();
        let asked = ConfirmNotificationAddressRequest { token };
        self.app.preferences().confirm_notification_address(asked).await.unwrap();
        change(PASSWORD, "seven kinds of seaweed").await.unwrap();
        let asked = RequestPasswordResetRequest { email: new_email };
        self.app.sessions().request_password_reset(asked).await.unwrap();
        self.at("2027-03-12T14:30:00Z").await;
        let (token, new_password) = (mailed_token(&self.app, "PASSWORD_RESET_ASKED").await, "a long walk off the pier");
        let asked = ResetPasswordRequest { token: token.unwrap(), new_password: new_password.to_owned() };
        self.app.sessions().reset_password(asked).await.unwrap();

        let eve = self.person("eve", 9).await;
        let guess = || ChangePasswordRequest {
            current_password: "a wrong guess of mine".to_owned(),
            new_password: "seven kinds of seaweed".to_owned(),
        };
        for _ in 0..6 {
            self.app.sessions().change_password(by(&eve.token, guess())).await.unwrap_err();
        }
        self.at("2027-03-12T15:00:00Z").await;
    }
}

/// What stands in each of these attributes, or between these words, in the order in which it comes.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).map(|it| it.split(after).next().unwrap()).collect()
}

/// The words of a piece of HTML.
fn words(html: &str) -> String {
    let mut words = String::new();
    for piece in html.split('<') {
        words.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
    }
    words.trim().to_owned()
}

/// The addresses that a text names.
fn addresses(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("http").map(|(at, _)| &text[at..]);
    let whole = starts.map(|it| it.split(char::is_whitespace).next().unwrap());
    whole.filter(|it| it.starts_with("http://") || it.starts_with("https://")).map(ToOwned::to_owned).collect()
}

/// What is wrong with a mail, by our own reading.
fn faults(mail: &Received) -> Vec<String> {
    let (html, text) = (mail.html(), mail.text());
    let mut faults = Vec::new();
    let mut expect = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    expect(html.len() <= 90_000, "its HTML is too long");
    expect(
        html.contains("<html lang=\"en\"") && html.matches("<h1>").count() == 1,
        "has no language, or no one heading",
    );
    let subject = mail.header("Subject").unwrap();
    expect((1..=120).contains(&subject.chars().count()), "its subject is not seen whole");
    for link in between(&html, "<a ", "</a>") {
        let said = words(link).to_lowercase();
        let says_nothing = ["", "here", "click here", "link", "more", "read more"].contains(&said.as_str());
        expect(!says_nothing, &format!("has a link that says {said:?}"));
    }
    let linked = between(&html, "href=\"", "\"").into_iter().map(|it| it.replace("&amp;", "&").replace("&#39;", "'"));
    let (linked, named) = (linked.collect::<BTreeSet<_>>(), addresses(&text));
    expect(linked == named, &format!("links to {linked:?} and names {named:?}"));
    let heading = words(between(&html, "<h1>", "</h1>")[0]);
    let unescaped = heading.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    expect(text.contains(&unescaped.replace("&amp;", "&")), "says another heading in plain text");
    let body = html.split("</style>").nth(1).unwrap_or_default();
    for markup in ["<script", "<b>\"", "<b>unknown", "javascript:", "src=", "url("] {
        expect(!body.contains(markup), &format!("has {markup} in it"));
    }
    let leads = |it: &String| {
        ["app.example/workcenters/", "app.example/preferences", "mail.example/"]
            .iter()
            .any(|to| it[8..].starts_with(to))
    };
    expect(!mail.to.starts_with(REDACTED) || linked.iter().all(leads), "leads to what it must not name");
    let is_list = mail.header("List-Id").is_some();
    let unsubscribes = ["List-Unsubscribe", "List-Unsubscribe-Post"].map(|it| mail.header(it).is_some());
    expect(unsubscribes == [is_list; 2], "can be had no more of, or not, against what it is");
    expect(mail.header("Auto-Submitted").as_deref() == Some("auto-generated"), "does not say that a program wrote it");
    faults
}

/// Lays mails down where others read them.
fn lay_down(mails: &[Received]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("letters");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    for (number, mail) in mails.iter().enumerate() {
        let file = |ending: &str| folder.join(format!("{number:03}.{ending}"));
        fs::write(file("eml"), &mail.data).unwrap();
        fs::write(file("html"), mail.html()).unwrap();
        fs::write(file("txt"), mail.text()).unwrap();
    }
    folder
}

/// What another program finds wrong.
fn found(program: &str, script: &str, folder: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join(program);
    assert!(program.exists(), "{} is missing: run bin/dev/setup letters", program.display());
    let mut command = Command::new(program);
    command.arg(root.join("tests/letters").join(script)).arg(folder);
    let output = command.env("NODE_PATH", root.join(".dev/tools/letters/node_modules")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn every_kind_of_mail_is_well_made_whatever_is_in_it() {
    let stage = Stage::begin().await;
    stage.happenings().await;
    stage.invites().await;
    stage.safety().await;

    let kinds = stage.app.client().await.query(ALL_KINDS, &[]).await.unwrap();
    assert_eq!(kinds.iter().map(|it| it.get("kind")).collect::<Vec<String>>(), KINDS);
    let mails = stage.sink.mails();
    let wrong: BTreeMap<String, Vec<String>> = mails.iter().map(|it| (it.message_id(), faults(it))).collect();
    assert_eq!(wrong.len(), mails.len(), "each is another mail");
    let wrong: Vec<_> = wrong.into_iter().filter(|(_, faults)| !faults.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    let folder = lay_down(&mails);
    assert_eq!(found(".dev/tools/venv/bin/python", "read.py", &folder), "");
    assert_eq!(found(".dev/tools/bin/node", "lint.js", &folder), "");
}
