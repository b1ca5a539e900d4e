//! Whom each call refuses, and how: every call there is, by every kind of caller.

pub mod cast;
mod provisioning;
mod ranks;
pub mod raw;
mod reasons;
mod said;
pub mod table;
pub mod things;
mod walk;

use std::collections::BTreeSet;

use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use workcenter::{access::Action, error::DOMAIN, pb};

use self::{
    table::{Answer, Told},
    things::Things,
};
use crate::harness::App;

/// The call of `action`, as whoever the metadata says.
async fn call(app: &App, action: Action, message: Vec<u8>, metadata: &[(&'static str, &str)]) -> Result<(), Status> {
    let mut request = Request::new(message);
    for (name, value) in metadata {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    raw::open(app.channel(), &format!("/workcenter.v1.{}", action.path()), request).await.map(|_| ())
}

/// The code and the reason of a refusal, which carries exactly one reason, in our domain.
fn refusal(answer: &Result<(), Status>) -> (Code, String) {
    let status = answer.as_ref().expect_err("is refused");
    let details = status.get_error_details_vec();
    let info = |it| match it {
        tonic_types::ErrorDetail::ErrorInfo(info) => Some(info),
        _ => None,
    };
    let infos: Vec<_> = details.into_iter().filter_map(info).collect();
    let [info] = infos.as_slice() else { panic!("{} reasons in {status:?}", infos.len()) };
    assert_eq!(info.domain, DOMAIN);
    (status.code(), info.reason.clone())
}

fn refused(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

#[test]
fn every_call_has_a_rule_and_every_rule_a_call() {
    let files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap().file;
    let ours = files.iter().filter(|it| it.package() == "workcenter.v1");
    let services = ours.flat_map(|it| &it.service);
    let calls: BTreeSet<_> = services
        .flat_map(|service| service.method.iter().map(|method| format!("{}/{}", service.name(), method.name())))
        .collect();
    let ruled: BTreeSet<_> = Action::ALL.iter().map(|it| it.path().to_owned()).collect();
    assert_eq!(calls, ruled);
    assert!(20 < calls.len());
}

#[tokio::test]
async fn who_does_not_say_who_they_are_is_asked_to_sign_in_before_anything_they_send_is_read() {
    let app = App::start().await;
    for &action in Action::ALL {
        let told = Action::ALL.iter().filter(|it| it.path() == action.path()).map(|it| Told::of(*it).nobody);
        let is_closed = told.into_iter().all(|it| it == Answer::NoCaller);
        let answer = call(&app, action, Vec::new(), &[]).await;
        let is_asked = answer.is_err() && refusal(&answer) == refused(Code::Unauthenticated, "CALLER_UNKNOWN");
        assert_eq!(is_asked, is_closed, "{action:?} of nothing");
    }
}

#[tokio::test]
async fn a_token_that_was_made_up_is_told_so_wherever_it_is_shown() {
    let app = App::start().await;
    let things = Things::nowhere();
    let unknown = format!("wcs_{}", "A".repeat(43));
    let key = format!("wck_{}", "A".repeat(43));
    for &action in Action::ALL {
        for authorization in
            [format!("Bearer {unknown}"), format!("Bearer {key}"), "Bearer x".into(), "Basic eDp5".into()]
        {
            let answer = call(&app, action, things.request(action), &[("authorization", &authorization)]).await;
            let want = refused(Code::Unauthenticated, "SESSION_INVALID");
            assert_eq!(refusal(&answer), want, "{action:?} with {authorization}");
        }
    }
}
