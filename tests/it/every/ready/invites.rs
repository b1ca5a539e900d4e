//! The calls about invites.

use workcenter::{access::Action, db, pb};

use super::{NEW, Ready};
use crate::{
    access::{cast::Cast, things::Things},
    every::newcomer,
    harness::by,
    invite,
};

/// Those of them that need more than the things.
pub async fn of_invites(cast: &Cast, things: &Things, action: Action) -> Option<Ready> {
    let owner = cast.people[5].token.as_str();
    let ready = match action {
        Action::ImportInvites => {
            let metadata = pb::ImportInvitesMetadata { account_id: things.account.to_string(), ..Default::default() };
            let file = format!("email\n{}@example.net\n", things.person.simple());
            Ready::stream(action, owner, &invite::import::file_of(metadata, &file))
        }
        Action::AcceptInviteByToken | Action::DeclineInviteByToken => {
            let token = token(cast, things).await;
            if action == Action::DeclineInviteByToken {
                let by = Some(pb::decline_invite_request::By::Token(token));
                return Some(Ready::new(action, "", &pb::DeclineInviteRequest { by, ..Default::default() }));
            }
            let newcomer = Some(pb::Newcomer {
                first_name: "Nora".to_owned(),
                last_name: "New".to_owned(),
                password: NEW.to_owned(),
                time_zone: String::new(),
            });
            let by = Some(pb::accept_invite_request::By::Token(token));
            Ready::new(action, "", &pb::AcceptInviteRequest { by, newcomer, ..Default::default() })
        }
        Action::AcceptInviteById | Action::DeclineInviteById => {
            let one = newcomer(cast).await;
            let invite_id = invited(cast, &one.email).await;
            match action {
                Action::AcceptInviteById => {
                    let by = Some(pb::accept_invite_request::By::InviteId(invite_id));
                    Ready::new(action, &one.token, &pb::AcceptInviteRequest { by, ..Default::default() })
                }
                _ => {
                    let by = Some(pb::decline_invite_request::By::InviteId(invite_id));
                    Ready::new(action, &one.token, &pb::DeclineInviteRequest { by, ..Default::default() })
                }
            }
        }
        Action::ResendInvite | Action::RetryFailedInvites => {
            let aged = "update invite set created_at = created_at - interval '1 day' where id = $1";
            db::text(&cast.app.client().await, aged, &[&things.invite]).await.unwrap();
            if action == Action::RetryFailedInvites {
                let failed = "update invite set state = 'DELIVERY_FAILED', ended_at = created_at where id = $1";
                db::text(&cast.app.client().await, failed, &[&things.invite]).await.unwrap();
            }
            return None;
        }
        _ => return None,
    };
    Some(ready)
}

/// The token of the invite among the things.
async fn token(cast: &Cast, things: &Things) -> String {
    let request = pb::GetInviteRequest { invite_id: things.invite.to_string() };
    let found = cast.app.invites().get_invite(by(&cast.people[5].token, request)).await.unwrap().into_inner();
    invite::mailed(&cast.app, &found.invite.unwrap()).await.unwrap()
}

/// The id of an invite of somebody to another account.
async fn invited(cast: &Cast, email: &str) -> String {
    let of = "select account_id from member where user_id = $1";
    let account = db::text(&cast.app.client().await, of, &[&cast.people[0].id]).await.unwrap();
    let account_id = account[0].get::<_, uuid::Uuid>(0).to_string();
    let offer = pb::CreateInviteRequest { email: email.to_owned(), account_id, ..Default::default() };
    let made = cast.app.invites().create_invite(by(&cast.people[0].token, offer)).await.unwrap();
    made.into_inner().invite.unwrap().invite_id
}
