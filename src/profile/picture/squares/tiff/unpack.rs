//! Packed bytes of a strip or tile to those that were packed.
//!
//! Every way stops when the room is full, and none reads more of the input than so many bytes can come from.

use std::{borrow::Cow, io::Read};

use flate2::{Decompress, FlushDecompress};
use ruzstd::decoding::StreamingDecoder;

use super::{
    super::{Fault, raster::Deadline},
    fax::{self, Coding},
    jpeg, lzw,
};

/// Bytes that no way of packing makes of one: what is longer is full of blocks of nothing.
pub(super) const GROWTH_MAX: usize = 8;

/// Bytes that may stand beside, however little is packed.
pub(super) const ASIDE_BYTES: usize = 4096;

/// How strips and tiles are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Fax(Coding),
    Lzw,
    /// A JPEG of its own in each, or in all of them together where the way is `old`. Its colours are Y, Cb and Cr and
    /// become red, green and blue if it `converts`.
    Jpeg {
        old: bool,
        converts: bool,
    },
    Deflate,
    PackBits,
    Zstandard,
}

/// Unpacks the strips or tiles of a page, which are all packed in the same way.
pub(super) struct Unpacker<'a> {
    packing: Packing,
    /// Whether the first bit of a byte is its lowest.
    reversed: bool,
    /// What the JPEGs leave out.
    tables: Option<&'a [u8]>,
    /// The sides of a strip or tile; and its samples that stand side by side.
    sides: [usize; 2],
    samples: usize,
    /// One of them may be the work of all, and there may be millions of them for a row of pixels.
    until: Deadline,
    codes: lzw::Codes,
    inflater: Decompress,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(
        packing: Packing,
        reversed: bool,
        tables: Option<&'a [u8]>,
        sides: [usize; 2],
        samples: usize,
        until: Deadline,
    ) -> Self {
        let (codes, inflater) = (lzw::Codes::new(), Decompress::new(true));
        Self { packing, reversed, tables, sides, samples, until, codes, inflater }
    }

    /// Unpacks `length` bytes, which are `rows` rows, to `out`. More may be there than asked for.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] if they are not all there, [`Fault::TooSlow`] when time is up.
    pub(super) fn unpack(&mut self, packed: &[u8], rows: usize, length: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.until.check()?;
        let [width, height] = self.sides;
        if let Packing::Jpeg { converts, .. } = self.packing {
            let wanted = jpeg::Wanted { width, rows: [rows, height], samples: self.samples, converts };
            return jpeg::unpack(self.tables, packed, wanted, out);
        }
        let most = length.saturating_mul(GROWTH_MAX).saturating_add(ASIDE_BYTES);
        let packed = &packed[..packed.len().min(most)];
        let packed = if self.reversed { Cow::Owned(reversed(packed)) } else { Cow::Borrowed(packed) };
        out.resize(length, 0);
        let made = match self.packing {
            Packing::Fax(coding) => {
                fax::unpack(&packed, coding, width, out)?;
                length
            }
            Packing::Lzw => self.codes.unpack(&packed, out),
            Packing::Deflate => deflate(&mut self.inflater, &packed, out),
            Packing::PackBits => pack_bits(&packed, out),
            Packing::Zstandard => zstandard(&packed, out),
            Packing::Plain | Packing::Jpeg { .. } => {
                let length = length.min(packed.len());
                out[..length].copy_from_slice(&packed[..length]);
                length
            }
        };
        if made == length { Ok(()) } else { Err(Fault::Corrupt) }
    }
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|it| it.reverse_bits()).collect()
}

/// Whether the checksum is right, or there at all, is not asked for: the pixels are.
fn deflate(inflater: &mut Decompress, packed: &[u8], out: &mut [u8]) -> usize {
    inflater.reset(true);
    // What was made before an error is known; that it was one shows by what is missing.
    let _ = inflater.decompress(packed, out, FlushDecompress::Finish);
    usize::try_from(inflater.total_out()).unwrap_or(0)
}

fn zstandard(packed: &[u8], out: &mut [u8]) -> usize {
    let Ok(mut decoder) = StreamingDecoder::new(packed) else { return 0 };
    let mut made = 0;
    while made < out.len() {
        match decoder.read(&mut out[made..]) {
            Ok(0) | Err(_) => break,
            Ok(more) => made += more,
        }
    }
    made
}

/// Runs of one byte, and runs of different ones.
fn pack_bits(mut packed: &[u8], out: &mut [u8]) -> usize {
    let mut at = 0;
    while at < out.len() {
        let Some((head, rest)) = packed.split_first() else { break };
        let head = usize::from(*head);
        match head {
            0..=127 => {
                let length = (head + 1).min(out.len() - at).min(rest.len());
                out[at..at + length].copy_from_slice(&rest[..length]);
                packed = &rest[length..];
                at += length;
            }
            128 => packed = rest,
            _ => {
                let Some((byte, rest)) = rest.split_first() else { break };
                let length = (257 - head).min(out.len() - at);
                out[at..at + length].fill(*byte);
                packed = rest;
                at += length;
            }
        }
    }
    at
}
