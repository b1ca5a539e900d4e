//! Who is meant in a WorkCenter by those whom tasks of a template name, and who of them has to be brought there first.
//!
//! Roles stand for themselves unless somebody is bound to them who is there. People stand for themselves where they collaborate;
//! elsewhere somebody else does, or nobody.

mod store;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

pub(super) use store::{called, company, named};

use super::{code::Code, judge::Judged, run::Thing};
use crate::{
    access::WorkCenterRole,
    content::imprint::{NAMED_MAX, Part, Who},
    job::ItemKind,
};

/// The depth of people among the things of a template, who come after what is set and before all else.
const DEPTH: i64 = 1;

/// Who stands for whom, as somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cast {
    /// Roles, each with somebody who is meant by it.
    pub bound: Vec<(WorkCenterRole, Uuid)>,
    /// People, each with somebody who is meant where they do not collaborate.
    pub replaced: Vec<(Uuid, Uuid)>,
    /// What those become who are meant and do not collaborate, unless a role is bound to them; none where they are not brought
    /// in.
    pub newcomers: Option<WorkCenterRole>,
}

/// Somebody who is meant by tasks of a template, if they can be brought in.
#[derive(Clone, Debug)]
pub(super) struct Called {
    /// What they are called.
    pub name: String,
    /// What they are to be.
    pub role: WorkCenterRole,
    /// Whether they collaborate already.
    pub is_there: bool,
    /// Whether they belong to the account: all others can only be invited.
    pub belongs: bool,
}

/// Who of some people is in a WorkCenter, or will be.
#[derive(Clone, Debug, Default)]
pub(super) struct Company {
    /// Those who collaborate.
    pub there: HashSet<Uuid>,
    /// Those who are invited.
    pub asked: HashSet<Uuid>,
}

impl Company {
    /// Notes of whom `judged` says that they come, or are invited.
    pub fn expect(&mut self, judged: &[Judged]) {
        use super::decide::Verdict::{Copy, Invite};
        let those = |verdict| judged.iter().filter(move |it| it.verdict == verdict).map(|it| it.id);
        self.there.extend(those(Copy));
        self.asked.extend(those(Invite));
    }

    /// Notes all of whom `other` knows.
    pub fn join(&mut self, other: &Self) {
        self.there.extend(&other.there);
        self.asked.extend(&other.asked);
    }

    fn has(&self, user: Uuid) -> bool {
        self.there.contains(&user) || self.asked.contains(&user)
    }
}

/// Somebody who is meant by a task, or whoever has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub part: Part,
    pub who: Who,
    /// What there is to say of them.
    pub code: Option<Code>,
}

impl Meant {
    /// Whether the copy of the task names them.
    pub fn is_named(&self) -> bool {
        matches!(self.code, None | Some(Code::AssigneeInvited))
    }
}

/// Everybody whose id it takes to say who is meant by `named`.
pub(super) fn ids<'a>(cast: &Cast, named: impl Iterator<Item = &'a (Part, Who)>) -> Vec<Uuid> {
    let users = named.filter_map(|(_, who)| if let Who::User(user) = who { Some(*user) } else { None });
    let stand_ins = cast.bound.iter().map(|it| it.1).chain(cast.replaced.iter().map(|it| it.1));
    users.chain(stand_ins).collect::<HashSet<_>>().into_iter().collect()
}

/// Who is meant by those whom a task names, in order: each once in a part of those who are to be named, and no more of these than
/// there may be.
pub(super) fn meant(cast: &Cast, named: &[(Part, Who)], company: &Company) -> Vec<Meant> {
    let mut all = Vec::with_capacity(named.len());
    for &(part, who) in named {
        let of = |user: Uuid, absent| {
            let code = if company.there.contains(&user) {
                None
            } else if company.asked.contains(&user) {
                Some(Code::AssigneeInvited)
            } else {
                Some(absent)
            };
            Meant { part, who: Who::User(user), code }
        };
        match who {
            Who::Role(role) => {
                let bound = cast.bound.iter().filter(|it| it.0 == role);
                let bound: Vec<Meant> = bound.map(|it| of(it.1, Code::RoleUnmapped)).collect();
                if !bound.iter().any(Meant::is_named) {
                    all.push(Meant { part, who, code: None });
                }
                all.extend(bound);
            }
            Who::User(user) if company.there.contains(&user) => all.push(of(user, Code::AssigneeDropped)),
            Who::User(user) => {
                let by = cast.replaced.iter().find(|it| it.0 == user && company.has(it.1)).map(|it| it.1);
                all.push(of(by.unwrap_or(user), Code::AssigneeDropped));
            }
        }
    }
    let (mut seen, mut counts) = (HashSet::new(), HashMap::new());
    all.retain(|it| seen.insert((it.part, it.who, it.is_named())));
    for it in all.iter_mut().filter(|it| it.is_named()) {
        let count: &mut usize = counts.entry(it.part).or_default();
        *count += 1;
        if NAMED_MAX < *count {
            it.code = Some(Code::AssigneeDropped);
        }
    }
    all
}

