//! Page tokens that did not come from the page before: in every call that has them, they are refused alike, and nobody sees
//! by them what they do not see without.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::stream;
use prost_types::field_descriptor_proto::Type;
use tonic::{Code, Request, Status};
use workcenter::{
    access::Action,
    daemon::Sweep,
    pb,
    subscription::{Link, Scope, Switch},
};

use super::{
    Siege,
    anatomy::{self, Anatomy, Call, has_length},
    full,
};
use crate::{
    access::{cast::Cast, raw, things::Things},
    channel::Channel,
    content,
    harness::{PASSWORD, Person, by, reason},
    story::mask,
};

/// A call that pages, as one rule of access has it, and how it is asked for here.
struct List<'a> {
    action: Action,
    call: &'a Call,
    base: Vec<u8>,
    size: u32,
    token: u32,
}

impl List<'_> {
    /// Asks for a page of what `request` asks for.
    async fn page(&self, channel: &Channel, who: &Person, request: &[u8], size: u64, token: &str) -> Answer {
        let paging = [anatomy::varint(self.size, size), anatomy::bytes(self.token, token.as_bytes())].concat();
        let request = by(&who.token, [request, &paging].concat());
        let answer = raw::call(channel.clone(), &format!("/workcenter.v1.{}", self.call.path), request).await?;
        let next = anatomy::found(anatomy::number(&self.call.gives, "next_page_token").unwrap(), &answer);
        let rows = self.call.gives.field.iter().find(|it| anatomy::is_repeated(it)).unwrap();
        let rows = anatomy::found(rows.number().try_into().unwrap(), &answer).into_iter().collect();
        Ok((rows, next.into_iter().map(|it| String::from_utf8(it).unwrap()).next().unwrap_or_default()))
    }
}

/// Rows, and the token of the next page.
type Answer = Result<(BTreeSet<Vec<u8>>, String), Status>;

fn is_refused(answer: &Answer) -> bool {
    let is_its = |it: &Status| it.code() == Code::InvalidArgument && reason(it) == "PAGE_TOKEN_INVALID";
    answer.as_ref().is_err_and(is_its)
}

/// Every call that pages.
fn lists<'a>(anatomy: &'a Anatomy, things: &Things) -> Vec<List<'a>> {
    let pages = |action: &Action| {
        let call = anatomy.calls.iter().find(|it| it.path == action.path()).unwrap();
        let [size, token] = ["page_size", "page_token"].map(|it| anatomy::number(&call.takes, it));
        Some(List { action: *action, call, base: things.request(*action), size: size?, token: token? })
    };
    let lists: Vec<_> = Action::ALL.iter().filter_map(pages).collect();
    let tokens = anatomy.calls.iter().filter(|it| anatomy::number(&it.takes, "page_token").is_some());
    assert!(tokens.count() <= lists.len() && 20 <= lists.len());
    lists
}

