//! Who is let in by a certificate, and which service they are then.

use tokio::task::yield_now;
use tonic::{Code, Request, Status};
use workcenter::{
    auth::{Caller, Names},
    identity::Gate,
    ids,
    notice::{Notice, Notices},
    pb::{
        GetProfileRequest, JobScope, ListJobsRequest, WatchProfilesRequest, job_service_client::JobServiceClient,
        profile_service_client::ProfileServiceClient, watch_profiles_response::Event,
    },
};

use super::{Secure, spoken};
use crate::{
    authority::Authority,
    channel::Channel,
    harness::{App, reason},
    process::program::{CTL, Ended, ended},
};

/// Has the operator's tool bind `san` to the service with `key`.
async fn bound(app: &App, key: &str, san: &str) -> Ended {
    ended(CTL, &[("DATABASE_URL", app.database().url.expose()), ("SERVICE_KEY", key)], &["bind", san]).await
}

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

fn tells(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn who_is_not_vouched_for_is_not_let_in() {
    let secure = Secure::start(true).await;
    let name = &["reports.internal"];
    let expired = secure.authority.vouch_with(name, |it| it.not_after = rcgen::date_time_ymd(2020, 1, 1));
    let early = secure.authority.vouch_with(name, |it| it.not_before = rcgen::date_time_ymd(2090, 1, 1));
    let servers_own = secure.authority.vouch_with(name, |it| {
        it.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    for (what, own, says) in [
        ("nothing", None, "CertificateRequired"),
        ("another authority", Some(Authority::new().vouch(name)), "UnknownCA"),
        ("it is over", Some(expired), "CertificateExpired"),
        ("it has not begun", Some(early), "CertificateExpired"),
        ("it is for servers", Some(servers_own), "UnsupportedCertificate"),
    ] {
        let config = (*secure.trust(own.as_ref()).config()).clone();
        let refused = spoken(secure.connect(config).await).await.unwrap_err();
        assert!(refused.contains(says), "{what}: {refused}");
    }
    let own = secure.authority.vouch(name);
    spoken(secure.connect((*secure.trust(Some(&own)).config()).clone()).await).await.unwrap();
}

/// Asks for the jobs of an account, which a service may see that has `jobs.read`.
async fn jobs(
    channel: &Channel,
    account: &str,
    change: impl FnOnce(&mut Request<ListJobsRequest>),
) -> Result<(), Status> {
    let scope = JobScope::Account.into();
    let mut request = Request::new(ListJobsRequest { scope, account_id: account.to_owned(), ..Default::default() });
    change(&mut request);
    JobServiceClient::new(channel.clone()).list_jobs(request).await.map(|_| ())
}

fn with(header: &'static str, value: &str) -> impl FnOnce(&mut Request<ListJobsRequest>) + use<> {
    let value = value.parse().unwrap();
    move |request| drop(request.metadata_mut().insert(header, value))
}

#[tokio::test]
async fn a_certificate_stands_for_the_service_that_its_name_is_bound_to() {
    let secure = Secure::start(true).await;
    let app = &secure.app;
    let account = app.account("Pier Works").await;
    let id = account.id.to_string();
    let (reader, publisher) = (app.key(&["jobs.read"]).await, app.key(&["activity.publish"]).await);
    for (key, san) in [(&reader, "DNS:Reports.Internal"), (&publisher, "URI:spiffe://cluster/publisher")] {
        let Ended { code, out, err } = bound(app, key, san).await;
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    }
    let channel = |names: &[&str]| secure.channel_showing(&secure.authority.vouch(names));
    let reports = channel(&["REPORTS.internal", "10.0.0.7"]);
    jobs(&reports, &id, |_| {}).await.unwrap();

    let stranger = tells(Code::Unauthenticated, "CALLER_UNKNOWN");
    for (what, names, expected) in [
        ("a name that is bound to nothing", &["nobody.internal"][..], stranger.clone()),
        ("a part of the name", &["internal"], stranger.clone()),
        ("the name as a URI", &["dns://reports.internal"], stranger.clone()),
        ("no name", &[], stranger.clone()),
        ("the names of two services", &["reports.internal", "spiffe://cluster/publisher"], stranger),
        ("a service that may not", &["spiffe://cluster/publisher"], tells(Code::PermissionDenied, "NOT_ALLOWED")),
    ] {
        let refused = jobs(&channel(names), &id, |_| {}).await.unwrap_err();
        assert_eq!(told(&refused), expected, "{what}");
    }

    // What a call says of itself goes before.
    let nobody = channel(&["nobody.internal"]);
    jobs(&nobody, &id, with("authorization", &format!("Bearer {reader}"))).await.unwrap();
    let both = jobs(&reports, &id, with("authorization", &format!("Bearer {publisher}"))).await.unwrap_err();
    assert_eq!(told(&both), tells(Code::PermissionDenied, "NOT_ALLOWED"));
    // A name is no key, though whoever has it was let in just now.
    for token in ["DNS:reports.internal", "certificate\tDNS:reports.internal"] {
        let named = jobs(&nobody, &id, with("authorization", &format!("Bearer {token}"))).await.unwrap_err();
        assert_eq!(told(&named), tells(Code::Unauthenticated, "SESSION_INVALID"), "{token}");
    }
}

#[tokio::test]
async fn a_service_that_is_known_by_its_certificate_acts_for_people_as_one_with_a_key_does() {
    let secure = Secure::start(true).await;
    let app = &secure.app;
    let account = app.account("Pier Works").await;
    let (actor, reader) = (app.key(&["act"]).await, app.key(&["jobs.read"]).await);
    assert_eq!(bound(app, &actor, "DNS:gateway.internal").await.code, Some(0));
    assert_eq!(bound(app, &reader, "DNS:reports.internal").await.code, Some(0));
    let acting = async |name: &str, whom: &str| {
        let channel = secure.channel_showing(&secure.authority.vouch(&[name]));
        let mut request = Request::new(GetProfileRequest { user_id: "me".to_owned() });
        request.metadata_mut().insert("x-on-behalf-of", whom.parse().unwrap());
        let answer = ProfileServiceClient::new(channel).get_profile(request).await;
        answer.map(|it| it.into_inner().profile.unwrap().user_id)
    };
    let ada = account.admin.id.to_string();
    assert_eq!(acting("gateway.internal", &ada).await.unwrap(), ada);
    for (name, whom, code, why) in [
        ("reports.internal", &ada, Code::PermissionDenied, "NOT_ALLOWED"),
        ("nobody.internal", &ada, Code::Unauthenticated, "CALLER_UNKNOWN"),
        ("gateway.internal", &ids::new().to_string(), Code::NotFound, "USER_NOT_FOUND"),
        ("gateway.internal", &"ada".to_owned(), Code::InvalidArgument, "FIELD_INVALID"),
    ] {
        assert_eq!(told(&acting(name, whom).await.unwrap_err()), tells(code, why), "{name} for {whom}");
    }
}

#[tokio::test]
async fn a_stream_that_looks_again_knows_the_certificate_still() {
    let secure = Secure::start(true).await;
    let account = secure.app.account("Pier Works").await;
    let key = secure.app.key(&["profiles.read"]).await;
    assert_eq!(bound(&secure.app, &key, "DNS:directory.internal").await.code, Some(0));
    let channel = secure.channel_showing(&secure.authority.vouch(&["directory.internal"]));
    let request = WatchProfilesRequest { account_id: account.id.to_string(), ..Default::default() };
    let mut words = ProfileServiceClient::new(channel).watch_profiles(request).await.unwrap().into_inner();
    let mut profiles = async || {
        let mut profiles = 0;
        while let Some(word) = words.message().await.unwrap() {
            match word.event.unwrap() {
                Event::CaughtUp(_) => break,
                _ => profiles += 1,
            }
        }
        profiles
    };
    assert_eq!(profiles().await, 1);
    secure.app.person(&account, "bob@example.com", "Bob", "Byron").await;
    assert_eq!(profiles().await, 1);
}

#[tokio::test]
async fn what_is_bound_ends_with_its_key_and_when_it_is_taken_back_which_all_servers_hear() {
    let app = App::start().await;
    let key = app.key(&["jobs.read"]).await;
    let san = "DNS:reports.internal";
    let names = Names([san.to_owned()].into());
    let first = bound(&app, &key, san).await;
    assert_eq!(
        (first.code, first.out.starts_with("DNS:reports.internal is the service ")),
        (Some(0), true),
        "{first:?}"
    );
    for (key, san, says) in [
        (key.as_str(), san, "san: must not be bound to a service already"),
        (&app.key(&["act"]).await, san, "san: must not be bound to a service already"),
        ("wck_nothing", "DNS:another.internal", "key: must be a service's key that is in force"),
        (&key, "reports.internal", "san: must look like DNS:reports.internal"),
    ] {
        let Ended { code, out, err } = bound(&app, key, san).await;
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.contains(says), "{err}");
    }

    let notices = Notices::listen(app.database()).await.unwrap();
    let mut ear = notices.ear();
    let gate = Gate::new(app.pool().clone(), &notices);
    let headers = http::HeaderMap::new();
    let Caller::Service { key_id, .. } = gate.admit(&headers, &names).await.unwrap() else { panic!("it is a service") };
    let unbind = ["unbind", "DNS:REPORTS.internal"];
    let url = [("DATABASE_URL", app.database().url.expose())];
    assert_eq!(ended(CTL, &url, &unbind).await.out, format!("{san} is the service {key_id} no more\n"));
    while ear.hear().await != Notice::Session(key_id) {}
    // The gate has heard it too, and now has its turn.
    yield_now().await;
    assert_eq!(gate.admit(&headers, &names).await.unwrap(), Caller::Anonymous);
    assert_eq!(ended(CTL, &url, &unbind).await.out, format!("{san} is no service\n"));

    // It may be bound again, and what was is kept.
    assert_eq!(bound(&app, &key, san).await.code, Some(0));
    let gate = Gate::new(app.pool().clone(), &notices);
    assert!(matches!(gate.admit(&headers, &names).await.unwrap(), Caller::Service { .. }));
    let client = app.client().await;
    let rows = "select count(*), count(ended_at) from service_certificate";
    let row = client.query_one(rows, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 1));
    client.batch_execute("update service_key set ended_at = now()").await.unwrap();
    let gate = Gate::new(app.pool().clone(), &notices);
    assert_eq!(gate.admit(&headers, &names).await.unwrap(), Caller::Anonymous);
}
