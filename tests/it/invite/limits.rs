//! How many invites an account may have, and what is done with those that failed.

use tonic_types::StatusExt;
use workcenter::{
    daemon::Sweep,
    pb::{self, InviteRow, RetryFailedInvitesRequest, RetryFailedInvitesResponse, UpdateAccountRequest},
};

use super::{
    batch::{batch, row, words},
    end::revoke,
    *,
};
use crate::sink::{Point, Sink, at};

async fn retry(app: &App, who: &Person, account: &Account, page_token: &str) -> RetryFailedInvitesResponse {
    let page_token = page_token.to_owned();
    let asked = RetryFailedInvitesRequest { account_id: account.id.to_string(), page_size: 2, page_token };
    app.invites().retry_failed_invites(by(&who.token, asked)).await.unwrap().into_inner()
}

/// Invites this many addresses; what came of each.
async fn invite_many(app: &App, account: &Account, prefix: &str, many: usize) -> Vec<String> {
    let rows: Vec<InviteRow> = (0..many).map(|number| row(&format!("{prefix}{number}@example.com"))).collect();
    let asked =
        workcenter::pb::BatchCreateInvitesRequest { account_id: account.id.to_string(), rows, ..Default::default() };
    words(&batch(app, &account.admin, asked).await.unwrap())
}

fn retry_after(status: &Status) -> u64 {
    status.get_details_retry_info().unwrap().retry_delay.unwrap().as_secs()
}

/// Sets how many invites may wait and may be made in a day, by a token of whoever may.
async fn set_limits(app: &App, token: &str, account: &Account, (pending, daily): (i32, i32)) -> Result<(), Status> {
    let account = pb::Account {
        account_id: account.id.to_string(),
        pending_invites_max: pending,
        daily_invites_max: daily,
        ..Default::default()
    };
    let message = UpdateAccountRequest { account: Some(account), ..Default::default() };
    app.accounts().update_account(by(token, message)).await.map(drop)
}

