//! The end of the story as a table: who got how many mails of which sort, when by their own clock, and why.

use jiff::Zoned;

use super::{
    cast::{Person, alike, named},
    mails::{Mails, Sort},
    say,
};
use crate::{error::Result, pb::Delivery};

/// Mails of one sort to one person.
#[derive(PartialEq)]
struct Row {
    count: usize,
    sort: &'static str,
    times: String,
    why: String,
}

/// Shows the table; people with the same rows share them.
///
/// # Errors
///
/// When it cannot be written.
pub fn show(people: &[Person], mails: &Mails) -> Result<()> {
    let inviter = people.first().map_or("", |it| &it.name);
    let groups = alike(people, |it| rows(it, mails, inviter));
    let width = |of: fn(&Row) -> usize| groups.iter().flat_map(|it| &it.1).map(of).max().unwrap_or(0);
    let (sort, times) = (width(|it| it.sort.len()), width(|it| it.times.len()));
    say(format_args!("  mails  {:sort$}  {:times$}  why", "sort", "when"))?;
    for (group, rows) in &groups {
        say(format_args!("{}", named(group)))?;
        for it in rows {
            say(format_args!("  {:5}  {:sort$}  {:times$}  {}", it.count, it.sort, it.times, it.why))?;
        }
    }
    Ok(())
}

fn rows(person: &Person, mails: &Mails, inviter: &str) -> Vec<Row> {
    let own = |sort: Sort| mails.all().iter().filter(move |it| it.to == person.email && it.sort == sort);
    let sorts = [Sort::Invite, Sort::Immediate, Sort::Addressed, Sort::Daily, Sort::Weekly, Sort::CatchUp];
    let mut rows = Vec::new();
    for sort in sorts {
        let mut dates: Vec<_> = own(sort).map(|it| it.date).collect();
        dates.sort();
        let local: Vec<_> = dates.into_iter().map(|it| it.to_zoned(person.clock.clone())).collect();
        let why = match sort {
            Sort::Invite => Some(format!("{inviter} invites")),
            Sort::Immediate => person.why(Delivery::Immediate),
            Sort::Addressed => {
                person.is_addressed_at_once.then(|| "what is addressed to them comes at once".to_owned())
            }
            Sort::Daily => person.why(Delivery::Daily),
            Sort::Weekly => person.why(Delivery::Weekly),
            Sort::CatchUp => None,
        };
        if !local.is_empty() {
            let days: Vec<String> = local
                .chunk_by(|one, other| one.date() == other.date())
                .map(|day| format!("{} {}", day[0].strftime("%a"), hours(day)))
                .collect();
            let (count, times) = (local.len(), days.join("; "));
            rows.push(Row { count, sort: sort.name(), times, why: why.unwrap_or_default() });
        }
    }
    if let Some(why) = person.why(Delivery::Off) {
        rows.push(Row { count: 0, sort: "", times: String::new(), why });
    }
    rows
}

/// The times of one day, a minute in which several mails came once: `13:01 (3), 18:01`.
fn hours(day: &[Zoned]) -> String {
    let minutes: Vec<String> = day.iter().map(|it| it.strftime("%H:%M").to_string()).collect();
    let shown = minutes.chunk_by(|one, other| one == other).map(|it| match it.len() {
        1 => it[0].clone(),
        several => format!("{} ({several})", it[0]),
    });
    shown.collect::<Vec<_>>().join(", ")
}
