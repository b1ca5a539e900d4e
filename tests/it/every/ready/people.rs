//! The calls about people.

use workcenter::{
    access::Action,
    pb,
    subscription::{Link, Scope, Switch},
};

use super::{NEW, Ready};
use crate::{
    access::{cast::Cast, things::Things},
    every::newcomer,
    harness::{PASSWORD, by},
    identity::mailed_token,
    picture,
};

/// Those that are about sessions and passwords.
pub async fn of_sessions(cast: &Cast, action: Action) -> Option<Ready> {
    let (app, text) = (&cast.app, ToOwned::to_owned);
    let ready = match action {
        Action::SignIn => {
            let one = newcomer(cast).await;
            Ready::new(action, "", &pb::SignInRequest { email: one.email, password: text(PASSWORD) })
        }
        Action::SignOut => Ready::new(action, &newcomer(cast).await.token, &pb::SignOutRequest {}),
        Action::RevokeSession => {
            let one = newcomer(cast).await;
            let message = pb::SignInRequest { email: one.email, password: text(PASSWORD) };
            let token = app.sessions().sign_in(message).await.unwrap().into_inner().token;
            let listed = app.sessions().list_sessions(by(&token, pb::ListSessionsRequest::default())).await.unwrap();
            let other = listed.into_inner().sessions.into_iter().find(|it| !it.current).unwrap();
            Ready::new(action, &token, &pb::RevokeSessionRequest { session_id: other.session_id })
        }
        Action::ChangePassword => {
            let (current_password, new_password) = (text(PASSWORD), text(NEW));
            let message = pb::ChangePasswordRequest { current_password, new_password };
            Ready::new(action, &newcomer(cast).await.token, &message)
        }
        Action::RequestPasswordReset => {
            Ready::new(action, "", &pb::RequestPasswordResetRequest { email: newcomer(cast).await.email })
        }
        Action::ResetPassword => {
            let asked = pb::RequestPasswordResetRequest { email: newcomer(cast).await.email };
            app.sessions().request_password_reset(asked).await.unwrap();
            let token = mailed_token(app, "PASSWORD_RESET_ASKED").await.unwrap();
            Ready::new(action, "", &pb::ResetPasswordRequest { token, new_password: text(NEW) })
        }
        _ => return None,
    };
    Some(ready)
}

/// Those that are about addresses.
pub async fn of_addresses(cast: &Cast, things: &Things, action: Action) -> Option<Ready> {
    let (app, email) = (&cast.app, format!("{}@example.net", things.person.simple()));
    let (new_email, password) = (email.clone(), PASSWORD.to_owned());
    let ready = match action {
        Action::RequestEmailChange => {
            let asked = pb::RequestEmailChangeRequest { new_email, password };
            Ready::new(action, &newcomer(cast).await.token, &asked)
        }
        Action::ConfirmEmailChange => {
            let asked = pb::RequestEmailChangeRequest { new_email, password };
            app.profiles().request_email_change(by(&newcomer(cast).await.token, asked)).await.unwrap();
            let token = mailed_token(app, "ADDRESS_TO_CONFIRM").await.unwrap();
            Ready::new(action, "", &pb::ConfirmEmailChangeRequest { token })
        }
        Action::RequestNotificationAddress => {
            Ready::new(action, &newcomer(cast).await.token, &pb::RequestNotificationAddressRequest { email })
        }
        Action::ConfirmNotificationAddress => {
            let asked = pb::RequestNotificationAddressRequest { email };
            let asked = by(&newcomer(cast).await.token, asked);
            app.preferences().request_notification_address(asked).await.unwrap();
            let token = mailed_token(app, "SECOND_ADDRESS_TO_CONFIRM").await.unwrap();
            Ready::new(action, "", &pb::ConfirmNotificationAddressRequest { token })
        }
        _ => return None,
    };
    Some(ready)
}

/// Those that are about profiles and preferences.
pub async fn of_profiles(cast: &Cast, things: &Things, action: Action) -> Option<Ready> {
    let app = &cast.app;
    let ready = match action {
        Action::UpdateProfile => {
            let profile = Some(pb::Profile { job_title: things.person.to_string(), ..Default::default() });
            let message = pb::UpdateProfileRequest { profile, ..Default::default() };
            Ready::new(action, &cast.people[5].token, &message)
        }
        Action::UploadPicture => {
            let file = picture::jpeg(64, 64);
            Ready::stream(action, &newcomer(cast).await.token, &picture::messages(&file, file.len()))
        }
        Action::DeletePicture => {
            let (one, file) = (newcomer(cast).await, picture::jpeg(64, 64));
            picture::upload(app, &one.token, picture::messages(&file, file.len())).await.unwrap();
            Ready::new(action, &one.token, &pb::DeletePictureRequest { user_id: one.id.to_string() })
        }
        Action::UpdatePreferences => {
            let minute = things.person.as_bytes()[15] % 60;
            let digest_time = format!("08:{minute:02}");
            let preferences = Some(pb::Preferences { digest_time, ..Default::default() });
            let message = pb::UpdatePreferencesRequest { preferences, ..Default::default() };
            Ready::new(action, &cast.people[5].token, &message)
        }
        Action::Unsubscribe | Action::Resubscribe => {
            let scope = Scope::WorkCenter(things.workcenter);
            let link = Link { user: things.person, account: things.account, scope };
            let token = link.seal(app.token_key(), Switch::Off);
            let off = pb::UnsubscribeRequest { token };
            if action == Action::Unsubscribe {
                return Some(Ready::new(action, "", &off));
            }
            let token = app.preferences().unsubscribe(off).await.unwrap().into_inner().resubscribe_token;
            Ready::new(action, "", &pb::ResubscribeRequest { token })
        }
        _ => return None,
    };
    Some(ready)
}
