//! `SessionService` on the wire.

use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Email, Gate, PASSWORD_MAX, Person, Session, password, store, throttle};
use crate::{
    access::{self, Action, Resource},
    auth::{self, Caller},
    db::Db,
    error::{Error, Reason, Result, Violation},
    notice,
    pb::{self, session_service_server::SessionService},
    secret::{Hasher, Secret},
};

/// Lets people in and out.
pub struct Service {
    db: Db,
    hasher: Hasher,
    gate: Gate,
    turns: throttle::Turns,
}

impl Service {
    /// A service over `db`. A session that ends is forgotten by `gate` at once.
    pub fn new(db: Db, hasher: Hasher, gate: Gate) -> Self {
        Self { db, hasher, gate, turns: throttle::Turns::default() }
    }

    /// Finds the person with the address, unless too many have guessed at it.
    async fn known(&self, email: &Email) -> Result<Option<Person>> {
        let client = self.db.client().await?;
        if let Some(left) = store::wait_left(&client, &email.key).await? {
            return Err(Error::Exhausted(Reason::SignInThrottled, left));
        }
        store::find(&client, &email.key).await
    }

    /// Checks the password; whose it is, when it is right.
    async fn prove(&self, email: &Email, password: &Secret) -> Result<Uuid> {
        let _turn = self.turns.wait(&email.key).await?;
        let person = self.known(email).await?;
        // No connection is held while this takes its time; an unknown address takes as long as a known one.
        let hash = person.as_ref().map(|it| it.password_hash.clone());
        let is_right = self.hasher.verify(password, hash).await?;
        match person {
            Some(person) if is_right => Ok(person.id),
            _ => {
                store::count_failure(&self.db.client().await?, &email.key, &throttle::waits()).await?;
                Err(Error::Unauthenticated(Reason::CredentialsInvalid))
            }
        }
    }

    /// Begins the session of somebody who has proved who they are.
    async fn begin(&self, email: &Email, user: Uuid) -> Result<Session> {
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        store::clear_failures(&tx, &email.key).await?;
        let session = store::begin_session(&tx, user).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Ends a session, here and on every other server.
    async fn end(&self, session: Uuid) -> Result<()> {
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        store::end_session(&tx, session).await?;
        notice::tell(&tx, notice::SESSION, session).await?;
        tx.commit().await?;
        self.gate.end(session);
        Ok(())
    }
}

#[tonic::async_trait]
impl SessionService for Service {
    async fn sign_in(&self, request: Request<pb::SignInRequest>) -> Result<Response<pb::SignInResponse>, Status> {
        let caller = auth::caller(&request)?;
        let message = request.into_inner();
        access::may(&self.db.client().await?, &caller, Action::SignIn, Resource::Own).await?;
        let (email, password) = credentials(message)?;
        let user = self.prove(&email, &password).await?;
        let Session { token, ends_at, .. } = self.begin(&email, user).await?;

        Ok(Response::new(pb::SignInResponse {
            token: token.expose().to_owned(),
            user_id: user.to_string(),
            expire_time: Some(pb::time(ends_at)),
        }))
    }

    async fn sign_out(&self, request: Request<pb::SignOutRequest>) -> Result<Response<pb::SignOutResponse>, Status> {
        let caller = auth::caller(&request)?;
        access::may(&self.db.client().await?, &caller, Action::SignOut, Resource::Own).await?;
        // A service has no session, not even when it acts for somebody who has.
        let Caller::Person { session_id, .. } = caller else { return Err(Error::Forbidden.into()) };
        self.end(session_id).await?;
        Ok(Response::new(pb::SignOutResponse {}))
    }

    async fn list_sessions(
        &self,
        _: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn revoke_session(
        &self,
        _: Request<pb::RevokeSessionRequest>,
    ) -> Result<Response<pb::RevokeSessionResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn request_password_reset(
        &self,
        _: Request<pb::RequestPasswordResetRequest>,
    ) -> Result<Response<pb::RequestPasswordResetResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn reset_password(
        &self,
        _: Request<pb::ResetPasswordRequest>,
    ) -> Result<Response<pb::ResetPasswordResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn change_password(
        &self,
        _: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn get_password_policy(
        &self,
        _: Request<pb::GetPasswordPolicyRequest>,
    ) -> Result<Response<pb::GetPasswordPolicyResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }

    async fn check_password(
        &self,
        _: Request<pb::CheckPasswordRequest>,
    ) -> Result<Response<pb::CheckPasswordResponse>, Status> {
        Err(Status::unimplemented("seam"))
    }
}

/// Reads what somebody signs in with. A password that cannot be one is refused before it costs anything.
fn credentials(message: pb::SignInRequest) -> Result<(Email, Secret)> {
    let email = Email::parse("email", &message.email);
    let password = match message.password {
        it if it.is_empty() => Err(Violation::new("password", "is required")),
        it if password::is_too_long(&it) => {
            Err(Violation::new("password", format!("must have at most {PASSWORD_MAX} characters")))
        }
        it => Ok(Secret::from(it)),
    };
    match (email, password) {
        (Ok(email), Ok(password)) => Ok((email, password)),
        (email, password) => Err(Error::Invalid([email.err(), password.err()].into_iter().flatten().collect())),
    }
}
