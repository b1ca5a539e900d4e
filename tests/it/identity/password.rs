//! What is asked of passwords, and changing one's own.

use std::pin::pin;

use futures_util::future::{Either, join_all, select};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use workcenter::{
    account,
    identity::Preset,
    pb::{
        ChangePasswordRequest, CheckPasswordRequest, CheckPasswordResponse, GetPasswordPolicyRequest, PasswordOutcome,
        PasswordPolicy, PasswordPreset, PasswordRuleKind,
    },
};

use super::{PASSWORD, ada, as_told, count, mails, me, refused, run, sign_in, told};
use crate::{
    harness::{Account, App, PASSWORD as EVERYBODYS, Person, by},
    request::waits,
};

const NEW: &str = "seven kinds of seaweed";

/// A password that was hashed as is not done any more, by the reference implementation.
const OLD: &str = "password";
const OLD_HASH: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

async fn change(app: &App, token: &str, present: &str, new: &str) -> Result<(), Status> {
    let message = ChangePasswordRequest { current_password: present.to_owned(), new_password: new.to_owned() };
    app.sessions().change_password(by(token, message)).await.map(|_| ())
}

async fn check(app: &App, token: Option<&str>, password: &str) -> CheckPasswordResponse {
    let message = CheckPasswordRequest { password: password.to_owned() };
    let request = token.map_or_else(|| Request::new(message.clone()), |it| by(it, message.clone()));
    app.sessions().check_password(request).await.unwrap().into_inner()
}

async fn policy(app: &App, token: Option<&str>) -> PasswordPolicy {
    let message = GetPasswordPolicyRequest {};
    let request = token.map_or_else(|| Request::new(message), |it| by(it, message));
    app.sessions().get_password_policy(request).await.unwrap().into_inner().policy.unwrap()
}

/// The rules with this outcome.
fn which(answer: &CheckPasswordResponse, outcome: PasswordOutcome) -> Vec<PasswordRuleKind> {
    let verdicts = answer.verdicts.iter().filter(|it| it.outcome() == outcome);
    verdicts.map(|it| it.rule.as_ref().unwrap().kind()).collect()
}

async fn strict(app: &App) -> (Account, Person) {
    let account = app.account("Pier Works").await;
    account::ask_of_passwords(&app.client().await, account.id, Preset::ProcoreStrict).await.unwrap();
    let grace = app.person(&account, "grace.hopper@example.com", "Grace", "Hopper").await;
    (account, grace)
}

#[tokio::test]
async fn a_policy_is_that_of_all_accounts_and_without_any_the_usual_one() {
    use PasswordRuleKind as Rule;
    let app = App::start().await;
    let (_, grace) = strict(&app).await;
    let rules = |policy: &PasswordPolicy| policy.rules.iter().map(|it| (it.kind(), it.number)).collect::<Vec<_>>();

    let usual = policy(&app, None).await;
    assert_eq!(usual.presets, [i32::from(PasswordPreset::Nist2025)]);
    let want = [
        (Rule::MinLength, 15),
        (Rule::MaxLength, 128),
        (Rule::NotCommon, 0),
        (Rule::NotPersonal, 0),
        (Rule::NotUsedBefore, 4),
        (Rule::NotSimilar, 0),
    ];
    assert_eq!(rules(&usual), want);
    assert!(usual.rules.iter().all(|it| it.description.starts_with("must ")));

    let own = policy(&app, Some(&grace.token)).await;
    assert_eq!(own.presets, [i32::from(PasswordPreset::ProcoreStrict)]);
    let strict = [Rule::MinLength, Rule::MaxLength, Rule::UpperCase, Rule::LowerCase, Rule::Digit, Rule::Special];
    assert_eq!(own.rules.iter().map(|it| it.kind()).collect::<Vec<_>>()[..6], strict);
    assert_eq!(own.rules[0].number, 8);

    let other = app.account("Sea Works").await;
    let now = app.now().await;
    let role = workcenter::access::AccountRole::Guest;
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    account::add_member(&tx, other.id, grace.id, role, now).await.unwrap();
    tx.commit_with(&[account::announce(grace.id)]).await.unwrap();
    let both = policy(&app, Some(&grace.token)).await;
    assert_eq!((both.presets.len(), both.rules[0].number, both.rules.len()), (2, 15, 10));
}