/// Has two of everything that there is a list of, for the owner or for the administrator. The jobs of the things are those that
/// delete them, which nobody does.
async fn fill(cast: &Cast, [one, two]: [&mut Things; 2]) {
    let ([.., owner, admin], app) = (&cast.people, &cast.app);
    let (mut contents, workcenter_id) = (app.contents(), one.workcenter.to_string());
    let version = pb::UploadDocumentMetadata { document_id: one.document.to_string(), ..content::announced(b"more") };
    contents.upload_document(by(&owner.token, stream::iter(content::messages(version, b"more", 4)))).await.unwrap();
    let task = Some(pb::Task { title: "Sand".to_owned(), ..Default::default() });
    let task = pb::CreateTaskRequest { workcenter_id: workcenter_id.clone(), task, ..Default::default() };
    contents.create_task(by(&owner.token, task)).await.unwrap();
    let text = "More".to_owned();
    let post = pb::CreatePostRequest { workcenter_id, text: text.clone(), ..Default::default() };
    contents.create_post(by(&owner.token, post)).await.unwrap();
    let subject = pb::comment_subject::Subject::DocumentId(one.document.to_string());
    let subject = Some(pb::CommentSubject { subject: Some(subject) });
    let comment = pb::CreateCommentRequest { subject, text, ..Default::default() };
    contents.create_comment(by(&owner.token, comment)).await.unwrap();
    for things in [&mut *one, two] {
        let items = [things.document, things.folder].map(|id| pb::BulkItem {
            item: Some(match id == things.document {
                true => pb::bulk_item::Item::DocumentId(id.to_string()),
                false => pb::bulk_item::Item::FolderId(id.to_string()),
            }),
            ..Default::default()
        });
        let delete = pb::BulkDeleteRequest { items: items.to_vec(), ..Default::default() };
        let deleted = contents.bulk_delete(by(&owner.token, delete)).await.unwrap().into_inner();
        things.job = deleted.job.unwrap().job_id.parse().unwrap();
    }
    for title in ["Foreman", "Engineer"] {
        let profile = Some(pb::Profile { job_title: title.to_owned(), ..Default::default() });
        let update_mask = Some(mask(&["job_title"]));
        let change = pb::UpdateProfileRequest { profile, update_mask, ..Default::default() };
        app.profiles().update_profile(by(&owner.token, change)).await.unwrap();
    }
    let sign_in = pb::SignInRequest { email: owner.email.clone(), password: PASSWORD.to_owned() };
    app.sessions().sign_in(Request::new(sign_in)).await.unwrap();
    let elsewhere = app.account("Tender Works").await.id;
    let both = format!(
        "insert into member (account_id, user_id, role, created_at) values ('{elsewhere}', '{}', 'ADMINISTRATOR', now());
        insert into suppressed_address (email_key, reason) select email_key, 'unknown' from person limit 50;
        update mail set state = 'FAILED', ended_at = now(), reply = '550 5.1.1 unknown' from invite
            where mail.id = invite.mail_id;",
        admin.id
    );
    app.client().await.batch_execute(&both).await.unwrap();
    app.daemon(None).step(Sweep::Housekeeping, app.now().await).await.unwrap();
}

/// What is made of a token that is no token.
fn spoilt(token: &str, other: &str) -> Vec<String> {
    let mut spoilt = vec![
        " ".to_owned(),
        "\0".to_owned(),
        "=".to_owned(),
        "null".to_owned(),
        "0".to_owned(),
        format!("{token}="),
        format!("{token}A"),
        format!(" {token}"),
        token.to_lowercase(),
        token[..token.len() - 1].to_owned(),
        token[..token.len() / 2].to_owned(),
        token[..1].to_owned(),
        // The seal alone, and what is sealed alone.
        token[..43].to_owned(),
        token[43..].to_owned(),
        token.repeat(1_000),
        other.to_owned(),
    ];
    let content = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
    // The first and the last bit of the seal, of the list, of the end and of the place.
    let few = [0, 31, 32, 63, 64, 71, 72, content.len() - 1];
    let places = if full() { (0..content.len()).collect() } else { few.to_vec() };
    for at in places {
        let mut changed = content.clone();
        changed[at] ^= if at % 2 == 0 { 0x80 } else { 1 };
        spoilt.push(BASE64_URL_SAFE_NO_PAD.encode(changed));
    }
    spoilt
}

/// The same request with another argument: each that can be told from it by its kind alone, and another thing's.
fn others(list: &List, two: &Things) -> Vec<Vec<u8>> {
    let mut others = vec![two.request(list.action)];
    for field in &list.call.takes.field {
        let number = field.number().try_into().unwrap();
        let is_paging = [list.size, list.token].contains(&number);
        match field.r#type() {
            _ if is_paging || has_length(field) => {}
            Type::Enum => others.extend((1..4).map(|it| [list.base.clone(), anatomy::varint(number, it)].concat())),
            _ => others.push([list.base.clone(), anatomy::varint(number, 1)].concat()),
        }
    }
    others.retain(|it| *it != list.base);
    others
}

/// A list with more than one page, who asks for it, and the token of the second.
struct Known<'a> {
    list: List<'a>,
    who: &'a Person,
    token: String,
}

