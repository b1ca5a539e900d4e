//! A WorkCenter that is being made: every call that could tell of it or change it, by every kind of caller.

use tonic::Code;
use workcenter::{access::Action, ids};

use super::{
    cast::Cast,
    refusal, refused,
    table::{Answer, PEOPLE},
    things::Things,
    walk::{all_asked, callers, told, words},
};

/// What changes nothing.
const READS: [Action; 14] = [
    Action::GetWorkCenter,
    Action::ListCollaborators,
    Action::GetFolder,
    Action::ListContents,
    Action::DownloadDocument,
    Action::GetDocument,
    Action::ListDocumentVersions,
    Action::GetTask,
    Action::ListTasks,
    Action::GetPost,
    Action::ListPosts,
    Action::ListComments,
    Action::ListActivity,
    Action::ListTemplateContents,
];

/// What is done by jobs, for which there is nothing in it.
const BULK: [Action; 2] = [Action::BulkDelete, Action::BulkRestore];

impl Cast {
    /// Has the WorkCenter of `things`, with all that is in it, be one that its owner has made, as it is before it is open: nobody
    /// hears of it, and it has no log.
    async fn provision(&self, things: &Things) {
        let client = self.app.client().await;
        for table in ["addressee", "activity", "activity_head", "subscription"] {
            client.execute(&format!("delete from {table} where log_id = $1"), &[&things.workcenter]).await.unwrap();
        }
        let begin = "update workcenter set provisioning_job_id = $2 where id = $1";
        assert_eq!(client.execute(begin, &[&things.workcenter, &ids::new()]).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_workcenter_that_is_being_made_is_there_for_who_has_it_made_alone_and_changed_by_nobody() {
    let cast = Cast::assemble().await;
    let things = cast.things().await;
    cast.provision(&things).await;
    let Things { workcenter, folder, document, task, post, comment, .. } = Things::nowhere();
    let nothing = Things { workcenter, folder, document, task, post, comment, ..things };
    let owner = PEOPLE[5];
    let (mut others, mut tried, mut state) = (Vec::new(), 0, cast.state().await);
    // Where two requests about the same differ, what they are about is made up, and the WorkCenter is no part of it.
    let is_about_it =
        |it: &&Action| things.request(**it) != nothing.request(**it) && things.request(**it) == things.request(**it);
    for &action in Action::ALL.iter().filter(is_about_it) {
        tried += 1;
        let (own, strange): (Vec<_>, Vec<_>) =
            callers(&cast, action).into_iter().partition(|it| it.name.ends_with(owner));
        assert_eq!(own.len(), 2);
        let answers = all_asked(&cast, &strange, action, &things).await;
        let of_nothing = all_asked(&cast, &strange, action, &nothing).await;
        for ((caller, answer), of_nothing) in strange.iter().zip(&answers).zip(&of_nothing) {
            if words(answer) != words(of_nothing) {
                others.push(format!("{action:?} by {}: {answer:?}, of nothing {of_nothing:?}", caller.name));
            }
        }
        let answers = all_asked(&cast, &own, action, &things).await;
        let of_nothing = all_asked(&cast, &own, action, &nothing).await;
        for ((caller, answer), of_nothing) in own.iter().zip(&answers).zip(&of_nothing) {
            let is_so = match caller.told {
                Answer::Done | Answer::LetIn if READS.contains(&action) => answer.is_ok(),
                Answer::Done | Answer::LetIn if BULK.contains(&action) => words(answer) == words(of_nothing),
                Answer::Done | Answer::LetIn => {
                    answer.is_err() && refusal(answer) == refused(Code::FailedPrecondition, "WORKCENTER_PROVISIONING")
                }
                _ => told(answer) == caller.told,
            };
            if !is_so {
                others.push(format!("{action:?} by {}: {answer:?}", caller.name));
            }
        }
        let now = cast.state().await;
        if now != state {
            others.push(format!("{action:?} has changed something"));
            state = now;
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert!(40 < tried, "{tried}");
}
