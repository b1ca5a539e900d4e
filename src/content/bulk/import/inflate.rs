//! One document on its way out of an archive: unpacked piece by piece, and counted. It ends as the directory says, or is corrupt.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::plan::Packed;

/// Bytes that are unpacked at a time: a few milliseconds' work.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// That the bytes are not what the archive says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrupt;

/// What is left of a document.
pub(super) struct Unpacking {
    inflate: Option<Decompress>,
    is_over: bool,
    left: u64,
    crc: Crc,
    expected: u32,
}

impl Unpacking {
    /// Begins with a document.
    pub fn new(packed: &Packed) -> Self {
        Self {
            inflate: packed.is_deflated.then(|| Decompress::new(false)),
            is_over: false,
            left: packed.bytes,
            crc: Crc::new(),
            expected: packed.crc,
        }
    }

    /// Puts what is next into `piece`, in place of what is there, and returns how many of the packed bytes that took. When the
    /// piece is full there may be more to come before any more of them are needed.
    pub fn take(&mut self, packed: &[u8], piece: &mut Vec<u8>) -> Result<usize, Corrupt> {
        piece.clear();
        piece.reserve_exact(PIECE_BYTES);
        let taken = match &mut self.inflate {
            None => {
                let taken = packed.len().min(PIECE_BYTES);
                piece.extend_from_slice(&packed[..taken]);
                taken
            }
            Some(_) if self.is_over => 0,
            Some(inflate) => {
                let before = inflate.total_in();
                let status = inflate.decompress_vec(packed, piece, FlushDecompress::None);
                self.is_over = match status {
                    Ok(Status::StreamEnd) => true,
                    Ok(Status::Ok | Status::BufError) => false,
                    Err(_damaged) => return Err(Corrupt),
                };
                usize::try_from(inflate.total_in() - before).unwrap_or(usize::MAX)
            }
        };
        // What is packed ends with its end, and every byte leads on to it.
        if taken == 0 && piece.is_empty() && !packed.is_empty() {
            return Err(Corrupt);
        }
        self.left = self.left.checked_sub(piece.len() as u64).ok_or(Corrupt)?;
        self.crc.update(piece);
        Ok(taken)
    }

    /// Looks whether it is all there.
    pub fn end(self) -> Result<(), Corrupt> {
        let is_whole = self.left == 0 && (self.inflate.is_none() || self.is_over) && self.crc.sum() == self.expected;
        if is_whole { Ok(()) } else { Err(Corrupt) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::DeflateEncoder};
    use uuid::Uuid;

    use super::*;

    fn packed(document: &[u8], is_deflated: bool) -> (Packed, Vec<u8>) {
        let mut bytes = document.to_vec();
        if is_deflated {
            let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
            deflate.write_all(document).unwrap();
            bytes = deflate.finish().unwrap();
        }
        let mut crc = Crc::new();
        crc.update(document);
        let (item, at, length) = (Uuid::nil(), 0, bytes.len() as u64);
        (Packed { item, at, packed: length, bytes: document.len() as u64, crc: crc.sum(), is_deflated }, bytes)
    }

    /// What comes of packed bytes that come cut into parts of `size`, and the longest piece of it.
    fn unpacked(packed: &Packed, bytes: &[u8], size: usize) -> Result<(Vec<u8>, usize), Corrupt> {
        let (mut unpacking, mut piece, mut all, mut longest) = (Unpacking::new(packed), Vec::new(), Vec::new(), 0);
        for mut part in bytes.chunks(size) {
            loop {
                part = &part[unpacking.take(part, &mut piece)?..];
                all.extend_from_slice(&piece);
                longest = longest.max(piece.capacity());
                if part.is_empty() && piece.len() < PIECE_BYTES {
                    break;
                }
            }
        }
        unpacking.end()?;
        Ok((all, longest))
    }

    #[test]
    fn a_document_comes_out_as_it_went_in_however_it_is_cut_and_a_piece_at_a_time() {
        for document in [&b""[..], b"plan", &vec![7; 5 << 20]] {
            for is_deflated in [false, true] {
                let (packed, bytes) = packed(document, is_deflated);
                for size in [1 << 20, 4_099] {
                    let (all, longest) = unpacked(&packed, &bytes, size).unwrap();
                    assert!(all == document && longest <= PIECE_BYTES, "{} {is_deflated} {size}", document.len());
                }
            }
        }
    }

    #[test]
    fn what_is_not_what_is_said_of_it_is_corrupt() {
        for is_deflated in [false, true] {
            let (packed, bytes) = packed(&vec![7; 3 << 20], is_deflated);
            let lying = [
                Packed { bytes: packed.bytes - 1, ..packed.clone() },
                Packed { bytes: packed.bytes + 1, ..packed.clone() },
                Packed { crc: !packed.crc, ..packed.clone() },
            ];
            for lying in lying {
                assert_eq!(unpacked(&lying, &bytes, 4_096), Err(Corrupt), "{lying:?}");
            }
            assert_eq!(unpacked(&packed, &bytes[..bytes.len() - 1], 4_096), Err(Corrupt));
            assert_eq!(unpacked(&packed, &[&bytes, &b"more"[..]].concat(), 4_096), Err(Corrupt));
        }
        let (packed, _) = packed(b"plan", true);
        assert_eq!(unpacked(&packed, &[0xff; 64], 4_096), Err(Corrupt));
    }
}
