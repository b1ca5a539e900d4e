//! `SessionService` on the wire.

use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Candidate, Challenge, Email, Event, EventKind, Gate, Session, challenge, password, password_violations, record,
    reset, session, store,
    throttle::{self, Bucket, Count, Turns},
    typed_password,
};
use crate::{
    access::{self, Action, Resource},
    auth::{self, Caller, Origin},
    clock::Clock,
    db::Db,
    error::{Error, Kind, Reason, Result, Violation, Violations},
    ids,
    page::Page,
    pb::{self, session_service_server::SessionService},
    secret::{Hasher, Secret, TokenKey, hash},
};

/// Lets people in and out.
pub struct Service {
    db: Db,
    clock: Clock,
    key: TokenKey,
    hasher: Hasher,
    gate: Gate,
    challenge: Challenge,
    /// Who may next have a password compared with those that they had.
    turns: Turns,
}

impl Service {
    /// A service over `db`: tokens of mails are made and page tokens sealed with `key`, passwords are asked for by
    /// `challenge`, and a session that ends is forgotten by `gate` at once.
    pub fn new(db: Db, clock: Clock, key: TokenKey, hasher: Hasher, gate: Gate, challenge: Challenge) -> Self {
        Self { db, clock, key, hasher, gate, challenge, turns: Turns::default() }
    }

    /// The person whom a call is about; nil for nobody.
    async fn leave(&self, caller: &Caller, action: Action) -> Result<Uuid> {
        Ok(access::may(&self.db.client().await?, caller, action, Resource::Own).await?.person)
    }

    /// Begins the session of somebody who has proved who they are.
    async fn begin(&self, email: &Email, password: &Secret, origin: &Origin) -> Result<(Uuid, Session)> {
        let now = self.clock.now().await?;
        let proved = self.challenge.sign_in(email, password, origin, now).await?;
        let user = proved.person.id;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        challenge::hold(&tx, &proved.person).await?;
        proved.forgiven(&tx).await?;
        let session = session::begin_session(&tx, user, origin).await?;
        record(&tx, Event::new(EventKind::SignedIn, Some(user), origin).by(user), now).await?;
        tx.commit().await?;
        Ok((user, session))
    }

    /// Ends a session, here and on every other server.
    async fn end(&self, session: Uuid) -> Result<()> {
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        session::end(&tx, session).await?;
        tx.commit().await?;
        self.gate.end(&[session]);
        Ok(())
    }

    /// Ends one of the sessions of `user`, if it has not ended.
    async fn revoke(&self, user: Uuid, session: Uuid, origin: &Origin) -> Result<()> {
        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let is_open = session::revoke(&tx, user, session).await?;
        if is_open.ok_or_else(|| Error::NotFound(Kind::Session, session.to_string()))? {
            record(&tx, Event::new(EventKind::SessionRevoked, Some(user), origin).by(user), now).await?;
        }
        tx.commit().await?;
        self.gate.end(&[session]);
        Ok(())
    }

