//! The state of an upload: what was announced, and what has come of it. Every step looks whether it can still be right.
//!
//! ```text
//!   metadata ─▶ chunk … chunk ─▶ end: a file that is what was announced
//!       └──────────┴──────────────┴─▶ the first thing that cannot be: nothing is kept
//! ```

use bytes::Bytes;
use squares::Crop;

use crate::{
    error::{Error, Reason, Result, Violation, Violations},
    pb::{PictureMetadata, upload_picture_request::Part},
    secret::{Digester, Hash},
};

/// Bytes of a file: what phones make of twelve megapixels has four to eight million.
pub(super) const FILE_BYTES_MAX: usize = 10 << 20;

/// Bytes of a chunk: what fits beside its frame into the largest message of this service.
pub(super) const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Bytes of a message: a chunk, and room for what frames it.
pub const MESSAGE_BYTES_MAX: usize = CHUNK_BYTES_MAX + (64 << 10);

/// What is about to come.
#[derive(Debug)]
struct Announced {
    bytes: usize,
    digest: Hash,
    crop: Option<Crop>,
}

/// An upload that is under way. Public for the fuzz target alone, which compares it with a plainer model.
#[derive(Default)]
pub struct Upload {
    announced: Option<Announced>,
    file: Vec<u8>,
    digester: Digester,
}

/// A file that came whole.
pub struct File {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What to show of it.
    pub crop: Option<Crop>,
}

impl Upload {
    /// Takes the next message.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] as soon as the upload cannot be completed any more.
    pub fn take(&mut self, part: Option<Part>) -> Result<()> {
        match (part, &self.announced) {
            (Some(Part::Metadata(metadata)), None) => {
                let announced = read(&metadata)?;
                self.file.reserve_exact(announced.bytes);
                self.announced = Some(announced);
                Ok(())
            }
            (Some(Part::Metadata(_)), Some(_)) => {
                Err(Violation::new("metadata", "must be the first message alone").into())
            }
            (Some(Part::Chunk(_)), None) => Err(Violation::new("metadata", "must be the first message").into()),
            (Some(Part::Chunk(chunk)), Some(announced)) => {
                let left = announced.bytes - self.file.len();
                self.grow(&chunk, left)
            }
            (None, _) => Err(Violation::new("part", "must be metadata or a chunk").into()),
        }
    }

    fn grow(&mut self, chunk: &Bytes, left: usize) -> Result<()> {
        if chunk.len() > CHUNK_BYTES_MAX {
            return Err(Violation::new("chunk", format!("must have at most {CHUNK_BYTES_MAX} bytes")).into());
        }
        if chunk.len() > left {
            let rule = "must not go beyond the announced size";
            return Err(Violation::new("chunk", rule).because(Reason::PictureSizeMismatch).into());
        }
        self.digester.update(chunk);
        self.file.extend_from_slice(chunk);
        Ok(())
    }

    /// Takes the end of the stream, and gives the file.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when it is not what was announced.
    pub fn end(self) -> Result<File> {
        let Some(announced) = self.announced else {
            return Err(Violation::new("metadata", "is required").into());
        };
        if self.file.len() != announced.bytes {
            let rule = format!("was announced, and {} bytes came", self.file.len());
            return Err(Violation::new("metadata.size_bytes", rule).because(Reason::PictureSizeMismatch).into());
        }
        if self.digester.finish() != announced.digest {
            let rule = "must be the SHA-256 of the bytes that come";
            return Err(Violation::new("metadata.sha256", rule).because(Reason::PictureChecksum).into());
        }
        Ok(File { bytes: self.file, crop: announced.crop })
    }
}