#[tokio::test]
async fn an_account_has_as_many_pending_invites_as_it_may_and_makes_as_many_in_a_day() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let key = app.key(&["accounts.create"]).await;
    let refused = set_limits(&app, &account.admin.token, &account, (5_001, 100_000)).await.unwrap_err();
    assert_eq!(fields(&refused), ["account.pending_invites_max", "account.daily_invites_max"]);
    let refused = set_limits(&app, &key, &account, (-1, 100_001)).await.unwrap_err();
    assert_eq!(fields(&refused), ["account.pending_invites_max", "account.daily_invites_max"]);
    set_limits(&app, &key, &account, (100_000, 100_000)).await.unwrap();
    set_limits(&app, &account.admin.token, &account, (50, 50)).await.unwrap();

    let one = async |email: &str| create(&app, &account.admin, offer(&account, email, AccountRole::Guest, &[])).await;
    assert_eq!(invite_many(&app, &account, "nora-", 40).await, ["CREATED"; 40]);
    app.clock_at("2027-11-02T20:00:00Z").await;
    assert_eq!(invite_many(&app, &account, "max-", 8).await, ["CREATED"; 8]);
    let told = invite_many(&app, &account, "ada-", 3).await;
    assert_eq!(told, ["CREATED", "CREATED", "INVITE_LIMIT_REACHED"]);

    // Of the pending ones, the first run out after two weeks.
    let status = one("eve@example.com").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "INVITE_LIMIT_REACHED"));
    assert_eq!(retry_after(&status), (14 * 24 - 12) * 3_600);

    // One that is withdrawn does not count any more, but was made on that day.
    let sent = list(&app, &account.admin, InviteBox::Sent, &[]).await;
    revoke(&app, &account.admin, &sent[0]).await.unwrap();
    let status = one("eve@example.com").await.unwrap_err();
    assert_eq!(retry_after(&status), 12 * 3_600);
    app.clock_at("2027-11-03T08:00:00Z").await;
    one("eve@example.com").await.unwrap();
    assert_refused(one("bob@example.com").await, Code::ResourceExhausted, "INVITE_LIMIT_REACHED");

    // Those that have run out do not count, whether or not it was written.
    app.clock_at("2027-11-16T08:00:00Z").await;
    one("bob@example.com").await.unwrap();
    assert_eq!(count(&app, "invite where state = 'EXPIRED'").await, 0);
    let before = list(&app, &account.admin, InviteBox::Sent, &[InviteState::Expired]).await;
    app.daemon(None).step(Sweep::Housekeeping, app.now().await).await.unwrap();
    assert_eq!(count(&app, "invite where state = 'EXPIRED' and ended_at = expires_at").await, 40);
    let bare = |it: &Invite| Invite { etag: String::new(), ..it.clone() };
    let after = list(&app, &account.admin, InviteBox::Sent, &[InviteState::Expired]).await;
    assert_eq!(after.iter().map(bare).collect::<Vec<_>>(), before.iter().map(bare).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_could_not_be_delivered_is_sent_again_page_by_page() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let mut mine = Vec::new();
    for number in 0..3 {
        let offered = offer(&account, &format!("mine{number}@example.com"), AccountRole::Guest, &[]);
        mine.push(create(&app, &ada, offered).await.unwrap().invite.unwrap().invite_id);
    }
    let theirs = invited(&app, &account, "theirs@example.com").await.invite_id;
    let sink = Sink::start(vec![at(Point::Dot).reply("554 5.6.0 the door is closed")]).await;
    let daemon = app.daemon(Some(sink.address()));
    daemon.step(Sweep::Outbox, app.now().await).await.unwrap();
    assert_eq!(list(&app, &ada, InviteBox::Sent, &[InviteState::DeliveryFailed]).await.len(), 3);

    // Too soon: each says so.
    let soon = retry(&app, &ada, &account, "").await;
    assert_eq!(words(&soon.results), ["INVITE_RESEND_THROTTLED"; 2]);
    app.clock_at("2027-11-02T09:00:00Z").await;
    let first = retry(&app, &ada, &account, "").await;
    assert_eq!(words(&first.results), ["RESENT"; 2]);
    let second = retry(&app, &ada, &account, &first.next_page_token).await;
    assert_eq!((words(&second.results), second.next_page_token.as_str()), (vec!["RESENT".to_owned()], ""));
    let mut again: Vec<String> = first.results.into_iter().chain(second.results).map(|it| it.invite_id).collect();
    again.reverse();
    assert_eq!(again, mine);

    // What somebody else has sent is left to them and to administrators.
    let rest = retry(&app, &account.admin, &account, "").await;
    assert_eq!(rest.results.iter().map(|it| it.invite_id.as_str()).collect::<Vec<_>>(), [theirs.as_str()]);
    sink.behave(Vec::new());
    daemon.step(Sweep::Outbox, app.now().await).await.unwrap();
    assert_eq!(sink.mails().len(), 4);
    assert_eq!(list(&app, &ada, InviteBox::Sent, &[InviteState::Pending]).await.len(), 3);
}

#[tokio::test]
async fn of_two_failed_invites_of_one_address_one_is_sent_again() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let sink = Sink::start(vec![at(Point::Dot).reply("554 5.6.0 the door is closed")]).await;
    let daemon = app.daemon(Some(sink.address()));
    let mut both = Vec::new();
    for _ in 0..2 {
        both.push(invited(&app, &account, "nora@example.com").await.invite_id);
        daemon.step(Sweep::Outbox, app.now().await).await.unwrap();
    }
    app.clock_at("2027-11-02T09:00:00Z").await;
    let told = retry(&app, &account.admin, &account, "").await.results;
    assert_eq!(words(&told), ["RESENT", "INVITE_PENDING"]);
    assert_eq!([&told[1].invite_id, &told[0].invite_id], [&both[0], &both[1]]);
}