    /// Asks for the mail for a new password, unless it was asked for too often.
    async fn ask_for_reset(&self, email: &Email, origin: &Origin) -> Result<()> {
        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let address = Bucket::of(Count::ResetAddress, email.key.as_bytes());
        for bucket in [address, Bucket::network(Count::ResetNetwork, origin)] {
            if let Some(left) = throttle::admit(&tx, &bucket).await? {
                return Err(Error::Exhausted(Reason::SignInThrottled, left));
            }
        }
        reset::ask(&tx, &self.key, email, origin, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets a new password by the token of a mail.
    async fn reset(&self, token: &str, password: Secret, origin: &Origin) -> Result<()> {
        let refused = || Error::Refused(Reason::TokenNotValid);
        let (now, token) = (self.clock.now().await?, hash(token));
        let user = reset::find(&self.db.client().await?, &token).await?.ok_or_else(refused)?;
        let phc = self.fit(user, password, None).await?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        // Of two who come at once one finds it.
        let user = reset::take(&tx, &token).await?.ok_or_else(refused)?;
        let person = store::person(&tx, user).await?.ok_or_else(refused)?;
        let ended = password::reset(&tx, &person, &phc, origin, now).await?;
        tx.commit().await?;
        self.gate.end(&ended);
        Ok(())
    }

    /// Changes the password of `user`, who is in `session` and says that `present` is theirs.
    async fn change(
        &self,
        user: Uuid,
        session: Option<Uuid>,
        present: Secret,
        password: Secret,
        origin: &Origin,
    ) -> Result<()> {
        let now = self.clock.now().await?;
        let person = self.challenge.again(user, &present, origin, now).await?;
        let phc = self.fit(user, password, Some(present)).await?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let ended = password::change(&tx, &person, &phc, session, origin, now).await?;
        tx.commit().await?;
        self.gate.end(&ended);
        Ok(())
    }

    /// The hash of a new password of `user`, in the field `new_password`, if it keeps every rule.
    async fn fit(&self, user: Uuid, password: Secret, present: Option<Secret>) -> Result<String> {
        let (policy, candidate) = {
            let client = self.db.client().await?;
            let policy = password::policy(&client, user).await?;
            (policy, password::candidate(&client, user, password.clone(), present).await?)
        };
        let verdicts = password::judge(&self.hasher, &policy, candidate).await?;
        let broken = password_violations("new_password", &verdicts);
        if broken.is_empty() { self.hasher.hash(&password).await } else { Err(Error::Invalid(broken)) }
    }

    /// What is asked of passwords of `user`; nil stands for anybody.
    async fn policy(&self, user: Uuid) -> Result<password::Policy> {
        if user.is_nil() {
            return Ok(password::Policy::default());
        }
        password::policy(&self.db.client().await?, user).await
    }

    /// Judges `password` as one that `user` may want to have; nil stands for anybody.
    ///
    /// Whoever asks too often is no longer told whether it is one that they had: it might not be they who ask.
    async fn check(&self, user: Uuid, password: Secret) -> Result<Vec<password::Verdict>> {
        let policy = self.policy(user).await?;
        if user.is_nil() {
            return password::judge(&self.hasher, &policy, Candidate::new(password)).await;
        }
        // Each is counted before the next is compared.
        let _turn = self.turns.wait(&user.to_string()).await?;
        let (candidate, waits) = {
            let client = self.db.client().await?;
            let bucket = Bucket::person(Count::Check, user);
            let waits = throttle::wait_left(&client, std::slice::from_ref(&bucket)).await?.is_some();
            (password::candidate(&client, user, password, None).await?, waits)
        };
        let candidate = if waits { candidate.without_a_past() } else { candidate };
        let verdicts = password::judge(&self.hasher, &policy, candidate).await?;
        if password::was_compared(&verdicts) {
            let mut client = self.db.client().await?;
            let tx = client.transaction().await?;
            throttle::count(&tx, &Bucket::person(Count::Check, user)).await?;
            tx.commit().await?;
        }
        Ok(verdicts)
    }
}

#[tonic::async_trait]
impl SessionService for Service {
    async fn sign_in(&self, request: Request<pb::SignInRequest>) -> Result<Response<pb::SignInResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let message = request.into_inner();
        self.leave(&caller, Action::SignIn).await?;
        let mut violations = Violations::default();
        let email = violations.take(Email::parse("email", &message.email));
        let password = violations.take(typed_password("password", message.password));
        let (email, password) = all(violations, email, password)?;

        let (user, Session { token, ends_at, .. }) = self.begin(&email, &password, &origin).await?;

        Ok(Response::new(pb::SignInResponse {
            token: token.expose().to_owned(),
            user_id: user.to_string(),
            expire_time: Some(pb::time(ends_at)),
        }))
    }

    async fn sign_out(&self, request: Request<pb::SignOutRequest>) -> Result<Response<pb::SignOutResponse>, Status> {
        let caller = auth::caller(&request)?;
        self.leave(&caller, Action::SignOut).await?;
        // A service has no session, not even when it acts for somebody who has.
        let Caller::Person { session_id, .. } = caller else { return Err(Error::Forbidden.into()) };
        self.end(session_id).await?;
        Ok(Response::new(pb::SignOutResponse {}))
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let user = self.leave(&caller, Action::ListSessions).await?;
        let list: &[&[u8]] = &[b"ListSessions", user.as_bytes()];
        let page = Page::read(&self.key, asked.page_size, &asked.page_token, list, now).map_err(Error::from)?;

        let after = page.after.as_deref().and_then(session::Place::named);
        let mut sessions = session::list(&self.db.client().await?, user, after, page.fetch).await?;
        let next_page_token = page.cut(&self.key, &mut sessions, |it| it.place().text(), now);

        let current = in_session(&caller);
        let sessions = sessions.into_iter().map(|it| listed(it, current)).collect();
        Ok(Response::new(pb::ListSessionsResponse { sessions, next_page_token }))
    }

    async fn revoke_session(
        &self,
        request: Request<pb::RevokeSessionRequest>,
    ) -> Result<Response<pb::RevokeSessionResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let session = ids::parse("session_id", &request.into_inner().session_id);
        let user = self.leave(&caller, Action::RevokeSession).await?;
        self.revoke(user, session.map_err(Error::from)?, &origin).await?;
        Ok(Response::new(pb::RevokeSessionResponse {}))
    }

