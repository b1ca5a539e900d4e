//! Every call there is, by every kind of caller, held against the table. Who is refused has changed nothing.

use futures_util::stream::{self, StreamExt};
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

/// Calls at a time: fewer than the server has connections to its database, so that none waits for one.
const AT_ONCE: usize = 3;

/// A kind of caller.
pub struct Caller {
    pub name: String,
    bearer: Option<String>,
    acts_for: Option<Uuid>,
    pub told: Answer,
}

impl Caller {
    fn new(name: &str, token: &str, acts_for: Option<Uuid>, told: Answer) -> Self {
        Self { name: name.to_owned(), bearer: Some(format!("Bearer {token}")), acts_for, told }
    }
}

/// Every kind of caller, and what the table says that `action` tells it.
pub fn callers(cast: &Cast, action: Action) -> Vec<Caller> {
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

/// The same of several, in their order.
pub async fn all_asked(cast: &Cast, callers: &[Caller], action: Action, things: &Things) -> Vec<Result<(), Status>> {
    let answers = stream::iter(callers).map(|it| asked(cast, it, action, things));
    answers.buffered(AT_ONCE).collect().await
}

/// What somebody was told, as the table has it: of refusals of another kind it has no more than that.
pub fn told(answer: &Result<(), Status>) -> Answer {
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
pub fn words(answer: &Result<(), Status>) -> Option<(Code, String, String)> {
    let status = answer.as_ref().err()?;
    let (code, reason) = refusal(answer);
    Some((code, reason, status.message().to_owned()))
}

/// Those who were told something else than the table says.
fn otherwise(action: Action, callers: &[Caller], answers: &[Result<(), Status>]) -> Vec<String> {
    let others = callers.iter().zip(answers).filter(|(caller, answer)| told(answer) != caller.told);
    others.map(|(it, answer)| format!("{action:?} by {}: {answer:?}, not {:?}", it.name, it.told)).collect()
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
        let mut state = cast.state().await;
        let answers = all_asked(&cast, &refused, action, &things).await;
        others.extend(otherwise(action, &refused, &answers));
        // Whoever is told that there is no such thing is told the same of what nobody has.
        let unseen = refused.iter().zip(&answers).filter(|(caller, _)| matches!(caller.told, Answer::NotFound(_)));
        for (caller, answer) in unseen {
            let of_nothing = asked(&cast, caller, action, &nowhere).await;
            if words(answer) != words(&of_nothing) {
                others.push(format!("{action:?} by {}: {answer:?}, of nothing {of_nothing:?}", caller.name));
            }
        }
        if cast.state().await != state {
            others.push(format!("{action:?}: somebody was refused and has changed something"));
            things = cast.things().await;
            state = cast.state().await;
        }

        let (first, rest) = let_in.split_at(let_in.len().min(1));
        let mut answers = all_asked(&cast, first, action, &things).await;
        if cast.state().await == state {
            answers.extend(all_asked(&cast, rest, action, &things).await);
        } else {
            // What somebody has changed is not for the next one.
            for caller in rest {
                things = cast.things().await;
                answers.push(asked(&cast, caller, action, &things).await);
            }
            things = cast.things().await;
        }
        others.extend(otherwise(action, &let_in, &answers));
    }
    assert!(others.is_empty(), "{others:#?}");
}
