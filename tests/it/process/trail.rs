//! What the log has of calls: every line can be read by a machine, says whose call it belongs to, and tells who did
//! what to whom, and no more of them than their ids.

use serde_json::Value;
use tonic::Request;
use uuid::Uuid;
use workcenter::pb::{
    AcceptInviteRequest, AccountRole, ClearSuppressedAddressRequest, CreateInviteRequest, DeclineInviteRequest,
    GetJobRequest, RequestPasswordResetRequest, ResendInviteRequest, ResetPasswordRequest, RevokeInviteRequest,
    SignInRequest, UnsubscribeRequest, UpdateMemberRequest, accept_invite_request,
    account_service_client::AccountServiceClient, decline_invite_request, invite_service_client::InviteServiceClient,
    job_service_client::JobServiceClient, preference_service_client::PreferenceServiceClient,
    session_service_client::SessionServiceClient,
};
use workcenter::subscription::{Link, Scope, Switch};

use super::program::{DAEMON, SERVER, Serving};
use crate::{
    channel::Channel,
    harness::{Account, App, PASSWORD, Person, by},
    identity,
};

/// What a line about security says: the event, who did it to whom, and how the call ended.
type Line = (String, Option<Uuid>, Option<Uuid>, String);

/// Reads a line of the log, which has what each must have.
fn read(line: &str) -> Value {
    let read: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    for field in ["timestamp", "level", "target", "message"] {
        assert!(read[field].is_string(), "{field} is missing in {line}");
    }
    read
}

fn security(line: &Value) -> Option<Line> {
    let id = |field: &str| Some(line[field].as_str()?.parse().unwrap());
    let text = |field: &str| line[field].as_str().unwrap().to_owned();
    (line["target"] == "workcenter::security")
        .then(|| (text("event"), id("actor.id"), id("subject.id"), text("outcome")))
}

/// The cast of a walk through everything that matters to security.
struct Walk<'a> {
    app: &'a App,
    account: &'a Account,
    /// A member of the account.
    member: Person,
    /// Somebody of another account.
    other: Person,
    channel: Channel,
    /// What the log should say of it.
    expected: Vec<Line>,
}

impl Walk<'_> {
    fn expect(&mut self, event: &str, actor: Option<Uuid>, subject: Option<Uuid>, outcome: &str) {
        self.expected.push((event.to_owned(), actor, subject, outcome.to_owned()));
    }

    async fn sign_in(&mut self) {
        let admin = &self.account.admin;
        let mut sessions = SessionServiceClient::new(self.channel.clone());
        for password in ["a wrong password that nobody has", PASSWORD] {
            let message = SignInRequest { email: admin.email.clone(), password: password.to_owned() };
            assert_eq!(sessions.sign_in(message).await.is_ok(), password == PASSWORD);
        }
        let message = RequestPasswordResetRequest { email: admin.email.clone() };
        sessions.request_password_reset(message).await.unwrap();
        let token = identity::mailed_token(self.app, "PASSWORD_RESET_ASKED").await.unwrap();
        let new_password = "seven kinds of seaweed".to_owned();
        sessions.reset_password(ResetPasswordRequest { token, new_password }).await.unwrap();
        let admin = Some(admin.id);
        self.expect("SIGN_IN_FAILED", None, admin, "UNAUTHENTICATED");
        self.expect("SIGNED_IN", admin, admin, "OK");
        self.expect("PASSWORD_RESET_ASKED", None, admin, "OK");
        self.expect("PASSWORD_RESET", None, admin, "OK");
    }

    async fn be_refused(&mut self) {
        let mut jobs = JobServiceClient::new(self.channel.clone());
        let job = || GetJobRequest { job_id: Uuid::nil().to_string() };
        jobs.get_job(Request::new(job())).await.unwrap_err();
        jobs.get_job(by("wck_nonsense", job())).await.unwrap_err();
        self.expect("REFUSED", None, None, "UNAUTHENTICATED");
        self.expect("REFUSED", None, None, "UNAUTHENTICATED");
        let member = self.member.clone();
        self.role(&member, AccountRole::Administrator).await.unwrap_err();
        self.expect("REFUSED", Some(member.id), None, "PERMISSION_DENIED");
    }

    async fn role(&self, who: &Person, role: AccountRole) -> Result<(), tonic::Status> {
        let (account_id, user_id) = (self.account.id.to_string(), self.member.id.to_string());
        let message = UpdateMemberRequest { account_id, user_id, role: role.into() };
        AccountServiceClient::new(self.channel.clone()).update_member(by(&who.token, message)).await.map(drop)
    }

    async fn invite(&mut self, host: &Person, email: &str) -> String {
        let message = CreateInviteRequest {
            email: email.to_owned(),
            account_id: self.account.id.to_string(),
            account_role: AccountRole::Guest.into(),
            ..Default::default()
        };
        let made =
            InviteServiceClient::new(self.channel.clone()).create_invite(by(&host.token, message)).await.unwrap();
        let id = made.into_inner().invite.unwrap().invite_id;
        self.expect("INVITE_MADE", Some(host.id), Some(id.parse().unwrap()), "OK");
        id
    }

    async fn invites(&mut self, host: &Person) {
        let mut invites = InviteServiceClient::new(self.channel.clone());
        let other = self.other.clone();
        let declined = self.invite(host, &other.email).await;
        let by_id = decline_invite_request::By::InviteId(declined.clone());
        let message = DeclineInviteRequest { by: Some(by_id), reason: String::new() };
        invites.decline_invite(by(&other.token, message)).await.unwrap();
        self.expect("INVITE_DECLINED", Some(other.id), declined.parse().ok(), "OK");
        let accepted = self.invite(host, &other.email).await;
        let by_id = accept_invite_request::By::InviteId(accepted.clone());
        invites
            .accept_invite(by(&other.token, AcceptInviteRequest { by: Some(by_id), ..Default::default() }))
            .await
            .unwrap();
        self.expect("INVITE_ACCEPTED", Some(other.id), accepted.parse().ok(), "OK");
        let revoked = self.invite(host, "nobody@example.com").await;
        self.app.clock_at("2026-11-20T12:30:00Z").await;
        invites.resend_invite(by(&host.token, ResendInviteRequest { invite_id: revoked.clone() })).await.unwrap();
        self.expect("INVITE_RESENT", Some(host.id), revoked.parse().ok(), "OK");
        invites.revoke_invite(by(&host.token, RevokeInviteRequest { invite_id: revoked.clone() })).await.unwrap();
        self.expect("INVITE_REVOKED", Some(host.id), revoked.parse().ok(), "OK");
    }

    async fn mail(&mut self, host: &Person) {
        let mut preferences = PreferenceServiceClient::new(self.channel.clone());
        let (member, account) = (self.member.clone(), self.account.id);
        let link = Link { user: member.id, account, scope: Scope::Account };
        let token = link.seal(self.app.token_key(), Switch::Off);
        preferences.unsubscribe(UnsubscribeRequest { token }).await.unwrap();
        self.expect("UNSUBSCRIBED", None, Some(member.id), "OK");
        let gone = "insert into suppressed_address (email_key, reason) values ($1, '550')";
        self.app.client().await.execute(gone, &[&member.email]).await.unwrap();
        let message = ClearSuppressedAddressRequest { account_id: account.to_string(), email: member.email };
        preferences.clear_suppressed_address(by(&host.token, message)).await.unwrap();
        self.expect("SUPPRESSION_CLEARED", Some(host.id), Some(account), "OK");
    }
}

