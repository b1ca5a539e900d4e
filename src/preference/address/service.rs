//! The part of `PreferenceService` that is about the second address.

use tonic::{Request, Response, Status};

use crate::{
    access::{self, Action, Resource},
    auth,
    error::{Error, Result, Violation},
    identity::{self, Email},
    pb,
    preference::Service,
};

impl Service {
    /// As `PreferenceService.RequestNotificationAddress`.
    pub(in crate::preference) async fn ask_for_address(
        &self,
        request: Request<pb::RequestNotificationAddressRequest>,
    ) -> Result<Response<pb::RequestNotificationAddressResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let email = request.into_inner().email;
        let mut client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::RequestNotificationAddress, Resource::Own).await?;
        let email = Email::parse("email", &email).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let (key, asked) = (&self.head.key, ("email", &email));
        let expires_at = identity::ask_for_second_address(&tx, key, leave.person, asked, &origin, now).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::RequestNotificationAddressResponse { expire_time: Some(pb::time(expires_at)) }))
    }

    /// As `PreferenceService.ConfirmNotificationAddress`.
    pub(in crate::preference) async fn confirm_address(
        &self,
        request: Request<pb::ConfirmNotificationAddressRequest>,
    ) -> Result<Response<pb::ConfirmNotificationAddressResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let token = request.into_inner().token;
        let mut client = self.db.client().await?;
        access::may(&client, &caller, Action::ConfirmNotificationAddress, Resource::Own).await?;
        if token.is_empty() {
            return Err(Error::from(Violation::new("token", "is required")).into());
        }

        let now = self.clock.now().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let (user, email) = identity::confirm_second_address(&tx, &token, &origin, now).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::ConfirmNotificationAddressResponse { user_id: user.to_string(), email }))
    }

    /// As `PreferenceService.RemoveNotificationAddress`.
    pub(in crate::preference) async fn remove_address(
        &self,
        request: Request<pb::RemoveNotificationAddressRequest>,
    ) -> Result<Response<pb::RemoveNotificationAddressResponse>, Status> {
        let caller = auth::caller(&request)?;
        let mut client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::RemoveNotificationAddress, Resource::Own).await?;

        let tx = client.transaction().await.map_err(Error::from)?;
        identity::remove_second_address(&tx, leave.person).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::RemoveNotificationAddressResponse {}))
    }
}
