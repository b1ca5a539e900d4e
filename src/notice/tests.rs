use futures_util::FutureExt as _;

use super::*;
use crate::ids;

fn notices() -> Notices {
    Notices { ears: Ears { all: broadcast::channel(BACKLOG).0, jobs: Arc::default() }, in_force: Arc::default() }
}

#[test]
fn who_waits_for_a_job_is_woken_for_that_one_alone_and_when_words_may_be_lost() {
    let notices = notices();
    let (mine, other) = (ids::new(), ids::new());
    let mut ear = notices.job_ear(mine);
    notices.ears.tell(Notice::Job(other));
    assert_eq!(ear.hear().now_or_never(), None);
    notices.ears.tell(Notice::Job(mine));
    assert_eq!(ear.hear().now_or_never(), Some(()));
    notices.ears.tell(Notice::Lost);
    assert_eq!(ear.hear().now_or_never(), Some(()));
    notices.ears.tell(Notice::Job(mine));
    ear.forget();
    assert_eq!(ear.hear().now_or_never(), None);
}

#[test]
fn nothing_is_kept_of_a_job_that_nobody_waits_for() {
    let notices = notices();
    let job = ids::new();
    let [one, another] = [(); 2].map(|()| notices.job_ear(job));
    drop(one);
    assert_eq!(notices.ears.jobs().len(), 1);
    drop(another);
    assert!(notices.ears.jobs().is_empty());
}
