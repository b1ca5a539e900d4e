//! Two things happen to one invite at the same instant: exactly one of them is heard, and the invite says which.

use super::{
    end::{revoke, turn_down},
    resend::resend,
    *,
};

/// How often each pair is let loose: a few times, and a thousand with `RACES_FULL` set.
fn rounds() -> usize {
    if std::env::var_os("RACES_FULL").is_some() { 1_000 } else { 12 }
}

/// An instant as clocks are set to it.
fn instant(time: Option<prost_types::Timestamp>) -> String {
    let time = time.unwrap();
    jiff::Timestamp::new(time.seconds, time.nanos).unwrap().to_string()
}

/// What somebody does to an invite.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Accept,
    AcceptById,
    Decline,
    Revoke,
    Resend,
    Expire,
}

/// Everybody who may do something to an invite of Max.
struct Stage {
    app: App,
    account: Account,
    max: Person,
}

impl Stage {
    async fn new() -> Self {
        let app = App::start().await;
        let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
        let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
        Self { app, account, max }
    }

    /// Does it; whether it was heard.
    async fn act(&self, act: Act, invite: &Invite, token: &str) -> Result<(), String> {
        let Self { app, account, max } = self;
        let done = match act {
            Act::Accept => accept(app, max, By::Token(token.to_owned())).await.map(drop),
            Act::AcceptById => accept(app, max, By::InviteId(invite.invite_id.clone())).await.map(drop),
            Act::Decline => turn_down(app, token, "").await.map(drop),
            Act::Revoke => revoke(app, &account.admin, invite).await.map(drop),
            Act::Resend => resend(app, &account.admin, invite).await.map(drop),
            Act::Expire => {
                app.clock_at(&instant(invite.expire_time)).await;
                return Ok(());
            }
        };
        done.map_err(|it| reason(&it))
    }

    /// Lets two things happen at once to one invite after the other, and looks at what each of the invites says.
    async fn let_loose(&self, one: Act, two: Act) {
        let Self { app, account, max } = self;
        for _ in 0..rounds() {
            let invite = invited(app, account, &max.email).await;
            let token = mailed(app, &invite).await.unwrap();
            // It may be sent again by now, or is about to run out.
            let by_now = match [one, two].contains(&Act::Expire) {
                true => invite.expire_time.map(|it| prost_types::Timestamp { seconds: it.seconds - 1, ..it }),
                false => invite.send_time.map(|it| prost_types::Timestamp { seconds: it.seconds + 300, ..it }),
            };
            app.clock_at(&instant(by_now)).await;
            let (first, second) = join!(self.act(one, &invite, &token), self.act(two, &invite, &token));
            self.judge(&invite, [(one, first), (two, second)]).await;
        }
    }

    /// Looks whether what became of `invite` is what those who were heard did, and whether Max is in accordingly.
    async fn judge(&self, invite: &Invite, acts: [(Act, Result<(), String>); 2]) {
        let Self { app, account, max } = self;
        let now = list(app, &account.admin, InviteBox::Sent, &[]).await.into_iter().next().unwrap();
        assert_eq!(now.invite_id, invite.invite_id);
        let heard: Vec<Act> = acts.iter().filter(|(_, it)| it.is_ok()).map(|(act, _)| *act).collect();
        for why in acts.iter().filter_map(|(_, it)| it.as_ref().err()) {
            assert_eq!(why, "INVITE_NOT_PENDING", "{acts:?}");
        }
        let expected = match heard.as_slice() {
            [Act::Accept | Act::AcceptById, ..] => InviteState::Accepted,
            [Act::Decline, ..] => InviteState::Declined,
            // Withdrawn last, or instead of being sent again.
            [.., Act::Revoke] | [Act::Revoke, ..] => InviteState::Revoked,
            [Act::Resend] => InviteState::Pending,
            [Act::Expire] => InviteState::Expired,
            other => panic!("heard: {other:?} of {acts:?}"),
        };
        // What ends before it runs out has ended so; being sent again goes before being withdrawn, and no other two go.
        let one_each = matches!(heard.as_slice(), [_] | [_, Act::Expire] | [Act::Resend, Act::Revoke]);
        assert!(one_each && now.state() == expected, "{acts:?} ended as {:?}", now.state());
        let member = format!("member where user_id = '{}' and account_id = '{}'", max.id, account.id);
        assert_eq!(count(app, &member).await, i64::from(expected == InviteState::Accepted), "{acts:?}");
        let live = format!("invite where id = '{}' and state = 'PENDING'", invite.invite_id);
        let is_live = [InviteState::Pending, InviteState::Expired].contains(&expected);
        assert_eq!(count(app, &live).await, i64::from(is_live), "{acts:?}");

        // Max is out again, and the address free, for the next round.
        let clear = format!(
            "delete from {member}; update invite set state = 'REVOKED', ended_at = now() where state = 'PENDING'"
        );
        app.client().await.batch_execute(&clear).await.unwrap();
    }
}

#[tokio::test]
async fn of_two_who_accept_at_once_one_is_heard() {
    Stage::new().await.let_loose(Act::Accept, Act::AcceptById).await;
}

#[tokio::test]
async fn what_is_withdrawn_while_it_is_accepted_is_one_of_the_two() {
    Stage::new().await.let_loose(Act::Accept, Act::Revoke).await;
}

#[tokio::test]
async fn what_is_declined_while_it_is_accepted_is_one_of_the_two() {
    Stage::new().await.let_loose(Act::Accept, Act::Decline).await;
}

#[tokio::test]
async fn what_is_sent_again_while_it_is_accepted_is_one_of_the_two() {
    Stage::new().await.let_loose(Act::Accept, Act::Resend).await;
}

#[tokio::test]
async fn what_is_sent_again_while_it_is_withdrawn_is_withdrawn() {
    Stage::new().await.let_loose(Act::Resend, Act::Revoke).await;
}

#[tokio::test]
async fn what_runs_out_while_it_is_accepted_is_accepted_or_has_run_out() {
    Stage::new().await.let_loose(Act::Accept, Act::Expire).await;
}

#[tokio::test]
async fn of_thirty_two_who_invite_one_address_at_once_one_does() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let tries =
        (0..32).map(|_| create(&app, &account.admin, offer(&account, "n@example.com", AccountRole::Guest, &[])));
    let (made, refused): (Vec<_>, Vec<_>) =
        futures_util::future::join_all(tries).await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 31));
    for it in refused {
        assert_refused(it, Code::AlreadyExists, "INVITE_PENDING");
    }
    assert_eq!(count(&app, "invite where state = 'PENDING'").await, 1);
    assert_eq!(count(&app, "mail").await, 1);
}
