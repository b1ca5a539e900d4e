//! Every call there is, by every kind of caller, held against the table. Who is refused has changed nothing.

use futures_util::future::join_all;
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    access::Action,
    auth::{ON_BEHALF_OF, SCOPE_ACT, SCOPES},
};

use super::{
    call,
    cast::Cast,
    refusal,
    table::{Answer, PEOPLE, Told},
    things::Things,
};

/// A kind of caller.
struct Caller {
    name: String,
    bearer: Option<String>,
    acts_for: Option<Uuid>,
    told: Answer,
}

impl Caller {
    fn new(name: &str, token: &str, acts_for: Option<Uuid>, told: Answer) -> Self {
        Self { name: name.to_owned(), bearer: Some(format!("Bearer {token}")), acts_for, told }
    }
}

/// Every kind of caller, and what the table says that `action` tells it.
fn callers(cast: &Cast, action: Action) -> Vec<Caller> {
    let told = Told::of(action);
    let mut callers = vec![
        Caller { name: "nobody".to_owned(), bearer: None, acts_for: None, told: told.nobody },
        Caller::new("an expired session", &cast.expired.token, None, told.expired),
    ];
    let people = PEOPLE.iter().zip(&cast.people);
    for ((name, person), told) in people.clone().zip(told.people) {
        callers.push(Caller::new(name, &person.token, None, told));
    }
    let key = |scope| &cast.keys[SCOPES.iter().position(|it| *it == scope).unwrap()];
    for (scope, told) in told.keys {
        callers.push(Caller::new(&format!("a key for {scope}"), key(scope), None, told));
    }
    for ((name, person), told) in people.zip(told.acting) {
        callers.push(Caller::new(&format!("a service for {name}"), key(SCOPE_ACT), Some(person.id), told));
    }
    callers.push(Caller::new("a key for all of it", &cast.all, Some(cast.people[0].id), told.all));
    callers
}

async fn asked(cast: &Cast, caller: &Caller, action: Action, things: &Things) -> Result<(), Status> {
    let (bearer, acts_for) = (caller.bearer.as_deref(), caller.acts_for.map(|it| it.to_string()));
    let metadata = [("authorization", bearer), (ON_BEHALF_OF, acts_for.as_deref())];
    let metadata: Vec<_> = metadata.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    call(&cast.app, action, things.request(action), &metadata).await
}

/// What somebody was told, as the table has it: of refusals of another kind it has no more than that.
fn told(answer: &Result<(), Status>) -> Answer {
    if answer.is_ok() {
        return Answer::Done;
    }
    match refusal(answer) {
        (Code::PermissionDenied, reason) if reason == "NOT_ALLOWED" => Answer::NotAllowed,
        (Code::NotFound, reason) => Answer::NotFound(reason),
        (Code::Unauthenticated, reason) if reason == "CALLER_UNKNOWN" => Answer::NoCaller,
        (Code::Unauthenticated, reason) if reason == "SESSION_INVALID" => Answer::NoSession,
        (Code::Internal | Code::Unknown | Code::Unimplemented | Code::Unavailable, _) => panic!("{answer:?}"),
        _ => Answer::LetIn,
    }
}

/// All that somebody can tell a refusal by, but for the id that they have asked for.
fn words(answer: &Result<(), Status>) -> (Code, String, String) {
    let (code, reason) = refusal(answer);
    (code, reason, answer.as_ref().unwrap_err().message().to_owned())
}

#[tokio::test]
async fn everybody_may_what_the_table_says_and_nothing_else() {
    let cast = Cast::assemble().await;
    let (nowhere, mut things) = (Things::nowhere(), cast.things().await);
    let mut others = Vec::new();
    // The last one ends the sessions of all.
    let actions = Action::ALL.iter().filter(|it| **it != Action::SignOut).chain([&Action::SignOut]);
    for &action in actions {
        let (let_in, refused): (Vec<_>, Vec<_>) =
            callers(&cast, action).into_iter().partition(|it| matches!(it.told, Answer::Done | Answer::LetIn));
        let state = cast.state().await;
        let answers = join_all(refused.iter().map(|it| asked(&cast, it, action, &things))).await;
        for (caller, answer) in refused.iter().zip(&answers).filter(|(caller, answer)| told(answer) != caller.told) {
            others.push(format!("{action:?} by {}: {answer:?}, not {:?}", caller.name, caller.told));
        }
        // Whoever is told that there is no such thing is told the same of what nobody has.
        let unseen = refused.iter().zip(&answers).filter(|(caller, _)| matches!(caller.told, Answer::NotFound(_)));
        let (unseen, answers): (Vec<_>, Vec<_>) = unseen.unzip();
        let of_nothing = join_all(unseen.iter().map(|it| asked(&cast, it, action, &nowhere))).await;
        for ((caller, answer), of_nothing) in unseen.iter().zip(answers).zip(&of_nothing) {
            assert_eq!(words(answer), words(of_nothing), "{action:?} by {}", caller.name);
        }
        assert_eq!(cast.state().await, state, "{action:?}: who is refused changes nothing");
        let mut is_spent = false;
        for (place, caller) in let_in.into_iter().enumerate() {
            if is_spent {
                things = cast.things().await;
            }
            let answer = asked(&cast, &caller, action, &things).await;
            if told(&answer) != caller.told {
                others.push(format!("{action:?} by {}: {answer:?}, not {:?}", caller.name, caller.told));
            }
            // What the first one has changed is not for the next, nor for the one after them.
            is_spent |= place == 0 && cast.state().await != state;
        }
        if is_spent {
            things = cast.things().await;
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}
