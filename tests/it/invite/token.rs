//! A token that is good for nothing: it tells a stranger nothing, not even by what it costs.

use workcenter::{
    pb::{DeclineInviteRequest, decline_invite_request},
    secret::TokenKey,
};

use super::{
    end::{revoke, turn_down},
    *,
};

#[tokio::test]
async fn a_stranger_is_told_the_same_of_every_token_that_is_no_good_in_as_many_round_trips() {
    let (app, tap) = App::tapped().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let mut tokens = vec![("made up", "A".repeat(43)), ("too short", "A".to_owned())];
    for kind in ["revoked", "accepted", "declined", "sent again", "run out"] {
        let invite = invited(&app, &account, &format!("{}@example.com", kind.replace(' ', "."))).await;
        let token = mailed(&app, &invite).await.unwrap();
        match kind {
            "revoked" => drop(revoke(&app, &account.admin, &invite).await.unwrap()),
            "accepted" => drop(come(&app, &token).await.unwrap()),
            "declined" => drop(turn_down(&app, &token, "").await.unwrap()),
            "sent again" => {
                app.clock_at("2027-11-02T09:00:00Z").await;
                super::resend::resend(&app, &account.admin, &invite).await.unwrap();
            }
            _ => {}
        }
        tokens.push((kind, token));
    }
    app.clock_at("2028-11-02T08:00:00Z").await;
    let decline = async |token: &str| {
        let by = Some(decline_invite_request::By::Token(token.to_owned()));
        app.invites().decline_invite(DeclineInviteRequest { by, reason: String::new() }).await.map(drop)
    };
    // What a connection takes to get to know the statements.
    let _ = come(&app, &tokens[0].1).await;
    let _ = decline(&tokens[0].1).await;

    let mut told = Vec::new();
    for (_, token) in &tokens {
        let before = tap.round_trips();
        let accepted = come(&app, token).await.map(drop).unwrap_err();
        let after = tap.round_trips();
        let declined = decline(token).await.unwrap_err();
        let trips = (after - before, tap.round_trips() - after);
        let say = |it: Status| (it.code(), it.message().to_owned(), reason(&it));
        told.push((say(accepted), say(declined), trips));
    }
    assert_eq!((told[0].0.2.as_str(), told[0].1.2.as_str()), ("INVITE_NOT_PENDING", "INVITE_NOT_PENDING"));
    for (it, (kind, _)) in told.iter().zip(&tokens) {
        assert_eq!(it, &told[0], "{kind}");
    }
}

#[tokio::test]
async fn the_database_refuses_a_second_live_invite_of_an_address_by_itself() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    invited(&app, &account, "nora@example.com").await;
    let twin = "insert into invite (id, account_id, email, email_key, account_role, inviter_id, state, token_hash,
            created_at, expires_at)
        select gen_random_uuid(), account_id, email, email_key, account_role, inviter_id, state, sha256(token_hash),
            created_at, expires_at from invite";
    let client = app.pool().client().await.unwrap();
    let refused = db::text(&client, twin, &[]).await.unwrap_err();
    assert_eq!(db::violated(&refused), Some("invite_live"));
}

#[tokio::test]
async fn a_letter_that_is_written_when_the_key_is_another_has_the_token_that_was_made_before() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    let before = mailed(&app, &invite).await.unwrap();
    let old = "0a".repeat(32).parse().unwrap();
    let rotated = "0b".repeat(32).parse::<TokenKey>().unwrap().reading(&old);
    let (client, now) = (app.client().await, app.now().await);
    let id = invite.invite_id.parse().unwrap();
    let letters = invite::letters(&client, &rotated, "https://app.example.com/", &[id], now).await.unwrap();
    assert!(letters[0].written.text.contains(&before), "{}", letters[0].written.text);
    come(&app, &before).await.unwrap();
}
