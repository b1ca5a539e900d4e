//! What must hold of any messages of an upload: it ends as a plain model says, at the message that the model says.
//!
//! The model has all messages before it, as no server has, and reads the rules off the contract.

use bytes::Bytes;
use squares::Crop;
use workcenter::{
    error::{Error, Reason},
    pb::{PictureCrop, PictureMetadata, upload_picture_request::Part},
    profile::Upload,
    secret::Digester,
};

/// The limits of the contract: bytes of a file and of a chunk.
const FILE_BYTES_MAX: i64 = 10 << 20;
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Messages of an upload that is tried: more say nothing new.
const MESSAGES_MAX: usize = 64;

/// What large chunks are made of.
static ZEROS: [u8; 2 << 20] = [0; 2 << 20];

/// Reads messages off bytes, whatever they are.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// The messages. One that announces truly knows what follows it.
    fn messages(mut self) -> Vec<Option<Part>> {
        let mut messages = Vec::new();
        let mut announce = Vec::new();
        while !self.0.is_empty() && messages.len() < MESSAGES_MAX {
            let message = match self.byte() % 8 {
                0..=2 => {
                    let (chunk, rest) = self.0.split_at(usize::from(self.byte()).min(self.0.len()));
                    self.0 = rest;
                    Some(Part::Chunk(Bytes::copy_from_slice(chunk)))
                }
                3 => {
                    let length = (usize::from(self.byte()) << 13) + usize::from(self.byte() % 3);
                    Some(Part::Chunk(Bytes::from_static(&ZEROS[..length.min(ZEROS.len())])))
                }
                kind @ 4..=6 => {
                    announce.push((messages.len(), kind != 6));
                    Some(Part::Metadata(if kind == 6 { self.metadata() } else { PictureMetadata::default() }))
                }
                _ => None,
            };
            messages.push(message);
        }
        for (at, whole) in announce {
            truly(&mut messages, at, whole);
        }
        messages
    }

    /// What announces anything.
    fn metadata(&mut self) -> PictureMetadata {
        let length = |byte: u8| [-1, 0, 1, i32::from(byte), i32::MAX, i32::MIN][usize::from(byte) % 6];
        let size_bytes = match self.byte() {
            0 => FILE_BYTES_MAX,
            1 => FILE_BYTES_MAX + 1,
            2 => i64::MAX,
            3 => i64::MIN,
            4 => -1,
            byte => i64::from(byte) - 5,
        };
        // Of the right length and empty stands for the true one.
        let sha256 = match self.byte() % 4 {
            0 => Bytes::new(),
            1 => Bytes::from_static(&[7; 32]),
            2 => Bytes::from_static(&[7; 31]),
            _ => Bytes::from_static(&[7; 33]),
        };
        let mut sides = || length(self.byte());
        let crop = PictureCrop { left: sides(), top: sides(), side: sides() };
        let crop = self.byte().is_multiple_of(2).then_some(crop);
        PictureMetadata { content_type: "image/png".to_owned(), size_bytes, sha256, crop }
    }
}

/// Gives the metadata at `at` the digest of what follows it, and also its size.
fn truly(messages: &mut [Option<Part>], at: usize, whole: bool) {
    let mut digester = Digester::default();
    let mut size = 0;
    for message in &messages[at + 1..] {
        if let Some(Part::Chunk(chunk)) = message {
            digester.update(chunk);
            size += chunk.len();
        }
    }
    let Some(Part::Metadata(metadata)) = &mut messages[at] else { return };
    if metadata.sha256.is_empty() {
        metadata.sha256 = digester.finish().to_vec().into();
    }
    if whole {
        metadata.size_bytes = size as i64;
    }
}

/// How an upload ends: after how many messages, with which reason and fields; or with a file.
type Ending = Result<(Vec<u8>, Option<Crop>), (usize, Reason, Vec<String>)>;