#[tokio::test]
async fn a_password_is_judged_by_every_rule() {
    use PasswordRuleKind as Rule;
    let app = App::start().await;
    let (_, grace) = strict(&app).await;
    let token = Some(grace.token.as_str());

    let nobodys = check(&app, None, "password").await;
    assert!(!nobodys.acceptable);
    assert_eq!(which(&nobodys, PasswordOutcome::Fail), [Rule::MinLength, Rule::NotCommon]);
    let unknown = [Rule::NotPersonal, Rule::NotUsedBefore, Rule::NotSimilar];
    assert_eq!(which(&nobodys, PasswordOutcome::NotJudged), unknown);

    let hers = check(&app, token, "hopper").await;
    let broken = [Rule::MinLength, Rule::UpperCase, Rule::Digit, Rule::Special, Rule::NotCommon, Rule::NotPersonal];
    assert_eq!(which(&hers, PasswordOutcome::Fail), broken);
    assert_eq!(which(&hers, PasswordOutcome::Pass), [Rule::MaxLength, Rule::LowerCase]);
    for personal in ["Grace.Hopper1!", "PierWorks#2026", "WorkCenter!123", "Hopper!Grace1"] {
        let told = check(&app, token, personal).await;
        assert!(which(&told, PasswordOutcome::Fail).contains(&Rule::NotPersonal), "{personal}: {told:?}");
    }
    let good = check(&app, token, "Kw3!tz8Pq").await;
    assert!(good.acceptable, "{good:?}");
    assert_eq!(which(&good, PasswordOutcome::NotJudged), [Rule::NotSimilar]);

    let long = check(&app, token, &"x".repeat(100_000)).await;
    assert_eq!(which(&long, PasswordOutcome::Fail), [Rule::MaxLength]);
    let message = CheckPasswordRequest::default();
    let empty = app.sessions().check_password(by(&grace.token, message)).await;
    assert_eq!(refused(empty), as_told(Code::InvalidArgument, "FIELD_INVALID"));
}

#[tokio::test]
async fn whoever_asks_too_often_is_not_told_whether_it_is_one_that_they_had() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Byron").await;
    let used = async |password: &str| {
        let answer = check(&app, Some(&bob.token), password).await;
        let last = answer.verdicts.iter().rev().nth(1).unwrap().clone();
        assert_eq!(last.rule.as_ref().unwrap().kind(), PasswordRuleKind::NotUsedBefore);
        last.outcome()
    };
    assert_eq!(used(EVERYBODYS).await, PasswordOutcome::Fail);
    assert_eq!(used(NEW).await, PasswordOutcome::Pass);
    // What breaks other rules is not compared, and costs nothing.
    assert_eq!(used("short").await, PasswordOutcome::NotJudged);
    assert_eq!(count(&app, "select count from throttle where kind = 'CHECK'").await, 2);
    run(&app, "update throttle set count = 20 where kind = 'CHECK'").await;
    assert_eq!(used(NEW).await, PasswordOutcome::Pass);
    assert_eq!(used(EVERYBODYS).await, PasswordOutcome::NotJudged);
    change(&app, &bob.token, EVERYBODYS, NEW).await.unwrap();
    assert_eq!(used(NEW).await, PasswordOutcome::Fail);
}

#[tokio::test]
async fn a_changed_password_ends_all_other_sessions_and_its_owner_is_told() {
    let app = App::start().await;
    ada(&app).await;
    let here = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    let there = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    me(&app, &there).await.unwrap();

    change(&app, &here, PASSWORD, NEW).await.unwrap();

    me(&app, &here).await.unwrap();
    assert_eq!(refused(me(&app, &there).await), as_told(Code::Unauthenticated, "SESSION_INVALID"));
    assert_eq!(refused(sign_in(&app, "ada@example.com", PASSWORD).await).1, "CREDENTIALS_INVALID");
    sign_in(&app, "ada@example.com", NEW).await.unwrap();
    let mailed = mails(&app).await;
    assert_eq!(told(&mailed), [("PASSWORD_CHANGED", "Ada@Example.com")]);
    assert!(mailed[0].2.contains("127.0.0.1") && !mailed[0].2.contains(NEW), "{}", mailed[0].2);
}

