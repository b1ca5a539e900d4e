//! What is to become of things of a template, decided from what is known. Pure, and the same for the plan and for the work.

use uuid::Uuid;

use super::{code::Code, link::Linked, run::Mode};
use crate::content::DEPTH_MAX;

/// What is to become of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It fails.
    Fail(Code),
    /// It is left as it is.
    Skip(Code),
    /// It is copied.
    Copy,
    /// What is there already counts as its copy, and stays as it is; with what there is to do in it.
    Adopt(Uuid, Adopted),
    /// It becomes the newest version of that document.
    Version(Uuid),
    /// Its copy becomes what it is now.
    Update(Uuid),
    /// Somebody is to be invited.
    Invite,
    /// Somebody is invited by that.
    Invited(Uuid),
}

/// What is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adopted {
    /// A folder, into which others are copied.
    Merged,
    /// The same.
    Same,
    /// Somebody, with another role.
    Kept,
}

/// Where something is copied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Into this folder, or to this thing; none for the top.
    At(Option<Uuid>),
    /// Into something that is not there yet.
    New,
    /// Nowhere, for what it belongs into was left alone.
    Left(Code),
    /// Nowhere, for what it belongs into has failed.
    Lost(Code),
}

/// What has a name in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub id: Uuid,
    pub is_folder: bool,
    /// Of a document, what its bytes are found by.
    pub digest: Option<Vec<u8>>,
}

/// What is known of the place of a folder or document.
#[derive(Clone, Debug, Default)]
pub(super) struct Site<'a> {
    /// The folders that the place is in, itself among them.
    pub chain: &'a [Uuid],
    /// What has the name there.
    pub holder: Option<&'a Holder>,
}

/// What becomes of a thing by what has become of it before. Of one that is copied, whether it fits is still to be asked.
pub(super) fn step(mode: Mode, linked: &Linked) -> Verdict {
    let Some(source_now) = &linked.source_now else { return Verdict::Skip(Code::NotFound) };
    let Some(target) = linked.target else {
        return if mode == Mode::ReportOnly { Verdict::Skip(Code::Missing) } else { Verdict::Copy };
    };
    let Some(copy_now) = &linked.copy_now else { return Verdict::Skip(Code::LocallyDeleted) };
    let is_same = linked.source_hash.as_ref() == Some(source_now);
    match &linked.copy_hash {
        // It was there before, and is nobody's copy.
        None if is_same => Verdict::Skip(Code::Identical),
        None => Verdict::Skip(Code::TemplateChanged),
        Some(copied) if copied != copy_now || linked.is_begun => Verdict::Skip(Code::LocallyChanged),
        Some(_) if is_same => Verdict::Skip(Code::Identical),
        Some(_) if mode == Mode::UpdateUnmodified => Verdict::Update(target),
        Some(_) => Verdict::Skip(Code::TemplateChanged),
    }
}

/// What becomes of a thing that belongs to another one.
pub(super) fn within(verdict: Verdict, spot: Spot) -> Verdict {
    match (verdict, spot) {
        (Verdict::Copy | Verdict::Update(_), Spot::Left(code)) => Verdict::Skip(code),
        (Verdict::Copy | Verdict::Update(_), Spot::Lost(code)) => Verdict::Fail(code),
        (verdict, _) => verdict,
    }
}

