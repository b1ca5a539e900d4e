//! How often each call waits for its database, and how many statements it has run: as a table says, so that a rise is seen.
//!
//! What is on its way at once is waited for once. Whoever calls is known already, and all is prepared.

mod many;

use std::{collections::BTreeMap, fs};

use tonic::Status;
use workcenter::access::Action;

use crate::{
    access::cast::Cast,
    architecture::source::root,
    every::{self, Ready, Served},
    harness::App,
};

/// The table: the call, its round trips and its statements. What begins and ends transactions is among them.
const TABLE: &str = "tests/data/statements.csv";

/// Round trips, and statements.
type Taken = (usize, usize);

/// What each call is said to take.
pub fn said() -> BTreeMap<String, Taken> {
    let table = fs::read_to_string(root().join(TABLE)).unwrap();
    let lines = table.lines().skip(1).map(|line| {
        let [call, trips, statements] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        (call.to_owned(), (trips.parse().unwrap(), statements.parse().unwrap()))
    });
    lines.collect()
}

/// An application whose clock shows what its database's does.
async fn cast() -> Cast {
    let cast = Cast::of(App::start().await).await;
    let now = "select to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
    let now: String = cast.app.client().await.query_one(now, &[]).await.unwrap().get(0);
    cast.app.clock_at(&now).await;
    cast
}

/// What a call takes whose caller is known.
pub async fn taken(served: &Served, ready: Ready) -> Result<Taken, Status> {
    served.greet(&ready).await;
    let before = (served.tap.journeys(), served.tap.statements());
    served.call(ready).await?;
    Ok((served.tap.journeys() - before.0, served.tap.statements() - before.1))
}

#[tokio::test]
async fn each_call_takes_as_many_round_trips_and_statements_as_the_table_says() {
    let cast = cast().await;
    let served = Served::beside(&cast.app).await;
    let (large, mut said) = (cast.workcenter().await, said());
    let mut others = Vec::new();
    for &action in Action::ALL {
        // Two may have to prepare what the third one finds: calls that read share two connections. And what a server does by
        // itself, as giving numbers to a directory, may fall into one of them.
        let mut counted: Option<Taken> = None;
        for _ in 0..3 {
            let things = every::things(&cast, large, action).await;
            let ready = every::ready(&cast, &things, action).await;
            let taken = taken(&served, ready).await.unwrap_or_else(|status| panic!("{action:?}: {status:?}"));
            counted = Some(counted.map_or(taken, |least| least.min(taken)));
            every::after(&cast, action).await;
        }
        let said = said.remove(&format!("{action:?}"));
        if said != counted {
            let (trips, statements) = counted.unwrap();
            others.push(format!("{action:?},{trips},{statements} and not {said:?}"));
        }
    }
    assert!(others.is_empty() && said.is_empty(), "{others:#?} {said:?}");
}

#[test]
fn reading_a_profile_waits_once_and_changing_it_twice() {
    assert_eq!([said()["GetProfile"].0, said()["UpdateProfile"].0], [1, 2]);
}
