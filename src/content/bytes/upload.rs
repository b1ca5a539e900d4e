//! An upload on its way: what was announced, and whether what comes can still be that. It gives what has come in parts, and
//! keeps none.

use std::mem;

use crate::{
    blob::PART_BYTES,
    error::{Reason, Result, Violation},
    secret::{Digester, Hash},
};

/// Bytes of a document at most: what an hour brings over a slow line.
pub const DOCUMENT_BYTES_MAX: u64 = 1 << 30;

/// Bytes of a chunk: what fits beside its frame into the largest message of this service.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Bytes of a message: a chunk, and room for what frames it.
pub const MESSAGE_BYTES_MAX: usize = CHUNK_BYTES_MAX + (64 << 10);

/// What is left of an upload.
pub struct Upload {
    left: u64,
    digest: Option<Hash>,
    digester: Digester,
    part: Vec<u8>,
}

impl Upload {
    /// Expects `size` bytes that have the `digest`, where that is known.
    pub fn new(size: u64, digest: Option<Hash>) -> Self {
        let part = usize::try_from(size).unwrap_or(PART_BYTES).min(PART_BYTES);
        Self { left: size, digest, digester: Digester::default(), part: Vec::with_capacity(part) }
    }

    /// Takes the next chunk, and gives a part once one is full.
    ///
    /// # Errors
    ///
    /// The violation to report as soon as this cannot be what was announced any more.
    pub fn take(&mut self, chunk: &[u8]) -> Result<Option<Vec<u8>>, Violation> {
        if chunk.len() > CHUNK_BYTES_MAX {
            return Err(Violation::new("chunk", format!("must have at most {CHUNK_BYTES_MAX} bytes")));
        }
        let Some(left) = self.left.checked_sub(chunk.len() as u64) else {
            let rule = "must not go beyond the announced size";
            return Err(Violation::new("chunk", rule).because(Reason::DocumentMismatch));
        };
        self.left = left;
        self.digester.update(chunk);
        self.part.extend_from_slice(chunk);
        if self.part.len() < PART_BYTES {
            return Ok(None);
        }
        let rest = self.part.split_off(PART_BYTES);
        Ok(Some(mem::replace(&mut self.part, rest)))
    }

    /// Takes the end, and gives the last part, which may be empty.
    ///
    /// # Errors
    ///
    /// The violation to report when what came is not what was announced.
    pub fn end(self) -> Result<Vec<u8>, Violation> {
        if self.left > 0 {
            let rule = format!("was announced, and {} bytes of that did not come", self.left);
            return Err(Violation::new("metadata.size_bytes", rule).because(Reason::DocumentMismatch));
        }
        let digest = self.digester.finish();
        if self.digest.is_some_and(|it| it != digest) {
            let rule = "must be the SHA-256 of the bytes that come";
            return Err(Violation::new("metadata.sha256", rule).because(Reason::DocumentMismatch));
        }
        Ok(self.part)
    }
}

/// Reads how many bytes are announced.
///
/// # Errors
///
/// The violation to report.
pub fn size(field: &str, bytes: i64) -> Result<u64, Violation> {
    match u64::try_from(bytes) {
        Ok(bytes) if bytes <= DOCUMENT_BYTES_MAX => Ok(bytes),
        Ok(_) => {
            let rule = format!("must be at most {DOCUMENT_BYTES_MAX}");
            Err(Violation::new(field, rule).because(Reason::DocumentTooLarge))
        }
        Err(_) => Err(Violation::new(field, "must be the number of bytes that come")),
    }
}

/// Reads the digest that is announced.
///
/// # Errors
///
/// The violation to report.
pub fn digest(field: &str, digits: &str) -> Result<Hash, Violation> {
    let refused = || Violation::new(field, "must be a SHA-256 in 64 hexadecimal digits");
    let mut hash = Hash::default();
    if digits.len() != 2 * hash.len() || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Err(refused());
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_no_digits| refused())?;
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret;

    fn of(bytes: &[u8]) -> Hash {
        let mut digester = Digester::default();
        digester.update(bytes);
        digester.finish()
    }

    /// All parts of an upload of these chunks, or why it fails.
    fn upload(announced: &[u8], chunks: &[&[u8]]) -> Result<Vec<Vec<u8>>, Reason> {
        let mut upload = Upload::new(announced.len() as u64, Some(of(announced)));
        let mut parts = Vec::new();
        for chunk in chunks {
            parts.extend(upload.take(chunk).map_err(|it| it.reason)?);
        }
        parts.push(upload.end().map_err(|it| it.reason)?);
        Ok(parts)
    }

    #[test]
    fn the_parts_of_a_document_are_together_what_came_and_all_but_the_last_are_as_long_as_each_other() {
        for (length, cut) in
            [(0, 1), (1, 1), (PART_BYTES, 1 << 20), (PART_BYTES + 1, 999_983), (2 * PART_BYTES, 7 << 17)]
        {
            let document: Vec<u8> = (0..length).map(|it| it.to_le_bytes()[0]).collect();
            let chunks: Vec<_> = document.chunks(cut).collect();
            let parts = upload(&document, &chunks).unwrap();
            let (last, full) = parts.split_last().unwrap();
            assert!(full.iter().all(|it| it.len() == PART_BYTES) && last.len() < PART_BYTES);
            assert!(parts.concat() == document, "{length} bytes by {cut}");
        }
    }

    #[test]
    fn an_upload_fails_as_soon_as_it_is_not_what_was_announced() {
        assert_eq!(upload(b"plan", &[b"pl", b"", b"an"]).unwrap(), [b"plan"]);
        assert_eq!(upload(b"plan", &[b"pla"]), Err(Reason::DocumentMismatch));
        assert_eq!(upload(b"plan", &[b"pla", b"ns"]), Err(Reason::DocumentMismatch));
        assert_eq!(upload(b"plan", &[b"Plan"]), Err(Reason::DocumentMismatch));
        let long = vec![0; CHUNK_BYTES_MAX + 1];
        assert_eq!(upload(&long, &[&long]), Err(Reason::FieldInvalid));
    }

    #[test]
    fn sizes_and_digests_are_read_or_refused() {
        assert_eq!((size("it", 0), size("it", 1 << 30)), (Ok(0), Ok(DOCUMENT_BYTES_MAX)));
        assert_eq!(size("it", (1 << 30) + 1).unwrap_err().reason, Reason::DocumentTooLarge);
        assert_eq!(size("it", -1).unwrap_err().reason, Reason::FieldInvalid);
        let plan = of(b"plan");
        assert_eq!(digest("it", &secret::hex(&plan)), Ok(plan));
        assert_eq!(digest("it", &secret::hex(&plan).to_uppercase()), Ok(plan));
        for refused in ["", "ab", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65), &format!("+{}", "0".repeat(63))] {
            assert!(digest("it", refused).is_err(), "{refused}");
        }
    }
}