    async fn request_password_reset(
        &self,
        request: Request<pb::RequestPasswordResetRequest>,
    ) -> Result<Response<pb::RequestPasswordResetResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let email = Email::parse("email", &request.into_inner().email);
        self.leave(&caller, Action::RequestPasswordReset).await?;
        self.ask_for_reset(&email.map_err(Error::from)?, &origin).await?;
        Ok(Response::new(pb::RequestPasswordResetResponse {}))
    }

    async fn reset_password(
        &self,
        request: Request<pb::ResetPasswordRequest>,
    ) -> Result<Response<pb::ResetPasswordResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let asked = request.into_inner();
        self.leave(&caller, Action::ResetPassword).await?;
        let mut violations = Violations::default();
        let token = violations.take(required("token", asked.token));
        let password = violations.take(required("new_password", asked.new_password));
        let (token, password) = all(violations, token, password)?;
        self.reset(token.expose(), password, &origin).await?;
        Ok(Response::new(pb::ResetPasswordResponse {}))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let asked = request.into_inner();
        let user = self.leave(&caller, Action::ChangePassword).await?;
        let mut violations = Violations::default();
        let present = violations.take(typed_password("current_password", asked.current_password));
        let password = violations.take(required("new_password", asked.new_password));
        let (present, password) = all(violations, present, password)?;
        self.change(user, in_session(&caller), present, password, &origin).await?;
        Ok(Response::new(pb::ChangePasswordResponse {}))
    }

    async fn get_password_policy(
        &self,
        request: Request<pb::GetPasswordPolicyRequest>,
    ) -> Result<Response<pb::GetPasswordPolicyResponse>, Status> {
        let caller = auth::caller(&request)?;
        let user = self.leave(&caller, Action::GetPasswordPolicy).await?;
        let policy = self.policy(user).await?;
        Ok(Response::new(pb::GetPasswordPolicyResponse { policy: Some(policy.into()) }))
    }

    async fn check_password(
        &self,
        request: Request<pb::CheckPasswordRequest>,
    ) -> Result<Response<pb::CheckPasswordResponse>, Status> {
        let caller = auth::caller(&request)?;
        let password = required("password", request.into_inner().password);
        let user = self.leave(&caller, Action::CheckPassword).await?;
        let verdicts = self.check(user, password.map_err(Error::from)?).await?;
        let acceptable = verdicts.iter().all(|it| it.outcome != password::Outcome::Broken);
        let verdicts = verdicts.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::CheckPasswordResponse { acceptable, verdicts }))
    }
}

/// The session that a call came with; a service has none.
fn in_session(caller: &Caller) -> Option<Uuid> {
    match caller {
        Caller::Person { session_id, .. } => Some(*session_id),
        Caller::Anonymous | Caller::Service { .. } => None,
    }
}

/// Reads something secret that must be there.
fn required(field: &str, text: String) -> Result<Secret, Violation> {
    if text.is_empty() { Err(Violation::new(field, "is required")) } else { Ok(text.into()) }
}

/// Both of what was read, or everything that is wrong with it.
fn all<A, B>(violations: Violations, first: Option<A>, second: Option<B>) -> Result<(A, B)> {
    violations.none()?;
    first.zip(second).ok_or_else(|| Error::internal("a field was neither read nor refused"))
}

fn listed(session: session::Listed, current: Option<Uuid>) -> pb::Session {
    pb::Session {
        session_id: session.id.to_string(),
        create_time: Some(pb::time(session.created_at)),
        last_use_time: Some(pb::time(session.last_used_at)),
        expire_time: Some(pb::time(session.ends_at)),
        source: session.source,
        user_agent: session.agent,
        current: current == Some(session.id),
    }
}

impl From<password::Policy> for pb::PasswordPolicy {
    fn from(policy: password::Policy) -> Self {
        let preset = |it: &password::Preset| match it {
            password::Preset::Nist2025 => pb::PasswordPreset::Nist2025.into(),
            password::Preset::ProcoreStrict => pb::PasswordPreset::ProcoreStrict.into(),
        };
        let presets = policy.presets().iter().map(preset).collect();
        Self { presets, rules: policy.asks().into_iter().map(Into::into).collect() }
    }
}

impl From<password::Ask> for pb::PasswordRule {
    fn from(ask: password::Ask) -> Self {
        use password::Ask;
        use pb::PasswordRuleKind as Kind;
        let (kind, number) = match ask {
            Ask::MinLength(least) => (Kind::MinLength, least),
            Ask::MaxLength(most) => (Kind::MaxLength, most),
            Ask::UpperCase => (Kind::UpperCase, 0),
            Ask::LowerCase => (Kind::LowerCase, 0),
            Ask::Digit => (Kind::Digit, 0),
            Ask::Special => (Kind::Special, 0),
            Ask::NotCommon => (Kind::NotCommon, 0),
            Ask::NotPersonal => (Kind::NotPersonal, 0),
            Ask::NotUsedBefore(last) => (Kind::NotUsedBefore, last),
            Ask::NotSimilar => (Kind::NotSimilar, 0),
        };
        Self { kind: kind.into(), number: i32::try_from(number).unwrap_or(i32::MAX), description: ask.words() }
    }
}

impl From<password::Verdict> for pb::PasswordVerdict {
    fn from(verdict: password::Verdict) -> Self {
        let outcome = match verdict.outcome {
            password::Outcome::Kept => pb::PasswordOutcome::Pass,
            password::Outcome::Broken => pb::PasswordOutcome::Fail,
            password::Outcome::NotJudged => pb::PasswordOutcome::NotJudged,
        };
        Self { rule: Some(verdict.ask.into()), outcome: outcome.into() }
    }
}
