//! Messages by their descriptors, so that a call that is new is abused like all others.

use std::collections::HashMap;

use prost::{
    Message,
    encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint},
};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use workcenter::pb;

/// A call, and what its messages are made of.
pub struct Call {
    /// Its service and its name.
    pub path: String,
    pub takes: DescriptorProto,
    pub gives: DescriptorProto,
}

/// Every call and every message that there is.
pub struct Anatomy {
    pub calls: Vec<Call>,
    messages: HashMap<String, DescriptorProto>,
}

impl Anatomy {
    pub fn read() -> Self {
        let files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap().file;
        let mut messages = HashMap::new();
        for file in &files {
            for message in &file.message_type {
                name(&format!(".{}", file.package()), message, &mut messages);
            }
        }
        let ours = files.iter().filter(|it| it.package() == "workcenter.v1");
        let calls = ours.flat_map(|it| &it.service).flat_map(|service| {
            service.method.iter().map(|method| Call {
                path: format!("{}/{}", service.name(), method.name()),
                takes: messages[method.input_type()].clone(),
                gives: messages[method.output_type()].clone(),
            })
        });
        Self { calls: calls.collect(), messages }
    }

    /// The message that `field` is, if it is one.
    pub fn message(&self, field: &FieldDescriptorProto) -> Option<&DescriptorProto> {
        self.messages.get(field.type_name())
    }
}

/// Notes `message`, and those that stand in it, under their names.
fn name(parent: &str, message: &DescriptorProto, into: &mut HashMap<String, DescriptorProto>) {
    let full = format!("{parent}.{}", message.name());
    for nested in &message.nested_type {
        name(&full, nested, into);
    }
    into.insert(full, message.clone());
}

pub fn is_repeated(field: &FieldDescriptorProto) -> bool {
    field.label() == Label::Repeated
}

/// Whether a value of `field` has a length before it.
pub fn has_length(field: &FieldDescriptorProto) -> bool {
    matches!(field.r#type(), Type::String | Type::Bytes | Type::Message)
}

/// The number of the field of `message` that is called `name`.
pub fn number(message: &DescriptorProto, name: &str) -> Option<u32> {
    let field = message.field.iter().find(|it| it.name() == name)?;
    u32::try_from(field.number()).ok()
}

/// A field with bytes in it.
pub fn bytes(field: u32, value: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    encode_key(field, WireType::LengthDelimited, &mut wire);
    encode_varint(value.len() as u64, &mut wire);
    wire.extend_from_slice(value);
    wire
}

/// A field with a number in it.
pub fn varint(field: u32, value: u64) -> Vec<u8> {
    let mut wire = Vec::new();
    encode_key(field, WireType::Varint, &mut wire);
    encode_varint(value, &mut wire);
    wire
}

/// The beginning of a group, which is what was there before messages were.
pub fn group(field: u32) -> Vec<u8> {
    let mut wire = Vec::new();
    encode_key(field, WireType::StartGroup, &mut wire);
    wire
}

/// What stands in `field` of a message, wherever it has bytes in it.
pub fn found(field: u32, message: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut all) = (message, Vec::new());
    while !rest.is_empty() {
        let (number, kind) = decode_key(&mut rest).unwrap();
        let length = match kind {
            WireType::Varint => {
                decode_varint(&mut rest).unwrap();
                continue;
            }
            WireType::LengthDelimited => usize::try_from(decode_varint(&mut rest).unwrap()).unwrap(),
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::StartGroup | WireType::EndGroup => panic!("nobody sends groups"),
        };
        let (value, after) = rest.split_at(length);
        if number == field {
            all.push(value.to_vec());
        }
        rest = after;
    }
    all
}
