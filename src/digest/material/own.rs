//! The sections of a mail that tell what is in its reader's own log.

use uuid::Uuid;

use super::{Concerned, Material, Place};
use crate::digest::{
    fold::{self, Line},
    letter::{Because, Section},
};

/// What background processes are told below, and everything else that is about the reader alone.
const PROCESSES: &str = "Your background processes";
const ABOUT_YOU: &str = "About you";

/// How the kinds of background processes begin.
const PROCESS: &str = "process.";

/// A section of which the reader's own log has the lines.
pub(super) struct Own {
    title: &'static str,
    pub lines: Vec<Line>,
}

impl Own {
    /// As the letter has it. It is in no WorkCenter, and there is no page of it.
    pub fn section(&self) -> Section<'_> {
        Section { workcenter: self.title, url: None, because: Because::Yourself, lines: &self.lines }
    }
}

impl Material {
    /// What of these places and of what concerns `user` is in their own log, in the order in which it is shown. It may be their
    /// own doing: how what they have started has ended is news to them.
    pub(super) fn own(&self, places: &[Place], concerns: &[Concerned]) -> Vec<Own> {
        let told = places.iter().filter(|it| it.own && it.open).flat_map(|it| self.everyone(it, Uuid::nil(), true));
        let at_once = concerns.iter().filter(|it| it.own && it.open).flat_map(|it| self.mine(it, Uuid::nil(), true));
        let (processes, others): (Vec<_>, Vec<_>) = told.chain(at_once).partition(|it| it.kind.starts_with(PROCESS));
        let of_you = |it: fold::Event| match fold::of_you(&it.kind) {
            Some(kind) => fold::Event { kind: kind.to_owned(), ..it },
            None => it,
        };
        let others: Vec<_> = others.into_iter().map(of_you).collect();
        let sections = [(ABOUT_YOU, others), (PROCESSES, processes)];
        let sections = sections.map(|(title, events)| Own { title, lines: fold::fold(&events) });
        sections.into_iter().filter(|it| !it.lines.is_empty()).collect()
    }
}
