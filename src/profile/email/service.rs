//! The part of `ProfileService` that is about the address.

use tonic::{Request, Response, Status};

use super::Addresses;
use crate::{
    access::{self, Action, Resource},
    auth,
    error::{Error, Result, Violation, Violations},
    identity::{self, Email, Moved},
    pb,
    profile::{Told, store},
};

/// What the profile calls it.
const FIELD: &str = "email";

impl Addresses {
    /// As `ProfileService.RequestEmailChange`.
    pub(in crate::profile) async fn request(
        &self,
        request: Request<pb::RequestEmailChangeRequest>,
    ) -> Result<Response<pb::RequestEmailChangeResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let asked = request.into_inner();
        let leave = access::may(&self.db.client().await?, &caller, Action::RequestEmailChange, Resource::Own).await?;
        let mut violations = Violations::default();
        let email = violations.take(Email::parse("new_email", &asked.new_email));
        let password = violations.take(identity::typed_password("password", asked.password));
        violations.none()?;
        let both = email.zip(password);
        let (email, password) = both.ok_or_else(|| Error::internal("a field was neither read nor refused"))?;

        let now = self.clock.now().await?;
        let person = self.challenge.again(leave.person, &password, &origin, now).await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let expires_at = identity::ask_for_address(&tx, &self.key, &person, &email, &origin, now).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::RequestEmailChangeResponse { expire_time: Some(pb::time(expires_at)) }))
    }

    /// As `ProfileService.ConfirmEmailChange`.
    pub(in crate::profile) async fn confirm(
        &self,
        request: Request<pb::ConfirmEmailChangeRequest>,
    ) -> Result<Response<pb::ConfirmEmailChangeResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let token = request.into_inner().token;
        access::may(&self.db.client().await?, &caller, Action::ConfirmEmailChange, Resource::Own).await?;
        if token.is_empty() {
            return Err(Error::from(Violation::new("token", "is required")).into());
        }

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let (user, email) = identity::take_address(&tx, &token).await?;
        // Before the person, as by all who change a profile.
        store::hold(&tx, user).await?;
        let Moved { old, new } = identity::move_address(&tx, user, email, &origin, now).await?;
        store::touch(&tx, user, Told { by: user, field: FIELD, old, new: new.clone() }, now).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::ConfirmEmailChangeResponse { user_id: user.to_string(), email: new }))
    }
}