impl Known<'_> {
    async fn page(&self, channel: &Channel, request: &[u8], size: u64, token: &str) -> Answer {
        self.list.page(channel, self.who, request, size, token).await
    }

    /// The tokens made of this one that are not refused.
    async fn spoilt(&self, channel: &Channel, other: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for bad in spoilt(&self.token, other) {
            let answer = self.page(channel, &self.list.base, 1, &bad).await;
            if !is_refused(&answer) {
                wrong.push(format!("{:?} by {bad:.100}: {answer:?}", self.list.action));
            }
        }
        wrong
    }

    /// The other requests that are not refused with this token, and how many are.
    async fn rebound(&self, channel: &Channel, two: &Things) -> (Vec<String>, usize) {
        let (mut wrong, mut refused) = (Vec::new(), 0);
        let all = self.page(channel, &self.list.base, 200, "").await.unwrap().0;
        for other in others(&self.list, two) {
            let plain = self.page(channel, &other, 200, "").await;
            let answer = self.page(channel, &other, 1, &self.token).await;
            refused += usize::from(is_refused(&answer));
            let is_good = match &plain {
                // Some say what is so anyway.
                Ok((rows, _)) => is_refused(&answer) || *rows == all,
                Err(_) => answer.is_err(),
            };
            if !is_good {
                wrong.push(format!("{:?} of other arguments: {answer:?}", self.list.action));
            }
        }
        (wrong, refused)
    }

    /// Whether `thief` sees nothing by this token that they do not see without.
    async fn is_no_right(&self, channel: &Channel, thief: &Person) -> bool {
        let all = self.list.page(channel, thief, &self.list.base, 200, "").await;
        let answer = self.list.page(channel, thief, &self.list.base, 200, &self.token).await;
        match (&all, &answer) {
            (Ok(all), Ok(stolen)) => stolen.0.is_subset(&all.0),
            (Ok(_), Err(_)) => is_refused(&answer),
            (Err(without), Err(with)) => {
                is_refused(&answer) || (without.code(), reason(without)) == (with.code(), reason(with))
            }
            (Err(_), Ok(_)) => false,
        }
    }
}

/// Every list with the token of its second page.
async fn known<'a>(channel: &Channel, lists: Vec<List<'a>>, people: [&'a Person; 2]) -> Vec<Known<'a>> {
    let mut known = Vec::new();
    for list in lists {
        let mut tokens = Vec::new();
        for who in people {
            let first = list.page(channel, who, &list.base, 1, "").await;
            tokens.extend(first.ok().map(|it| (who, it.1)).filter(|it| !it.1.is_empty()));
        }
        let Some((who, token)) = tokens.into_iter().next() else { panic!("{:?} has one page", list.action) };
        known.push(Known { list, who, token });
    }
    known
}

#[tokio::test]
async fn a_page_token_that_is_not_of_the_page_before_is_refused_in_every_list_and_shows_nobody_more() {
    let cast = Cast::assemble().await;
    let (mut one, mut two) = (cast.things().await, cast.things().await);
    fill(&cast, [&mut one, &mut two]).await;
    let siege = Siege::server(&cast).await;
    let channel = &siege.channel;
    let (anatomy, [.., owner, admin]) = (Anatomy::read(), &cast.people);
    let link = Link { user: owner.id, account: one.account, scope: Scope::Account };
    let link = link.seal(cast.app.token_key(), Switch::Off);
    let all = known(channel, lists(&anatomy, &one), [owner, admin]).await;

    let (mut wrong, mut rebound) = (Vec::new(), 0);
    for it in &all {
        wrong.extend(it.spoilt(channel, &link).await);
        let (others, refused) = it.rebound(channel, &two).await;
        wrong.extend(others);
        rebound += refused;
        for thief in cast.people.iter().filter(|thief| thief.id != it.who.id) {
            if !it.is_no_right(channel, thief).await {
                wrong.push(format!("{:?} by {}, who has stolen it", it.list.action, thief.email));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(20 < rebound, "{rebound} requests were other ones");

    // One of another list is none of this.
    for (place, it) in all.iter().enumerate() {
        let others = (1..all.len()).map(|next| &all[(place + next) % all.len()]);
        for other in others.take(if full() { all.len() } else { 2 }) {
            let answer = it.page(channel, &it.list.base, 1, &other.token).await;
            // Two rules of one call may have the same list.
            let is_same = other.list.call.path == it.list.call.path;
            assert!(is_refused(&answer) || is_same, "{:?} by {:?}", it.list.action, other.list.action);
        }
    }
    // It is good for three days.
    let later = cast.app.now().await + jiff::SignedDuration::from_secs(3 * 24 * 3_600 + 1);
    cast.app.clock_at(&later.to_string()).await;
    for it in &all {
        let answer = it.page(channel, &it.list.base, 1, &it.token).await;
        assert!(is_refused(&answer), "{:?} by one that is too old: {answer:?}", it.list.action);
    }
}
