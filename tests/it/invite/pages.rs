//! Lists of invites: whose they are, that pages stay as they are while all else changes, and what a page costs when there
//! are very many.

use std::collections::BTreeSet;

use super::{
    batch::{batch, row},
    end::{revoke, turn_down},
    *,
};
use crate::dice::Dice;

/// Invites among which a page is looked for: a million with `INVITES_FULL` set.
fn many() -> i64 {
    if std::env::var_os("INVITES_FULL").is_some() { 1_000_000 } else { 30_000 }
}

/// Rounds of changing and reading.
const ROUNDS: usize = 6;

fn of(account: &Account) -> ListInvitesRequest {
    ListInvitesRequest { account_id: account.id.to_string(), ..Default::default() }
}

#[tokio::test]
async fn administrators_list_all_invites_to_their_account() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let other = app.account("Quay Works").await;
    invited(&app, &other, "nora@example.com").await;
    let first = create(&app, &ada, offer(&account, "nora@example.com", AccountRole::Guest, &[])).await.unwrap();
    invited(&app, &account, "max@example.com").await;
    revoke(&app, &ada, &first.invite.unwrap()).await.unwrap();

    let read = async |asked| app.invites().list_invites(by(&account.admin.token, asked)).await;
    let all = read(of(&account)).await.unwrap().into_inner().invites;
    assert_eq!(addresses(&all), ["max@example.com", "nora@example.com"]);
    let states = vec![InviteState::Revoked.into()];
    let ended = read(ListInvitesRequest { states, ..of(&account) }).await.unwrap().into_inner().invites;
    assert_eq!(addresses(&ended), ["nora@example.com"]);

    let refused = app.invites().list_invites(by(&ada.token, of(&account))).await;
    assert_refused(refused, Code::PermissionDenied, "NOT_ALLOWED");
    let both = ListInvitesRequest { r#box: InviteBox::Sent.into(), ..of(&account) };
    assert_eq!(fields(&read(both).await.unwrap_err()), ["box"]);
}

/// What somebody does between two pages.
async fn disturb(app: &App, account: &Account, pending: &mut Vec<Invite>, dice: &mut Dice) {
    for _ in 0..3 {
        while pending.len() < 2 {
            pending.push(invited(app, account, &format!("one{}@example.com", dice.roll(1 << 30))).await);
        }
        let at = usize::try_from(dice.roll(pending.len() as u64)).unwrap();
        match dice.roll(9) {
            0..=2 => pending.push(invited(app, account, &format!("new{}@example.com", dice.roll(1 << 30))).await),
            3..=5 => revoke(app, &account.admin, &pending.swap_remove(at)).await.map(drop).unwrap(),
            6 | 7 => {
                let token = mailed(app, &pending[at]).await.unwrap();
                turn_down(app, &token, "").await.map(drop).unwrap();
                pending.swap_remove(at);
            }
            _ => {
                let token = mailed(app, &pending[at]).await.unwrap();
                come(app, &token).await.map(drop).unwrap();
                pending.swap_remove(at);
            }
        }
    }
}

#[tokio::test]
async fn pages_have_each_invite_once_while_others_come_and_are_answered() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let rows = (0..60).map(|number| row(&format!("nora{number}@example.com"))).collect();
    let asked =
        workcenter::pb::BatchCreateInvitesRequest { account_id: account.id.to_string(), rows, ..Default::default() };
    batch(&app, &account.admin, asked).await.unwrap();
    let read = async |asked| app.invites().list_invites(by(&account.admin.token, asked)).await.unwrap().into_inner();
    let mut pending = read(ListInvitesRequest { page_size: 200, ..of(&account) }).await.invites;
    for round in 0..ROUNDS {
        let mut dice = Dice(20_261_122 + round as u64);
        let asked = match round % 3 {
            0 => of(&account),
            1 => ListInvitesRequest { r#box: InviteBox::Sent.into(), ..Default::default() },
            _ => ListInvitesRequest { states: vec![InviteState::Pending.into()], ..of(&account) },
        };
        let mut before: Vec<String> = Vec::new();
        let mut page_token = String::new();
        while before.is_empty() || !page_token.is_empty() {
            let page = read(ListInvitesRequest { page_size: 200, page_token, ..asked.clone() }).await;
            before.extend(page.invites.into_iter().map(|it| it.invite_id));
            page_token = page.next_page_token;
        }
        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let page_size = 1 + i32::try_from(dice.roll(9)).unwrap();
            let page = read(ListInvitesRequest { page_size, page_token, ..asked.clone() }).await;
            seen.extend(page.invites.into_iter().map(|it| it.invite_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
            disturb(&app, &account, &mut pending, &mut dice).await;
        }
        // Nothing twice, the newest first, and whatever was there all the while.
        assert!(seen.windows(2).all(|two| two[0] > two[1]), "round {round}: {seen:?}");
        let stayed: BTreeSet<&String> = if round % 3 == 2 {
            pending.iter().map(|it| &it.invite_id).filter(|it| before.contains(it)).collect()
        } else {
            before.iter().collect()
        };
        let seen: BTreeSet<&String> = seen.iter().collect();
        assert!(stayed.is_subset(&seen), "round {round}: {:?}", stayed.difference(&seen));
        assert!(seen.iter().all(|it| before.contains(it)), "round {round}");
        while pending.len() < 40 {
            pending.push(invited(&app, &account, &format!("more{}@example.com", dice.roll(1 << 30))).await);
        }
    }
}

/// Fills the tables: a hundred addresses have all the invites between them, and the account and its administrator each of
/// them; ten thousand people look on.
const FILL: [&str; 3] = [
    "insert into invite (id, account_id, email, email_key, account_role, inviter_id, state, token_hash, created_at,
        expires_at, ended_at)
    select gen_random_uuid(), $1, address, address, 'GUEST', $2, state, sha256(number::text::bytea),
        now(), now() + make_interval(days => (number % 60 - 30)::int), now()
    from (
        select number, 'nora' || number % 100 || '@example.com' as address,
            (array['ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED', 'DELIVERY_FAILED'])[1 + number / 100 % 5] as state
        from generate_series(1, $3::bigint) as number
    ) it",
    "insert into invite_workcenter (invite_id, workcenter_id, role)
    select invite.id, workcenter.id, 'READER' from invite, workcenter
    where invite.account_id = $1 and invite.inviter_id = $2 and $3::bigint > 0",
    "insert into person (id, email, email_key, password_hash, created_at)
    select gen_random_uuid(), address, address, '', now()
    from (
        select 'person' || number || '@example.com' as address
        from generate_series(1, 10000) as number where $1::uuid <> $2::uuid and $3::bigint > 0
    ) it",
];

