//! Requests that repeat what may be repeated as often as their bytes allow, and that stand in each other without end: in every
//! call there is.

use prost_types::{DescriptorProto, FieldDescriptorProto};
use tonic::{Code, Status};

use super::{
    Siege,
    anatomy::{self, Anatomy, has_length, is_repeated},
    honest,
};
use crate::{
    access::{cast::Cast, raw},
    harness::{by, reason},
};

/// By how much one request may make memory grow, in mebibytes: sixteen times the largest that may come.
const GROWTH_MIB: u64 = 64;

/// Bytes of the largest request of any service, and of those of most; a kibibyte is left for the rest of it.
const SIZES: [usize; 3] = [(4 << 20) - 1_024, (1 << 20) - 1_024, (256 << 10) - 1_024];

/// How deep a field that repeats may stand in a request.
const DEPTH_MAX: usize = 3;

/// The number of a field that no message of ours has.
const NOWHERE: u32 = 2_000;

/// A field that may be repeated, and the messages that it stands in.
struct Wide {
    outer: Vec<u32>,
    field: FieldDescriptorProto,
}

impl Wide {
    /// Those of `message`, which stands in `outer`.
    fn all(anatomy: &Anatomy, message: &DescriptorProto, outer: &[u32]) -> Vec<Self> {
        let mut all = Vec::new();
        for field in &message.field {
            if is_repeated(field) {
                all.push(Self { outer: outer.to_vec(), field: field.clone() });
            }
            let inner = anatomy.message(field).filter(|_| outer.len() < DEPTH_MAX);
            let outer = [outer, &[field.number().try_into().unwrap()]].concat();
            all.extend(inner.into_iter().flat_map(|it| Self::all(anatomy, it, &outer)));
        }
        all
    }

    /// Repeats the least that it may be, in about `size` bytes.
    fn filled(&self, size: usize) -> Vec<u8> {
        let number = self.field.number().try_into().unwrap();
        let least = anatomy::bytes(number, b"");
        let many = if has_length(&self.field) {
            least.repeat(size / least.len())
        } else {
            anatomy::bytes(number, &vec![0; size])
        };
        self.outer.iter().rev().fold(many, |inner, it| anatomy::bytes(*it, &inner))
    }
}

/// Whether somebody was told what is wrong, by a service that is well.
fn is_told(answer: &Result<Vec<u8>, Status>) -> bool {
    let is_ill = |it: &Status| {
        matches!(
            it.code(),
            Code::Internal | Code::Unknown | Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded
        )
    };
    answer.as_ref().err().is_none_or(|it| !is_ill(it) && !reason(it).is_empty())
}

#[tokio::test]
async fn a_request_that_repeats_what_it_may_fills_no_memory_and_stops_no_work_of_others() {
    let cast = Cast::assemble().await;
    let things = cast.things().await;
    let siege = Siege::server(&cast).await;
    let anatomy = Anatomy::read();
    let ([.., contributor, owner, admin], publisher) = (&cast.people, &cast.keys[1]);
    let callers = [&owner.token, &admin.token, publisher];
    let mut worst = Vec::new();
    for call in &anatomy.calls {
        let Some(action) = workcenter::access::Action::ALL.iter().find(|it| it.path() == call.path) else { continue };
        let path = format!("/workcenter.v1.{}", call.path);
        for wide in Wide::all(&anatomy, &call.takes, &[]) {
            let harm = async {
                let mut answers = Vec::new();
                'callers: for token in callers {
                    for size in SIZES {
                        let request = [things.request(*action), wide.filled(size)].concat();
                        let answer = raw::call(siege.channel.clone(), &path, by(token, request)).await;
                        assert!(is_told(&answer), "{} of {}: {answer:?}", call.path, wide.field.name());
                        let told = answer.as_ref().err().map(|it| (it.code(), it.message().to_owned()));
                        answers.push(told.clone());
                        match told {
                            // By its bytes, and not by what they say.
                            Some((Code::ResourceExhausted, message)) if message.contains("length") => {}
                            Some((Code::PermissionDenied | Code::NotFound, _)) => break,
                            _ => break 'callers,
                        }
                    }
                }
                answers
            };
            let (answers, grown) = siege.grown(harm, honest(&siege, &contributor.token)).await;
            println!("{} {:?} {}: {grown} MiB, {answers:?}", call.path, wide.outer, wide.field.name());
            worst.push((grown, format!("{} {:?} {}", call.path, wide.outer, wide.field.name())));
        }
    }
    assert!(30 < worst.len());
    let too_much: Vec<_> = worst.into_iter().filter(|(grown, _)| GROWTH_MIB < *grown).collect();
    assert!(too_much.is_empty(), "{too_much:#?}");
}

#[tokio::test]
async fn a_request_of_messages_that_stand_in_each_other_without_end_is_malformed() {
    let cast = Cast::assemble().await;
    let siege = Siege::server(&cast).await;
    let [.., owner, _] = &cast.people;
    let deep = anatomy::group(NOWHERE).repeat(100_000);
    for call in &Anatomy::read().calls {
        let path = format!("/workcenter.v1.{}", call.path);
        let answer = raw::call(siege.channel.clone(), &path, by(&owner.token, deep.clone())).await;
        let told = answer.as_ref().err().map(|it| (it.code(), reason(it)));
        assert_eq!(told, Some((Code::InvalidArgument, "REQUEST_MALFORMED".to_owned())), "{}", call.path);
    }
}
