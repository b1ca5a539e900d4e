//! `ListInvites` of `InviteService`.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Box, store, written};
use crate::{
    access::{self, Action, Resource},
    auth::Caller,
    db::Db,
    error::{Error, Kind, Result, Violations},
    identity, ids,
    invite::State,
    page::Page,
    pb,
    secret::TokenKey,
};

/// Serves `ListInvites`.
pub(in crate::invite) async fn list(
    db: &Db,
    key: &TokenKey,
    caller: &Caller,
    asked: &pb::ListInvitesRequest,
    now: Timestamp,
) -> Result<pb::ListInvitesResponse> {
    let (account, states, page) = read(key, caller, asked, now)?;

    let client = db.client().await?;
    let whose = if let Some(account) = account {
        access::may(&client, caller, Action::ListAccountInvites, Resource::Account(account)).await?;
        Box { of: Some(account), ..Box::default() }
    } else {
        let me = access::may(&client, caller, Action::ListInvites, Resource::Own).await?.person;
        let address = identity::address(&client, me).await?;
        let to = address.ok_or_else(|| Error::NotFound(Kind::User, me.to_string()))?.key;
        match asked.r#box() {
            pb::InviteBox::Received => Box { to: Some(to), ..Box::default() },
            pb::InviteBox::Sent => Box { from: Some(me), ..Box::default() },
            pb::InviteBox::Pending | pb::InviteBox::Unspecified => Box { to: Some(to), from: Some(me), of: None },
        }
    };
    let after = page.after.as_deref().and_then(|it| it.parse().ok());
    let mut invites = store::list(&client, &whose, &written(&states), after, page.fetch, now).await?;
    let next_page_token = page.cut(key, &mut invites, |it| it.id.to_string(), now);

    let invites = invites.into_iter().map(|it| it.at(now).into()).collect();
    Ok(pb::ListInvitesResponse { invites, next_page_token })
}

/// Reads which account's invites are asked for, if not one's own, in which states, and which page.
fn read(
    key: &TokenKey,
    caller: &Caller,
    asked: &pb::ListInvitesRequest,
    now: Timestamp,
) -> Result<(Option<Uuid>, Vec<State>, Page)> {
    let mut violations = Violations::default();
    let is_own = asked.r#box() != pb::InviteBox::Unspecified;
    let is_accounts = !asked.account_id.is_empty();
    if is_own == is_accounts {
        violations.add("box", "must be PENDING, RECEIVED or SENT, or an `account_id` be there instead");
    }
    let account =
        if asked.account_id.is_empty() { None } else { violations.take(ids::parse("account_id", &asked.account_id)) };
    let states = read_states(asked, &mut violations);
    let names = states.iter().map(|it| it.name()).collect::<Vec<_>>().join(" ");
    let whose = account.or(caller.person()).unwrap_or_default();
    let list: &[&[u8]] = &[b"ListInvites", whose.as_bytes(), asked.r#box().as_str_name().as_bytes(), names.as_bytes()];
    let page = violations.take(Page::read(key, asked.page_size, &asked.page_token, list, now));
    violations.none()?;
    let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;
    Ok((account, states, page))
}

/// The states that a list is to have: those asked for, or all, as far as the box has them.
fn read_states(asked: &pb::ListInvitesRequest, violations: &mut Violations) -> Vec<State> {
    let mut states = Vec::with_capacity(State::ALL.len());
    for (number, state) in asked.states.iter().enumerate() {
        match pb::InviteState::try_from(*state) {
            Ok(pb::InviteState::Pending) => states.push(State::Pending),
            Ok(pb::InviteState::Accepted) => states.push(State::Accepted),
            Ok(pb::InviteState::Revoked) => states.push(State::Revoked),
            Ok(pb::InviteState::Expired) => states.push(State::Expired),
            Ok(pb::InviteState::Declined) => states.push(State::Declined),
            Ok(pb::InviteState::DeliveryFailed) => states.push(State::DeliveryFailed),
            Ok(pb::InviteState::Unspecified) | Err(_) => {
                violations.add(format!("states[{number}]"), "must be one of the states that an invite has");
            }
        }
    }
    let is_in = |it: &State| match asked.r#box() {
        pb::InviteBox::Pending => *it == State::Pending,
        _ => true,
    };
    let asked_for = |it: &State| asked.states.is_empty() || states.contains(it);
    State::ALL.into_iter().filter(|it| is_in(it) && asked_for(it)).collect()
}