/// What there is to say of a task by those who are meant by it: the gravest of it.
pub(super) fn warning(meant: &[Meant]) -> Option<Code> {
    let has = |code: &Code| meant.iter().any(|it| it.code == Some(*code));
    [Code::AssigneeDropped, Code::RoleUnmapped, Code::AssigneeInvited].into_iter().find(has)
}

/// Adds those to the things of a template who have to be brought in, and are not among them.
pub(super) fn bring(things: &mut Vec<Thing>, called: &HashMap<Uuid, Called>) {
    let known: HashSet<Uuid> = things.iter().filter(|it| it.depth == DEPTH).map(|it| it.id).collect();
    let mut coming: Vec<Thing> = called
        .iter()
        .filter(|(id, it)| !it.is_there && !known.contains(id))
        .map(|(id, it)| Thing {
            id: *id,
            kind: ItemKind::Collaborator,
            depth: DEPTH,
            sort: String::new(),
            parent: None,
            path: it.name.clone(),
            bytes: 0,
        })
        .collect();
    coming.sort_by_key(|it| it.id);
    let place = things.partition_point(|it| it.depth <= DEPTH);
    things.splice(place..place, coming);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);
    const CAT: Uuid = Uuid::from_u128(3);

    fn company(there: &[Uuid], asked: &[Uuid]) -> Company {
        Company { there: there.iter().copied().collect(), asked: asked.iter().copied().collect() }
    }

    fn told(cast: &Cast, named: &[Who], company: &Company) -> Vec<(Who, Option<Code>)> {
        let named: Vec<_> = named.iter().map(|it| (Part::Assignee, *it)).collect();
        meant(cast, &named, company).into_iter().map(|it| (it.who, it.code)).collect()
    }

    #[test]
    fn people_stand_for_themselves_where_they_are_and_elsewhere_somebody_else_does_or_nobody() {
        let (ann, ben) = (Who::User(ANN), Who::User(BEN));
        let by_ben = Cast { replaced: vec![(ANN, BEN)], ..Cast::default() };
        let (dropped, invited) = (Some(Code::AssigneeDropped), Some(Code::AssigneeInvited));
        assert_eq!(told(&by_ben, &[ann], &company(&[ANN, BEN], &[])), [(ann, None)]);
        assert_eq!(told(&by_ben, &[ann], &company(&[BEN], &[])), [(ben, None)]);
        assert_eq!(told(&by_ben, &[ann], &company(&[], &[BEN])), [(ben, invited)]);
        assert_eq!(told(&by_ben, &[ann], &company(&[], &[ANN])), [(ann, invited)]);
        assert_eq!(told(&by_ben, &[ann], &company(&[], &[])), [(ann, dropped)]);
        // Each once.
        assert_eq!(told(&by_ben, &[ben, ann], &company(&[BEN], &[])), [(ben, None)]);
    }

    #[test]
    fn roles_stand_for_themselves_unless_somebody_is_bound_to_them_who_is_there() {
        let owner = Who::Role(WorkCenterRole::Owner);
        let bound = vec![(WorkCenterRole::Owner, BEN), (WorkCenterRole::Owner, CAT), (WorkCenterRole::Reader, ANN)];
        let cast = Cast { bound, ..Cast::default() };
        let (ben, cat) = (Who::User(BEN), Who::User(CAT));
        let unmapped = Some(Code::RoleUnmapped);
        assert_eq!(told(&cast, &[owner], &company(&[ANN, CAT], &[])), [(ben, unmapped), (cat, None)]);
        let nobody = company(&[ANN], &[]);
        assert_eq!(told(&cast, &[owner], &nobody), [(owner, None), (ben, unmapped), (cat, unmapped)]);
    }

    #[test]
    fn of_more_people_than_a_task_may_name_the_first_are_named_and_the_others_told() {
        let many: Vec<Uuid> = (1..).map(Uuid::from_u128).take(NAMED_MAX + 2).collect();
        let bound = many.iter().map(|it| (WorkCenterRole::Reader, *it)).collect();
        let cast = Cast { bound, ..Cast::default() };
        let told = told(&cast, &[Who::Role(WorkCenterRole::Reader)], &company(&many, &[]));
        let codes: Vec<_> = told.iter().map(|it| it.1).collect();
        assert_eq!(codes[..NAMED_MAX], [None; NAMED_MAX]);
        assert_eq!(codes[NAMED_MAX..], [Some(Code::AssigneeDropped); 2]);
    }
}
