//! The calls that need more than the things, or others than usual.

mod invites;
mod people;

use jiff::Timestamp;
use workcenter::{access::Action, db, pb};

use super::{Ready, newcomer};
use crate::{
    access::{cast::Cast, things::Things},
    bulk, content,
    harness::by,
    import,
};

/// A password that nobody has.
const NEW: &str = "a short row over the Tees";

/// What is done to the things before, as it usually is.
pub fn before(action: Action) -> &'static [Action] {
    match action {
        Action::ReactivateWorkCenter => &[Action::ArchiveWorkCenter],
        Action::ReactivateAccount => &[Action::DeactivateAccount],
        Action::RestoreFolder => &[Action::DeleteFolder],
        Action::RestoreDocument | Action::BulkRestore => &[Action::DeleteDocument],
        Action::RestoreTask => &[Action::DeleteTask],
        Action::ApproveTask | Action::DeclineTask | Action::ReopenTask => &[Action::FinishTask],
        Action::RetractActivity => &[Action::PublishActivity],
        _ => &[],
    }
}

/// Makes `action` ready where what is usual would not do.
pub async fn unusual(cast: &Cast, things: &Things, action: Action) -> Option<Ready> {
    if let Some(ready) = people::of_sessions(cast, action).await {
        return Some(ready);
    }
    if let Some(ready) = people::of_addresses(cast, things, action).await {
        return Some(ready);
    }
    if let Some(ready) = people::of_profiles(cast, things, action).await {
        return Some(ready);
    }
    if let Some(ready) = invites::of_invites(cast, things, action).await {
        return Some(ready);
    }
    of_contents(cast, things, action).await
}

/// The rest of them.
async fn of_contents(cast: &Cast, things: &Things, action: Action) -> Option<Ready> {
    let owner = cast.people[5].token.as_str();
    let workcenter_id = things.workcenter.to_string();
    let ready = match action {
        Action::AddCollaborator => {
            let user_id = newcomer(cast).await.id.to_string();
            let role = pb::WorkCenterRole::Reader.into();
            Ready::new(action, owner, &pb::AddCollaboratorRequest { workcenter_id, user_id, role })
        }
        Action::UploadDocument => {
            let (bytes, name) = (things.person.to_string(), format!("New of {}", things.person));
            let announced = content::announced(bytes.as_bytes());
            let metadata = pb::UploadDocumentMetadata { workcenter_id, name, ..announced };
            Ready::stream(action, owner, &content::messages(metadata, bytes.as_bytes(), bytes.len()))
        }
        Action::ImportDocuments => {
            let name = format!("{}.txt", things.person);
            let archive = import::pack::archive(&[import::pack::stored(name, b"Oak")]);
            let metadata = import::announced(things.workcenter, &archive);
            Ready::stream(action, owner, &import::messages(metadata, &archive))
        }
        Action::CancelJob | Action::RetryFailedItems | Action::ListJobItems | Action::ExportJobItems => {
            let job = bulk_job(cast, things, action == Action::RetryFailedItems).await;
            let things = Things { job, ..*things };
            Ready { token: owner.to_owned(), ..Ready::usual(cast, &things, action) }
        }
        Action::MarkAsTemplate => {
            Ready::new(action, owner, &pb::MarkAsTemplateRequest { workcenter_id, unmark: false })
        }
        Action::CreateFromTemplate | Action::ListTemplateContents | Action::ApplyTemplate | Action::PublishTemplate => {
            of_template(cast, things, action).await
        }
        _ => return None,
    };
    Some(ready)
}

/// A call about the WorkCenter as the template that it is then.
async fn of_template(cast: &Cast, things: &Things, action: Action) -> Ready {
    let (owner, template_id) = (cast.people[5].token.as_str(), things.workcenter.to_string());
    let marked = pb::MarkAsTemplateRequest { workcenter_id: template_id.clone(), unmark: false };
    Ready::new(Action::MarkAsTemplate, owner, &marked).call(cast.app.channel()).await.unwrap();
    match action {
        Action::ApplyTemplate => {
            let target_workcenter_id = cast.workcenter().await.to_string();
            Ready::new(
                action,
                owner,
                &pb::ApplyTemplateRequest { template_id, target_workcenter_id, ..Default::default() },
            )
        }
        Action::PublishTemplate => {
            let target_workcenter_ids = vec![cast.workcenter().await.to_string()];
            let message = pb::PublishTemplateRequest { template_id, target_workcenter_ids, ..Default::default() };
            Ready::new(action, &cast.people[6].token, &message)
        }
        _ => Ready { token: owner.to_owned(), ..Ready::usual(cast, things, action) },
    }
}

/// A job of the owner over the document; one that is over, and in which it has failed.
async fn bulk_job(cast: &Cast, things: &Things, fails: bool) -> uuid::Uuid {
    let items = vec![bulk::document(things.document)];
    let target = bulk::to(things.workcenter, Some(things.folder));
    let message = pb::BulkCopyRequest { items, target, ..Default::default() };
    let made = cast.app.contents().bulk_copy(by(&cast.people[5].token, message)).await.unwrap();
    let job: uuid::Uuid = made.into_inner().job.unwrap().job_id.parse().unwrap();
    if fails {
        let client = cast.app.client().await;
        let over = "update job set state = 'FAILED', failed = total, finished_at = $2 where id = $1";
        db::text(&client, over, &[&job, &Timestamp::UNIX_EPOCH]).await.unwrap();
        let failed = "update job_item set state = 'FAILED', code = 'INTERNAL' where job_id = $1";
        db::text(&client, failed, &[&job]).await.unwrap();
    }
    job
}
