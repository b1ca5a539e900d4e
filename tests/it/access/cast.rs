//! An account with everybody who may call, and with something of everything to be asked for.

use futures_util::stream;
use jiff::Timestamp;
use uuid::Uuid;
use workcenter::{auth::SCOPES, db, ids, job, pb};

use super::things::Things;
use crate::{
    content,
    harness::{Account, App, Person, by},
};

/// Those who call.
pub struct Cast {
    pub app: App,
    pub account: Account,
    /// As [`PEOPLE`] has them.
    pub people: [Person; 7],
    /// Somebody whose session has expired.
    pub expired: Person,
    /// A key with each scope.
    pub keys: Vec<String>,
    /// A key with all of them.
    pub all: String,
}

impl Cast {
    pub async fn assemble() -> Self {
        Self::of(App::start().await).await
    }

    /// Those who call in an application that nobody uses yet.
    pub async fn of(app: App) -> Self {
        let account = app.account("Pier Works").await;
        let person = async |name: &str| app.person(&account, &format!("{name}@example.com"), name, "").await;
        let people = [
            app.account("Sea Works").await.admin,
            app.guest(&account, "guest@example.com").await,
            person("member").await,
            person("reader").await,
            person("contributor").await,
            person("owner").await,
            account.admin.clone(),
        ];
        let expired = person("expired").await;
        let expire = "update session set ends_at = now() - interval '1 second' where user_id = $1";
        db::text(&app.client().await, expire, &[&expired.id]).await.unwrap();
        let mut keys = Vec::new();
        for scope in SCOPES {
            keys.push(app.key(&[scope]).await);
        }
        let all = app.key(&SCOPES).await;
        Self { app, account, people, expired, keys, all }
    }

    /// Something of everything that nobody has touched, in the account of all, which is active.
    pub async fn things(&self) -> Things {
        let (app, account) = (&self.app, self.account.id);
        let active = pb::ReactivateAccountRequest { account_id: account.to_string() };
        app.accounts().reactivate_account(by(&self.account.admin.token, active)).await.unwrap();
        let workcenter = self.workcenter().await;
        self.things_in(workcenter).await
    }

    /// A WorkCenter with those who are in it.
    pub async fn workcenter(&self) -> Uuid {
        let (app, [_, _, _, reader, contributor, owner, _]) = (&self.app, &self.people);
        let workcenter = app.workcenter(owner, self.account.id, "Plans").await;
        app.collaborator(owner, workcenter, contributor).await;
        let role = pb::WorkCenterRole::Reader.into();
        let (workcenter_id, user_id) = (workcenter.to_string(), reader.id.to_string());
        let added = pb::AddCollaboratorRequest { workcenter_id, user_id, role };
        app.workcenters().add_collaborator(by(&owner.token, added)).await.unwrap();
        workcenter
    }

    /// Something of everything in such a WorkCenter, of the account, that nobody has touched.
    pub async fn things_in(&self, workcenter: Uuid) -> Things {
        let (app, account) = (&self.app, self.account.id);
        let [_, _, member, _, _, owner, _] = &self.people;
        let person = app.person(&self.account, &format!("{}@example.com", ids::new().simple()), "Pat", "").await;
        app.collaborator(owner, workcenter, &person).await;

        let email = format!("{}@example.com", ids::new().simple());
        let offer = pb::CreateInviteRequest { email, account_id: account.to_string(), ..Default::default() };
        let invited = app.invites().create_invite(by(&owner.token, offer)).await.unwrap().into_inner();
        let folder = pb::CreateFolderRequest {
            workcenter_id: workcenter.to_string(),
            name: format!("Plans of {}", person.id),
            ..Default::default()
        };
        let folder = app.contents().create_folder(by(&owner.token, folder)).await.unwrap().into_inner().folder;
        let workcenter_id = workcenter.to_string();
        let name = format!("Plan of {}", person.id);
        let metadata = pb::UploadDocumentMetadata { workcenter_id, name, ..content::announced(b"plan") };
        let messages = stream::iter(content::messages(metadata, b"plan", 4));
        let document = app.contents().upload_document(by(&owner.token, messages)).await.unwrap().into_inner().document;
        let document = document.unwrap().document_id;
        let [task, post, comment] = self.said(owner, workcenter, &document).await;
        let client = app.client().await;
        let run = job::Run { account, cadence: "DAILY", due_at: Timestamp::UNIX_EPOCH };
        let session = db::text(&client, "select id from session where user_id = $1", &[&person.id]).await.unwrap();
        Things {
            account,
            workcenter,
            person: person.id,
            other: member.id,
            session: session[0].get("id"),
            job: job::digest_run(&client, &run, 3).await.unwrap(),
            invite: invited.invite.unwrap().invite_id.parse().unwrap(),
            folder: folder.unwrap().folder_id.parse().unwrap(),
            document: document.parse().unwrap(),
            task,
            post,
            comment,
        }
    }

    /// A task that `owner` is to approve, a post of theirs, and a comment of theirs on a document.
    async fn said(&self, owner: &Person, workcenter: Uuid, document: &str) -> [Uuid; 3] {
        let (mut contents, workcenter_id, text) = (self.app.contents(), workcenter.to_string(), "Hello".to_owned());
        let approver = pb::task_person::Person::UserId(owner.id.to_string());
        let approvers = vec![pb::TaskPerson { person: Some(approver), ..Default::default() }];
        let task = Some(pb::Task { title: "Paint".to_owned(), approvers, ..Default::default() });
        let task = pb::CreateTaskRequest { workcenter_id: workcenter_id.clone(), task, ..Default::default() };
        let task = contents.create_task(by(&owner.token, task)).await.unwrap().into_inner().task.unwrap();
        let post = pb::CreatePostRequest { workcenter_id, text: text.clone(), ..Default::default() };
        let post = contents.create_post(by(&owner.token, post)).await.unwrap().into_inner().post.unwrap();
        let subject = pb::comment_subject::Subject::DocumentId(document.to_owned());
        let subject = Some(pb::CommentSubject { subject: Some(subject) });
        let comment = pb::CreateCommentRequest { subject, text, ..Default::default() };
        let comment = contents.create_comment(by(&owner.token, comment)).await.unwrap().into_inner().comment.unwrap();
        [task.task_id, post.post_id, comment.comment_id].map(|it| it.parse().unwrap())
    }

    /// All that the database has, but for what is there to know who calls and how often.
    pub async fn state(&self) -> Vec<String> {
        let client = self.app.client().await;
        let tables = "select table_name::text as name from information_schema.tables
            where table_schema = 'public'
                and table_name not in ('session', 'throttle', 'sign_in_throttle', 'security_event', 'service_key')
            order by 1";
        let tables = db::text(&client, tables, &[]).await.unwrap();
        let of = |table: &str| {
            format!(
                "select '{table} ' || coalesce(md5(string_agg(it::text, ' ' order by it::text)), '') from {table} it"
            )
        };
        let all: Vec<_> = tables.iter().map(|row| of(row.get("name"))).collect();
        let state = client.query(&all.join(" union all "), &[]).await.unwrap();
        state.iter().map(|row| row.get(0)).collect()
    }
}
