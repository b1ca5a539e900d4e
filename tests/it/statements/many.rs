//! Calls about many at a time take no more statements than those about one. Events are of one log: each log has its own
//! transaction, so that what one refuses stops no other.

use futures_util::stream;
use uuid::Uuid;
use workcenter::{access::Action, ids, pb};

use super::{cast, taken};
use crate::{
    access::cast::Cast,
    bulk, content,
    every::{Ready, Served},
    harness::by,
};

/// How many are many: a page.
const MANY: usize = 50;

/// Calls that are about as many as somebody likes.
const BATCHES: [Action; 7] = [
    Action::BatchGetProfiles,
    Action::BatchCreateInvites,
    Action::BatchUpdateWorkCenterPreferences,
    Action::PublishActivity,
    Action::RetractActivity,
    Action::BulkCopy,
    Action::BulkDelete,
];

/// What they are about.
struct Crowd {
    people: Vec<Uuid>,
    places: Vec<Uuid>,
    documents: Vec<Uuid>,
}

impl Crowd {
    async fn gather(cast: &Cast) -> Self {
        let (app, owner) = (&cast.app, &cast.people[5]);
        let (mut people, mut places, mut documents) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..MANY {
            let email = format!("{number}@example.net");
            people.push(app.person(&cast.account, &email, "Pat", "").await.id);
            places.push(app.workcenter(owner, cast.account.id, "Plans").await);
            let (workcenter_id, name) = (places[0].to_string(), format!("Plan {number}"));
            let metadata = pb::UploadDocumentMetadata { workcenter_id, name, ..content::announced(b"plan") };
            let messages = stream::iter(content::messages(metadata, b"plan", 4));
            let made = app.contents().upload_document(by(&owner.token, messages)).await.unwrap().into_inner();
            documents.push(made.document.unwrap().document_id.parse().unwrap());
        }
        Self { people, places, documents }
    }

    /// A call about the first of them.
    async fn about(&self, cast: &Cast, action: Action, count: usize) -> Ready {
        let (owner, key) = (cast.people[5].token.as_str(), cast.all.as_str());
        let items = self.documents[..count].iter().map(|it| bulk::document(*it)).collect();
        let events = (0..count).map(|_| event(self.places[0], cast.people[5].id)).collect();
        match action {
            Action::BatchGetProfiles => {
                let user_ids = self.people[..count].iter().map(Uuid::to_string).collect();
                Ready::new(action, owner, &pb::BatchGetProfilesRequest { user_ids })
            }
            Action::BatchCreateInvites => {
                let row =
                    |_| pb::InviteRow { email: format!("{}@example.org", ids::new().simple()), ..Default::default() };
                let (account_id, rows) = (cast.account.id.to_string(), (0..count).map(row).collect());
                Ready::new(action, owner, &pb::BatchCreateInvitesRequest { account_id, rows, ..Default::default() })
            }
            Action::BatchUpdateWorkCenterPreferences => {
                let delivery = if count == MANY { pb::Delivery::Weekly } else { pb::Delivery::Daily };
                let row =
                    |it: &Uuid| pb::WorkCenterDelivery { workcenter_id: it.to_string(), delivery: delivery.into() };
                let rows = self.places[..count].iter().map(row).collect();
                Ready::new(action, owner, &pb::BatchUpdateWorkCenterPreferencesRequest { rows, ..Default::default() })
            }
            Action::PublishActivity => Ready::new(action, key, &pb::PublishActivityRequest { events }),
            Action::RetractActivity => {
                let published = pb::PublishActivityRequest { events };
                cast.app.activity().publish_activity(by(key, published.clone())).await.unwrap();
                let events = published.events.iter().map(of).collect();
                Ready::new(action, key, &pb::RetractActivityRequest { events })
            }
            Action::BulkCopy => {
                let target = bulk::to(self.places[1], None);
                Ready::new(action, owner, &pb::BulkCopyRequest { items, target, ..Default::default() })
            }
            _ => Ready::new(action, owner, &pb::BulkDeleteRequest { items, ..Default::default() }),
        }
    }
}

fn event(place: Uuid, actor: Uuid) -> pb::Activity {
    let text = ToOwned::to_owned;
    pb::Activity {
        event_id: ids::new().to_string(),
        workcenter_id: place.to_string(),
        kind: text("file.uploaded"),
        actor_user_id: actor.to_string(),
        subject: Some(pb::Subject { r#type: text("file"), id: text("1"), title: text("Plan.pdf"), url: text("") }),
        audience: pb::Audience::Everyone.into(),
        ..Default::default()
    }
}

fn of(event: &pb::Activity) -> pb::ActivityRef {
    let (workcenter_id, event_id) = (event.workcenter_id.clone(), event.event_id.clone());
    pb::ActivityRef { workcenter_id, event_id, ..Default::default() }
}

#[tokio::test]
async fn a_call_about_fifty_takes_the_statements_of_one_about_one() {
    let cast = cast().await;
    let served = Served::beside(&cast.app).await;
    let crowd = Crowd::gather(&cast).await;
    let mut others = Vec::new();
    for action in BATCHES {
        let [mut one, mut many] = [(0, 0); 2];
        // Two may have to prepare what the third one finds: calls that read share two connections.
        for _ in 0..3 {
            one = taken(&served, crowd.about(&cast, action, 1).await).await.unwrap();
            many = taken(&served, crowd.about(&cast, action, MANY).await).await.unwrap();
        }
        if one != many {
            others.push(format!("{action:?}: {one:?} for one, {many:?} for {MANY}"));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}