/// How many rows a line of a plan says that its node gave.
fn rows(line: &str) -> Option<f64> {
    let after = |text: &str| line.split_once(text)?.1.split([' ', ')']).next()?.parse::<f64>().ok();
    Some(after("actual rows=")? * after("loops=")?)
}

#[tokio::test]
async fn a_page_is_found_by_indexes_alone_however_many_invites_there_are() {
    let (app, _tap) = App::tapped().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "nora7@example.com", "Nora", "").await;
    app.workcenter(&account.admin, account.id, "Plans").await;
    let other = app.account("Quay Works").await;
    let client = app.client().await;
    db::text(&client, "set statement_timeout = 0", &[]).await.unwrap();
    for statement in FILL {
        db::text(&client, statement, &[&account.id, &account.admin.id, &many()]).await.unwrap();
    }
    // Of the other one all are in the same state.
    let alike = "update invite set account_id = $1, inviter_id = $2 where state = 'ACCEPTED'
        and id in (select id from invite where state = 'ACCEPTED' order by id desc limit $3::bigint / 10)";
    db::text(&client, alike, &[&other.id, &other.admin.id, &many()]).await.unwrap();
    for fitting in ["vacuum analyze invite", "vacuum analyze invite_workcenter", "vacuum analyze person"] {
        db::text(&client, fitting, &[]).await.unwrap();
    }
    drop(client);

    // What the call itself has prepared on the one connection, with what it was given.
    list(&app, &account.admin, InviteBox::Pending, &[]).await;
    let client = app.client().await;
    let prepared = "select name from pg_prepared_statements where statement like '%written (state, is_over)%'
        and statement not like '%pg_prepared%'";
    let name: String = db::text(&client, prepared, &[]).await.unwrap()[0].get("name");
    let states = "array['ACCEPTED','DECLINED','REVOKED','EXPIRED','PENDING','DELIVERY_FAILED','PENDING']";
    let overs = "array[null,null,null,null,true,null,false]::bool[]";
    let (address, admin, of) =
        (format!("'{}'", ada.email), format!("'{}'", account.admin.id), format!("'{}'", account.id));
    let (other_admin, other) = (format!("'{}'", other.admin.id), format!("'{}'", other.id));
    for (to, from, of) in [
        (address.as_str(), "null", "null"),
        ("null", admin.as_str(), "null"),
        (address.as_str(), admin.as_str(), "null"),
        ("null", "null", of.as_str()),
        ("null", other_admin.as_str(), "null"),
        ("null", "null", other.as_str()),
    ] {
        for after in ["null", "'7fffffff-ffff-4fff-bfff-ffffffffffff'"] {
            let explain = format!(
                "explain (analyze, timing off, summary off)
                execute \"{name}\" ({to}, {from}, {of}, {states}, {overs}, now(), {after}, 51)"
            );
            let lines = db::text(&client, &explain, &[]).await.unwrap();
            let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
            let plan = lines.join("\n");
            assert!(!plan.contains("Seq Scan") && !plan.contains("Rows Removed by Filter"), "{plan}");
            assert!(lines.iter().filter_map(|line| rows(line)).count() > 10, "{plan}");
            for line in &lines {
                let is_list = ["invite_to", "invite_from", "invite_of"].iter().any(|it| line.contains(it));
                assert!(!is_list || line.contains("Index Only Scan"), "{plan}");
                // Each state of each box gives a page at most.
                assert!(rows(line).is_none_or(|it| it <= 7.0 * 3.0 * 51.0), "{plan}");
            }
        }
    }
}