#[tokio::test]
async fn a_new_password_that_breaks_rules_is_refused_with_every_one_of_them() {
    let app = App::start().await;
    let (_, grace) = strict(&app).await;
    let refusal = async |new: &str| {
        let status = change(&app, &grace.token, EVERYBODYS, new).await.unwrap_err();
        let details = status.get_error_details();
        let violations = details.bad_request().unwrap().field_violations.clone();
        assert!(violations.iter().all(|it| it.field == "new_password"), "{violations:?}");
        (refused::<()>(Err(status)), violations.into_iter().map(|it| it.description).collect::<Vec<_>>())
    };
    let (told, rules) = refusal("abc").await;
    assert_eq!(told, as_told(Code::InvalidArgument, "PASSWORD_UNACCEPTABLE"));
    assert_eq!(rules.len(), 5, "{rules:?}");
    let (told, rules) = refusal(EVERYBODYS).await;
    assert_eq!(told.1, "PASSWORD_UNACCEPTABLE");
    assert!(rules.last().unwrap().contains("a little changed"), "{rules:?}");
    assert_eq!(refusal(&"é".repeat(129)).await.1, ["must have at most 128 characters"]);
    assert_eq!(refusal("").await.0.1, "FIELD_INVALID");

    let nobody = app.sessions().change_password(ChangePasswordRequest::default()).await;
    assert_eq!(refused(nobody), as_told(Code::Unauthenticated, "CALLER_UNKNOWN"));
    sign_in(&app, &grace.email, EVERYBODYS).await.unwrap();
    assert_eq!(mails(&app).await, []);
}

#[tokio::test]
async fn none_of_the_last_four_passwords_comes_back_and_the_fifth_does() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Byron").await;
    let five = [
        EVERYBODYS,
        "seven kinds of seaweed",
        "tea under the old bridge",
        "violets grow by the wall",
        "no boats after midnight",
    ];
    for two in five.windows(2) {
        change(&app, &bob.token, two[0], two[1]).await.unwrap();
    }
    for last in &five[1..] {
        let answer = change(&app, &bob.token, five[4], last).await;
        assert_eq!(refused(answer), as_told(Code::InvalidArgument, "PASSWORD_UNACCEPTABLE"), "{last}");
    }
    change(&app, &bob.token, five[4], five[0]).await.unwrap();
    assert_eq!(count(&app, "select count(*) from password_history").await, 3);
}

#[tokio::test]
async fn a_password_that_was_hashed_as_is_not_done_any_more_is_hashed_anew_at_sign_in() {
    let app = App::start().await;
    let ada = ada(&app).await;
    run(&app, &format!("update person set password_hash = '{OLD_HASH}' where id = '{ada}'")).await;
    refused(sign_in(&app, "ada@example.com", "passwort").await);
    assert_eq!(count(&app, "select count(*) from person where password_hash like '%m=256,%'").await, 1);
    sign_in(&app, "ada@example.com", OLD).await.unwrap();
    let now = "select count(*) from person where password_hash like '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(count(&app, now).await, 1);
    let before = app.parts().hasher.made();
    sign_in(&app, "ada@example.com", OLD).await.unwrap();
    assert_eq!(app.parts().hasher.made() - before, 1);
}

#[tokio::test]
async fn a_password_that_is_replaced_while_it_is_looked_at_opens_nothing() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let mut client = app.client().await;
    for meanwhile in ["password_hash = 'that of another one'", "disabled_at = now()"] {
        // It is hashed anew at sign-in, which waits for whoever has the row: they end all sessions that they find.
        run(&app, &format!("update person set password_hash = '{OLD_HASH}' where id = '{ada}'")).await;
        let tx = client.transaction().await.unwrap();
        tx.batch_execute(&format!("update person set {meanwhile}")).await.unwrap();
        let signing_in = pin!(sign_in(&app, "ada@example.com", OLD));
        let Either::Right(((), signing_in)) = select(signing_in, pin!(waits(app.pool()))).await else {
            panic!("the sign-in did not wait");
        };
        tx.commit().await.unwrap();
        assert_eq!(refused(signing_in.await), as_told(Code::Aborted, "WRITE_CONFLICT"), "{meanwhile}");
        assert_eq!(count(&app, "select count(*) from session").await, 0);
    }
}

#[tokio::test]
async fn passwords_that_are_checked_at_once_are_compared_no_more_often_than_one_after_the_other() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Byron").await;
    check(&app, Some(&bob.token), NEW).await;
    // The next one that is compared is followed by a quarter of an hour.
    run(&app, "update throttle set count = 40 where kind = 'CHECK'").await;
    let message = CheckPasswordRequest { password: EVERYBODYS.to_owned() };
    let asked = (0..6).map(|_| {
        let (mut sessions, request) = (app.sessions(), by(&bob.token, message.clone()));
        async move { sessions.check_password(request).await }
    });
    let mut compared = 0;
    for answer in join_all(asked).await {
        match answer {
            Ok(told) => {
                let is_unknown = which(told.get_ref(), PasswordOutcome::NotJudged);
                compared += usize::from(!is_unknown.contains(&PasswordRuleKind::NotUsedBefore));
            }
            // Whoever waits for long behind the others is told so.
            Err(status) => assert_eq!(refused::<()>(Err(status)), as_told(Code::ResourceExhausted, "OVERLOADED")),
        }
    }
    assert_eq!(compared, 1);
}
