//! How messages are read off the wire and written to it.
//!
//! They are prost's, but for one guard before they are read: two bytes of a request can ask for a value of hundreds, and
//! four megabytes of such for a gigabyte, before any code of ours could count them. So they are counted first.

use std::{collections::HashMap, marker::PhantomData, sync::LazyLock};

use prost::{
    Message, Name,
    bytes::Buf,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use prost_types::{DescriptorProto, FileDescriptorSet};
use tonic::{
    Status,
    codec::{self, BufferSettings, DecodeBuf},
};
use tonic_prost::{ProstCodec, ProstEncoder};

use super::DESCRIPTORS;

/// Values of a message at most, those not counted that stand in others: four times as many as any call takes.
const VALUES_MAX: usize = 4_096;

/// Values of a request at most, with all that stand in others: a thousand events with fifty addressees have two thirds.
const ALL_MAX: usize = 1 << 18;

/// How deep messages are looked into: ours are nowhere near, and what is deeper is refused by who reads it.
const DEPTH_MAX: usize = 32;

/// Bytes that a call, or a stream for as long as it lasts, has at hand before it says or hears anything: room for what is
/// small. For what is not, as much is made as it takes.
const AT_HAND: usize = 512;

/// Bytes of messages that are ready at the same time and go out together. Source: tonic's own default.
const TOGETHER: usize = 32 << 10;

/// Of each message, the fields that are messages, and which.
static INNER: LazyLock<HashMap<String, HashMap<u32, String>>> = LazyLock::new(|| {
    // What was compiled here can be read, and a test looks whether it says anything.
    let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default().file;
    let mut inner = HashMap::new();
    for file in &files {
        for message in &file.message_type {
            note(file.package(), message, &mut inner);
        }
    }
    inner
});

fn note(parent: &str, message: &DescriptorProto, into: &mut HashMap<String, HashMap<u32, String>>) {
    let name = format!("{parent}.{}", message.name());
    for nested in &message.nested_type {
        note(&name, nested, into);
    }
    // The names of types begin with a dot; those of enums are none of a message and are never looked up by bytes.
    let inner = message
        .field
        .iter()
        .filter_map(|it| Some((u32::try_from(it.number()).ok()?, it.type_name().strip_prefix('.')?.to_owned())));
    into.insert(name, inner.collect());
}

/// Writes `T` and reads `U`.
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Decoder<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::new(AT_HAND, TOGETHER))
    }

    fn decoder(&mut self) -> Decoder<U> {
        Decoder(PhantomData)
    }
}

/// Reads `U`.
pub struct Decoder<U>(PhantomData<U>);

impl<U: Message + Name + Default> codec::Decoder for Decoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, wire: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // None of it is copied.
        let message = wire.copy_to_bytes(wire.remaining());
        // What a server answers is not counted. Requests are called so: buf sees to it.
        if U::NAME.ends_with("Request") && is_crowded(&U::full_name(), &message, DEPTH_MAX, &mut 0) {
            return Err(Status::out_of_range("the request has more values than any may have"));
        }
        U::decode(message).map(Some).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(AT_HAND, TOGETHER)
    }
}

/// Whether a message called `name`, or one that stands in it, has more values than any may have, or all of them have; `all`
/// counts these. Of what cannot be read, that is left to who reads it.
fn is_crowded(name: &str, mut message: &[u8], depth: usize, all: &mut usize) -> bool {
    let inner = INNER.get(name);
    let mut own = 0;
    while depth > 0 && !message.is_empty() {
        own += 1;
        *all += 1;
        if VALUES_MAX < own || ALL_MAX < *all {
            return true;
        }
        let Some((number, value)) = first(&mut message) else { return false };
        let name = inner.and_then(|it| it.get(&number));
        if let (Some(name), Some(value)) = (name, value)
            && is_crowded(name, value, depth - 1, all)
        {
            return true;
        }
    }
    false
}

/// Takes the first value off a message: its number, and its bytes if it has a length.
fn first<'a>(message: &mut &'a [u8]) -> Option<(u32, Option<&'a [u8]>)> {
    let (number, kind) = decode_key(message).ok()?;
    if kind != WireType::LengthDelimited {
        skip_field(kind, number, message, DecodeContext::default()).ok()?;
        return Some((number, None));
    }
    let length = usize::try_from(decode_varint(message).ok()?).ok()?;
    let (value, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some((number, Some(value)))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{BatchCreateInvitesRequest, InviteRow, InvitedWorkCenter},
        *,
    };

    /// Whether a request with so many rows, each with so many WorkCenters, is crowded.
    fn crowded(rows: usize, workcenters: usize) -> bool {
        let workcenters = vec![InvitedWorkCenter::default(); workcenters];
        let rows = vec![InviteRow { workcenters, ..Default::default() }; rows];
        let request = BatchCreateInvitesRequest { rows, ..Default::default() };
        let name = BatchCreateInvitesRequest::full_name();
        is_crowded(&name, &request.encode_to_vec(), DEPTH_MAX, &mut 0)
    }

    #[test]
    fn a_request_is_crowded_by_what_repeats_in_it_or_in_what_stands_in_it_and_by_all_of_that() {
        assert!(!crowded(1, 0));
        assert!(!crowded(VALUES_MAX, 0));
        assert!(crowded(VALUES_MAX + 1, 0));
        assert!(!crowded(2, VALUES_MAX));
        assert!(crowded(2, VALUES_MAX + 1));
        assert!(!crowded(1_000, 200));
        assert!(crowded(1_000, 300));
    }

    #[test]
    fn bytes_that_look_like_values_are_none_and_what_cannot_be_read_is_not_crowded() {
        let name = super::super::UploadPictureRequest::full_name();
        let chunk = [0x0a, 0].repeat(VALUES_MAX + 1);
        let chunk = [&[0x12, 0x82, 0x40][..], &chunk].concat();
        assert!(!is_crowded(&name, &chunk, DEPTH_MAX, &mut 0));
        assert!(!is_crowded(&name, &[0xff], DEPTH_MAX, &mut 0));
    }
}