/// What becomes of a folder or a document, with those bytes, in its place.
pub(super) fn entry(
    verdict: Verdict,
    spot: Spot,
    digest: Option<&[u8]>,
    new_versions: bool,
    site: &Site<'_>,
) -> Verdict {
    let verdict = within(verdict, spot);
    let is_folder = digest.is_none();
    match verdict {
        Verdict::Copy if spot == Spot::New => Verdict::Copy,
        Verdict::Copy => match site.holder {
            None if is_folder && DEPTH_MAX <= site.chain.len() => Verdict::Fail(Code::Depth),
            None => Verdict::Copy,
            Some(holder) if holder.is_folder != is_folder => Verdict::Fail(Code::TypeConflict),
            Some(holder) if is_folder => Verdict::Adopt(holder.id, Adopted::Merged),
            Some(holder) if holder.digest.as_deref() == digest => Verdict::Adopt(holder.id, Adopted::Same),
            Some(holder) if new_versions => Verdict::Version(holder.id),
            Some(_) => Verdict::Fail(Code::NameConflict),
        },
        Verdict::Update(target) => match site.holder {
            _ if site.chain.contains(&target) => Verdict::Fail(Code::Cycle),
            Some(holder) if holder.id != target => Verdict::Fail(Code::NameConflict),
            _ => Verdict::Update(target),
        },
        verdict => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(source: (u8, u8), copy: Option<(Option<u8>, u8)>) -> Linked {
        Linked {
            target: copy.map(|_| Uuid::nil()),
            source_hash: Some(vec![source.0]),
            source_now: Some(vec![source.1]),
            copy_hash: copy.and_then(|it| it.0).map(|it| vec![it]),
            copy_now: copy.map(|it| it.1).filter(|it| *it > 0).map(|it| vec![it]),
            is_begun: false,
        }
    }

    #[test]
    fn what_was_copied_before_is_updated_only_where_nobody_has_touched_it() {
        use Mode::{AddMissing, ReportOnly, UpdateUnmodified};
        let update = Verdict::Update(Uuid::nil());
        let skip = Verdict::Skip;
        // What the source was and is, and what the copy was, if it is one, and is: 0 where it is not there.
        for (linked, verdicts) in [
            (linked((1, 1), None), [Verdict::Copy, Verdict::Copy, skip(Code::Missing)]),
            (linked((1, 1), Some((Some(5), 5))), [skip(Code::Identical), skip(Code::Identical), skip(Code::Identical)]),
            (linked((1, 2), Some((Some(5), 5))), [skip(Code::TemplateChanged), update, skip(Code::TemplateChanged)]),
            (linked((1, 1), Some((Some(5), 6))), [(); 3].map(|()| skip(Code::LocallyChanged))),
            (linked((1, 2), Some((Some(5), 6))), [(); 3].map(|()| skip(Code::LocallyChanged))),
            (linked((1, 2), Some((Some(5), 0))), [(); 3].map(|()| skip(Code::LocallyDeleted))),
            (linked((1, 1), Some((None, 5))), [(); 3].map(|()| skip(Code::Identical))),
            (linked((1, 2), Some((None, 5))), [(); 3].map(|()| skip(Code::TemplateChanged))),
        ] {
            let told = [AddMissing, UpdateUnmodified, ReportOnly].map(|it| step(it, &linked));
            assert_eq!(told, verdicts, "{linked:?}");
        }
        let begun = Linked { is_begun: true, ..linked((1, 2), Some((Some(5), 5))) };
        assert_eq!(step(UpdateUnmodified, &begun), skip(Code::LocallyChanged));
        assert_eq!(step(AddMissing, &Linked::default()), skip(Code::NotFound));
    }

    #[test]
    fn what_has_the_name_decides_what_becomes_of_a_copy() {
        let (id, top) = (Uuid::max(), Spot::At(None));
        let holder = |is_folder, digest: Option<u8>| Holder { id, is_folder, digest: digest.map(|it| vec![it]) };
        let of = |digest: Option<&[u8]>, new_versions, holder: Holder| {
            entry(Verdict::Copy, top, digest, new_versions, &Site { chain: &[], holder: Some(&holder) })
        };
        assert_eq!(of(None, false, holder(true, None)), Verdict::Adopt(id, Adopted::Merged));
        assert_eq!(of(None, false, holder(false, Some(1))), Verdict::Fail(Code::TypeConflict));
        assert_eq!(of(Some(&[1]), false, holder(true, None)), Verdict::Fail(Code::TypeConflict));
        assert_eq!(of(Some(&[1]), true, holder(false, Some(1))), Verdict::Adopt(id, Adopted::Same));
        assert_eq!(of(Some(&[1]), false, holder(false, Some(2))), Verdict::Fail(Code::NameConflict));
        assert_eq!(of(Some(&[1]), true, holder(false, Some(2))), Verdict::Version(id));
        let within = |verdict, spot| entry(verdict, spot, None, false, &Site::default());
        assert_eq!(within(Verdict::Copy, Spot::New), Verdict::Copy);
        assert_eq!(within(Verdict::Copy, Spot::Left(Code::LocallyDeleted)), Verdict::Skip(Code::LocallyDeleted));
        assert_eq!(within(Verdict::Copy, Spot::Lost(Code::TypeConflict)), Verdict::Fail(Code::TypeConflict));
        let site = Site { chain: &[id], holder: None };
        assert_eq!(entry(Verdict::Update(id), top, None, false, &site), Verdict::Fail(Code::Cycle));
        let site = Site { chain: &[Uuid::nil(); DEPTH_MAX], holder: None };
        assert_eq!(entry(Verdict::Copy, top, None, false, &site), Verdict::Fail(Code::Depth));
    }
}