fn refused(at: usize, reason: Reason, field: &str) -> Ending {
    Err((at, reason, vec![field.to_owned()]))
}

/// How the contract says that it ends.
fn expected(messages: &[Option<Part>]) -> Ending {
    let Some(first) = messages.first() else { return refused(0, Reason::FieldInvalid, "metadata") };
    let announced = match first {
        Some(Part::Metadata(metadata)) => metadata,
        Some(Part::Chunk(_)) => return refused(0, Reason::FieldInvalid, "metadata"),
        None => return refused(0, Reason::FieldInvalid, "part"),
    };
    wrong(announced)?;
    let mut file: Vec<u8> = Vec::new();
    for (at, message) in messages.iter().enumerate().skip(1) {
        match message {
            Some(Part::Chunk(chunk)) if CHUNK_BYTES_MAX < chunk.len() => {
                return refused(at, Reason::FieldInvalid, "chunk");
            }
            Some(Part::Chunk(chunk)) if announced.size_bytes < (file.len() + chunk.len()) as i64 => {
                return refused(at, Reason::PictureSizeMismatch, "chunk");
            }
            Some(Part::Chunk(chunk)) => file.extend_from_slice(chunk),
            Some(Part::Metadata(_)) => return refused(at, Reason::FieldInvalid, "metadata"),
            None => return refused(at, Reason::FieldInvalid, "part"),
        }
    }
    if announced.size_bytes != file.len() as i64 {
        return refused(messages.len(), Reason::PictureSizeMismatch, "metadata.size_bytes");
    }
    let mut digester = Digester::default();
    digester.update(&file);
    if digester.finish()[..] != announced.sha256[..] {
        return refused(messages.len(), Reason::PictureChecksum, "metadata.sha256");
    }
    let crop = announced.crop.as_ref();
    let crop = crop.map(|it| Crop { left: it.left as u32, top: it.top as u32, side: it.side as u32 });
    Ok((file, crop))
}

/// What is wrong with what is announced, all at once.
fn wrong(metadata: &PictureMetadata) -> Result<(), (usize, Reason, Vec<String>)> {
    let mut fields = Vec::new();
    if !(1..=FILE_BYTES_MAX).contains(&metadata.size_bytes) {
        fields.push("metadata.size_bytes".to_owned());
    }
    if metadata.sha256.len() != 32 {
        fields.push("metadata.sha256".to_owned());
    }
    if let Some(crop) = &metadata.crop {
        let lengths = [("left", crop.left, 0), ("top", crop.top, 0), ("side", crop.side, 1)];
        let bad = lengths.into_iter().filter(|(_, it, least)| it < least);
        fields.extend(bad.map(|(name, ..)| format!("metadata.crop.{name}")));
    }
    match fields.len() {
        0 => Ok(()),
        1 if FILE_BYTES_MAX < metadata.size_bytes => Err((0, Reason::PictureTooLarge, fields)),
        _ => Err((0, Reason::FieldInvalid, fields)),
    }
}

/// How it does end.
fn ending(messages: Vec<Option<Part>>) -> Ending {
    let said = |at: usize, error: Error| {
        let Error::Invalid(violations) = &error else { panic!("no caller's fault: {error:?}") };
        let fields = violations.iter().map(|it| it.field.clone()).collect();
        (at, error.reason(), fields)
    };
    let end = messages.len();
    let mut upload = Upload::default();
    for (at, message) in messages.into_iter().enumerate() {
        upload.take(message).map_err(|error| said(at, error))?;
    }
    let file = upload.end().map_err(|error| said(end, error))?;
    Ok((file.bytes, file.crop))
}

/// Tries the messages that `bytes` make; returns whether they made a file.
pub fn check(bytes: &[u8]) -> bool {
    let messages = Script(bytes).messages();
    let expected = expected(&messages);
    let taken = expected.is_ok();
    assert!(ending(messages) == expected, "expected {:?}", expected.map(|(file, crop)| (file.len(), crop)));
    taken
}