/// Reads what is announced. The declared media type is advice that nobody needs: the content decides.
fn read(metadata: &PictureMetadata) -> Result<Announced> {
    let mut violations = Violations::default();
    let bytes = violations.take(match usize::try_from(metadata.size_bytes) {
        Ok(bytes @ 1..=FILE_BYTES_MAX) => Ok(bytes),
        Ok(1..) => {
            let rule = format!("must be at most {FILE_BYTES_MAX}");
            Err(Violation::new("metadata.size_bytes", rule).because(Reason::PictureTooLarge))
        }
        _ => Err(Violation::new("metadata.size_bytes", "must be the number of bytes that come")),
    });
    let digest = metadata.sha256.as_ref().try_into();
    let digest = violations.take(digest.map_err(|_length| Violation::new("metadata.sha256", "must have 32 bytes")));
    let crop = metadata.crop.as_ref().map(|crop| {
        let length = |field, length, least| match u32::try_from(length) {
            Ok(length) if length >= least => Ok(length),
            _ => Err(Violation::new(format!("metadata.crop.{field}"), format!("must be {least} or more"))),
        };
        let left = violations.take(length("left", crop.left, 0));
        let top = violations.take(length("top", crop.top, 0));
        let side = violations.take(length("side", crop.side, 1));
        Some(Crop { left: left?, top: top?, side: side? })
    });
    violations.none()?;
    match (bytes, digest) {
        (Some(bytes), Some(digest)) => Ok(Announced { bytes, digest, crop: crop.flatten() }),
        _ => Err(Error::internal("what is missing was noted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::PictureCrop;

    fn metadata(file: &[u8]) -> PictureMetadata {
        let mut digester = Digester::default();
        digester.update(file);
        PictureMetadata {
            content_type: "image/jpeg".to_owned(),
            size_bytes: file.len() as i64,
            sha256: digester.finish().to_vec().into(),
            crop: None,
        }
    }

    /// Where an upload of these messages fails and why, or the file.
    fn upload(parts: Vec<Option<Part>>) -> Result<Vec<u8>, (usize, Reason)> {
        let mut upload = Upload::default();
        for (at, part) in parts.into_iter().enumerate() {
            upload.take(part).map_err(|error| (at, error.reason()))?;
        }
        upload.end().map(|it| it.bytes).map_err(|error| (usize::MAX, error.reason()))
    }

    fn announced(metadata: PictureMetadata) -> Option<Part> {
        Some(Part::Metadata(metadata))
    }

    fn chunk(bytes: &'static [u8]) -> Option<Part> {
        Some(Part::Chunk(Bytes::from_static(bytes)))
    }

    #[test]
    fn a_file_is_what_its_chunks_are_together_however_they_are_cut() {
        for cuts in [vec![&b"picture"[..]], vec![b"pic", b"ture"], vec![b"", b"p", b"", b"icture", b""]] {
            let mut parts = vec![announced(metadata(b"picture"))];
            parts.extend(cuts.into_iter().map(chunk));
            assert_eq!(upload(parts), Ok(b"picture".to_vec()));
        }
    }

    #[test]
    fn an_upload_fails_at_the_first_message_that_cannot_be_right() {
        let good = || announced(metadata(b"picture"));
        let end = usize::MAX;
        let large = PictureMetadata { size_bytes: (FILE_BYTES_MAX + 1) as i64, ..metadata(b"picture") };
        for (parts, at, why) in [
            (vec![], end, Reason::FieldInvalid),
            (vec![chunk(b"picture")], 0, Reason::FieldInvalid),
            (vec![None], 0, Reason::FieldInvalid),
            (vec![good(), good()], 1, Reason::FieldInvalid),
            (vec![good(), chunk(b"pic")], end, Reason::PictureSizeMismatch),
            (vec![good(), chunk(b"picture"), chunk(b"s")], 2, Reason::PictureSizeMismatch),
            (vec![good(), chunk(b"Picture")], end, Reason::PictureChecksum),
            (vec![announced(large)], 0, Reason::PictureTooLarge),
            (vec![good(), chunk(&[0; CHUNK_BYTES_MAX + 1])], 1, Reason::FieldInvalid),
        ] {
            assert_eq!(upload(parts), Err((at, why)));
        }
    }

    #[test]
    fn all_that_is_wrong_with_what_is_announced_is_said_at_once() {
        let crop = Some(PictureCrop { left: -1, top: 0, side: 0 });
        let bad = PictureMetadata { size_bytes: 0, sha256: Bytes::from_static(b"short"), crop, ..Default::default() };
        let Err(Error::Invalid(violations)) = read(&bad) else { panic!("it is accepted") };
        let fields: Vec<_> = violations.iter().map(|it| it.field.as_str()).collect();
        let all = ["metadata.size_bytes", "metadata.sha256", "metadata.crop.left", "metadata.crop.side"];
        assert_eq!(fields, all);
    }
}