#[tokio::test]
async fn what_matters_to_security_is_told_with_who_did_it_and_how_it_ended() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let member = app.person(&account, "member@example.com", "Mem", "Ber").await;
    let host = app.person(&account, "host@example.com", "Ho", "St").await;
    let raised = "update member set role = 'ADMINISTRATOR' where user_id = $1";
    app.client().await.execute(raised, &[&host.id]).await.unwrap();
    let other = app.account("Quay Works").await;
    let other = app.person(&other, "other@example.com", "Oth", "Er").await;
    let settings = [("LOG_JSON", "true"), ("LOG", "info,workcenter=trace")];
    let serving = Serving::start(SERVER, &app, &settings).await;
    let channel = serving.channel();
    let mut walk = Walk { app: &app, account: &account, member, other, channel, expected: Vec::new() };
    walk.sign_in().await;
    walk.be_refused().await;
    walk.role(&host, AccountRole::Guest).await.unwrap();
    walk.expect("ROLE_SET", Some(host.id), Some(walk.member.id), "OK");
    walk.invites(&host).await;
    walk.mail(&host).await;

    serving.terminate().await;
    let (_, log) = serving.end().await;
    let lines: Vec<Value> = log.iter().map(|it| read(it)).collect();
    assert_eq!(lines.iter().filter_map(security).collect::<Vec<_>>(), walk.expected);
    for line in lines.iter().filter(|it| it["target"] == "workcenter::security") {
        let request = &line["span"]["request.id"];
        let ends = |it: &&Value| it["message"] == "called" && it["span"]["request.id"] == *request;
        assert_eq!(lines.iter().filter(ends).count(), 1, "{line} belongs to no call, or to many");
    }
    for secret in ["@example.com", PASSWORD, "wck_nonsense", &host.token] {
        assert!(!log.iter().any(|it| it.contains(secret)), "{secret}");
    }
}

#[tokio::test]
async fn every_line_of_a_call_has_its_ids_and_there_is_one_of_its_end() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let key = app.key(&["jobs.read"]).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for program in [SERVER, DAEMON] {
        let serving = Serving::start(program, &app, &[("LOG_JSON", "true"), ("LOG", "info,workcenter=trace")]).await;
        let mut jobs = JobServiceClient::new(serving.channel());
        for (token, id) in [(&account.admin.token, "call-1"), (&key, "call-2"), (&"wrong".to_owned(), "call-3")] {
            let mut request = by(token, GetJobRequest { job_id: Uuid::nil().to_string() });
            request.metadata_mut().insert("x-request-id", id.parse().unwrap());
            request.metadata_mut().insert("traceparent", format!("00-{trace}-00f067aa0ba902b7-01").parse().unwrap());
            jobs.get_job(request).await.unwrap_err();
        }
        serving.terminate().await;
        let (_, log) = serving.end().await;
        let lines: Vec<Value> = log.iter().map(|it| read(it)).collect();
        let ended: Vec<&Value> = lines.iter().filter(|it| it["message"] == "called").collect();
        let told = |it: &Value| {
            let text = |it: &Value| it.as_str().unwrap().to_owned();
            assert!(it["took_us"].is_u64() && it["span"]["trace.id"] == trace, "{it}");
            assert_eq!(it["span"]["method"], "/workcenter.v1.JobService/GetJob");
            (text(&it["span"]["request.id"]), text(&it["caller.kind"]), text(&it["outcome"]), text(&it["reason"]))
        };
        let expected = [
            ("call-1", "PERSON", "NOT_FOUND", "JOB_NOT_FOUND"),
            ("call-2", "SERVICE", "NOT_FOUND", "JOB_NOT_FOUND"),
            ("call-3", "UNKNOWN", "UNAUTHENTICATED", "SESSION_INVALID"),
        ];
        let ended: Vec<_> = ended.into_iter().map(told).collect();
        assert_eq!(ended, expected.map(|(a, b, c, d)| (a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned())));
    }
}
