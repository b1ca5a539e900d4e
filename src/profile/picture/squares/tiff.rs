//! TIFF as scanners and image programs write it: its first page, row by row, 8 bits a channel.
//!
//! Only the tags are read until rows are asked for, and then one row of strips or tiles is unpacked at a time. What is
//! harmless is passed over: a missing end of the data, lengths that are not told, unknown tags. Pixels that are missing
//! are not made up.

mod colour;
mod fax;
mod jpeg;
mod layout;
mod lzw;
mod predict;
mod samples;
mod tags;
mod unpack;

use image::metadata::Orientation;

use super::{
    Fault,
    decode::ROOM_BYTES_MAX,
    raster::{Channels, Deadline},
    upright::by_xmp,
};
use colour::Paint;
use layout::{Ink, Layout};
use predict::{Predictor, Shape};
use samples::{Reading, Samples};
use tags::{Directory, File};
use unpack::{Packing, Unpacker};

/// Bytes of the strips or tiles that are unpacked at a time, which may be the whole picture: 40 megapixels of 48 bits.
const BAND_BYTES_MAX: usize = ROOM_BYTES_MAX as usize;

/// The first page of a TIFF file.
pub(super) struct Page<'a> {
    layout: Layout<'a>,
}

/// Rows of pixels that are unpacked.
struct Band<'b> {
    rows: usize,
    /// Bytes of a row of a piece.
    row_bytes: usize,
    /// Strips or tiles from the left, those of the first sample first.
    pieces: Vec<&'b [u8]>,
}

impl<'a> Page<'a> {
    /// Reads the tags of the first page, or of the first that is not a small copy or a mask of another.
    ///
    /// # Errors
    ///
    /// [`Fault::Unsupported`] for what is not read here, [`Fault::Corrupt`] if it makes no sense.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let (file, first) = File::open(file)?;
        let read = |it| Layout::of(it).map(|layout| Self { layout });
        let first_page = file.directories(first).next().ok_or(Fault::Corrupt)?;
        if copy(&first_page) {
            // A copy that can be read is better than a page that cannot.
            let page = file.directories(first).find(|it| !copy(it));
            if let Some(page) = page.and_then(|it| read(it).ok()) {
                return Ok(page);
            }
        }
        read(first_page)
    }

    /// The width and the height in the file, in pixels.
    pub(super) fn sides(&self) -> [u32; 2] {
        self.layout.sides
    }

    /// What the bytes of its pixels are.
    pub(super) fn channels(&self) -> Channels {
        colour::channels(&self.layout)
    }

    /// How it must be turned to be upright.
    pub(super) fn orientation(&self) -> Orientation {
        let directory = &self.layout.directory;
        let told = directory.value(274).and_then(|it| Orientation::from_exif(it.try_into().ok()?));
        told.or_else(|| by_xmp(directory.values(700)?.bytes)).unwrap_or(Orientation::NoTransforms)
    }

    /// The ICC profile of its colours. None for those that are made sRGB here, whose samples it would not fit.
    pub(super) fn colour_profile(&self) -> Option<&'a [u8]> {
        let profile = self.layout.directory.values(34675).filter(|_| !self.layout.lab())?;
        Some(profile.bytes).filter(|it| !it.is_empty())
    }

    /// Hands over every row from above, and stops at the first refusal.
    ///
    /// # Errors
    ///
    /// [`Fault::TooLarge`] if a row of strips or tiles needs too much room, [`Fault::Corrupt`] if pixels are missing,
    /// [`Fault::Unsupported`] for what shows only now, [`Fault::TooSlow`] when time is up, and what `take` returns.
    pub(super) fn rows(&self, until: Deadline, take: &mut dyn FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
        let layout = &self.layout;
        let paint = Paint::of(layout)?;
        let samples = self.samples(until)?;
        let width = layout.sides[0] as usize;
        let (planes, count) = (layout.planes(), paint.samples());
        let piece = layout.piece[0] as usize;
        let direct = layout.bits == 8 && planes.len() == 1 && layout.across() == 1;
        let (mut row, mut out) = (vec![0; width * count], Vec::new());
        self.bands(until, &mut |band| {
            for number in 0..band.rows {
                let raw = |index: usize| &band.pieces[index][number * band.row_bytes..][..band.row_bytes];
                if direct {
                    take(paint.paint(&raw(0)[..width * count], &mut out))?;
                    continue;
                }
                for (index, to) in row.chunks_mut(piece.saturating_mul(count)).enumerate() {
                    for plane in 0..planes.len() {
                        samples.write(raw(plane * layout.across() + index), &mut to[plane..], planes.len());
                    }
                }
                take(paint.paint(&row, &mut out))?;
            }
            Ok(())
        })
    }

    /// How the samples are read. Where it depends on the greatest, they are all looked at first.
    fn samples(&self, until: Deadline) -> Result<Samples, Fault> {
        let Layout { bits, number, order, ink, .. } = self.layout;
        let reading = match ink {
            Ink::Palette => Reading::Index,
            _ if self.layout.lab() => Reading::High,
            _ => Reading::Brightness,
        };
        let mut samples = Samples { bits, number, order, reading, white: 1.0 };
        if samples.relative() {
            let mut greatest = 0.0_f64;
            self.bands(until, &mut |band| {
                greatest = band.pieces.iter().map(|it| samples.greatest(it)).fold(greatest, f64::max);
                Ok(())
            })?;
            samples.white = samples::white(number, greatest);
        }
        Ok(samples)
    }

    /// Unpacks one row of strips or tiles after another.
    fn bands(&self, until: Deadline, each: &mut dyn FnMut(Band<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let layout = &self.layout;
        let [width, height] = layout.sides.map(|it| it as usize);
        if layout.whole() {
            let mut pixels = Vec::new();
            let page = jpeg::Old::gather(&layout.said(), &layout.strips())?;
            page.unpack([width, height], layout.samples, &mut pixels)?;
            return each(Band { rows: height, row_bytes: width * layout.samples, pieces: vec![&pixels] });
        }
        let pieces = layout.planes().len() * layout.across();
        let mut held = Vec::new();
        held.resize_with(pieces, Vec::new);
        let mut unpacker = self.unpacker(until);
        let high = layout.piece[1] as usize;
        for (number, top) in (0..height).step_by(high).enumerate() {
            let rows = high.min(height - top);
            // The last tile is as high as all, the last strip is not.
            self.band(number, if layout.tiled { high } else { rows }, rows, &mut unpacker, &mut held, each)?;
        }
        Ok(())
    }

    /// Unpacks a row of strips or tiles, each of so many rows, of which some are `seen`.
    fn band(
        &self,
        number: usize,
        rows: usize,
        seen: usize,
        unpacker: &mut Unpacker<'_>,
        held: &mut [Vec<u8>],
        each: &mut dyn FnMut(Band<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let layout = &self.layout;
        let across = layout.across();
        let row_bytes = layout.row_bytes().ok_or(Fault::TooLarge)?;
        let [wide, high] = layout.subsampling;
        let shared = layout.ink == Ink::YCbCr && layout.subsampling != [1, 1];
        let plain = row_bytes.checked_mul(rows).ok_or(Fault::TooLarge)?;
        let length = if shared {
            // Pixels that share colours stand together, those of a few rows.
            (layout.piece[0] as usize).div_ceil(wide) * rows.div_ceil(high) * (wide * high + 2)
        } else {
            plain
        };
        // For a while, pixels that share colours and the same with their own lie side by side.
        let room = if shared { plain.saturating_add(length) } else { plain };
        if room.checked_mul(held.len()).is_none_or(|it| BAND_BYTES_MAX < it) {
            return Err(Fault::TooLarge);
        }
        let mut pieces = Vec::with_capacity(held.len());
        let indices = layout.planes().into_iter().flat_map(|plane| {
            let first = (plane * layout.down() + number) * across;
            first..first + across
        });
        for (index, room) in indices.zip(held.iter_mut()) {
            let (rest, told) = layout.place(index).ok_or(Fault::Corrupt)?;
            if layout.packing == Packing::Plain && !layout.reversed && !shared {
                // Lengths are often wrong where everybody can tell the right ones.
                pieces.push(rest.get(..length).ok_or(Fault::Corrupt)?);
                continue;
            }
            let packed = if layout.packing == Packing::Plain { rest } else { &rest[..told] };
            unpacker.unpack(packed, rows, length, room)?;
            let shape = Shape { bits: layout.bits, samples: layout.side_by_side(), order: layout.order };
            if layout.predictor != Predictor::Plain {
                layout.predictor.undo(room, row_bytes, shape)?;
            }
            if shared {
                *room = spread(room, layout.piece[0] as usize, rows, layout.subsampling);
            }
            pieces.push(room.as_slice());
        }
        each(Band { rows: seen, row_bytes, pieces })
    }

    fn unpacker(&self, until: Deadline) -> Unpacker<'a> {
        let Layout { packing, reversed, directory, piece, .. } = &self.layout;
        let tables = directory.values(347).map(|it| it.bytes);
        let piece = piece.map(|it| it as usize);
        Unpacker::new(*packing, *reversed, tables, piece, self.layout.side_by_side(), until)
    }
}

/// Whether a page is a small copy of another one, or a mask.
fn copy(directory: &Directory<'_>) -> bool {
    const SMALL: u64 = 1;
    const MASK: u64 = 4;
    directory.value(254).is_some_and(|it| it & (SMALL | MASK) != 0) || directory.value(255) == Some(2)
}

/// Gives every pixel a colour of its own that shared it with others.
fn spread(blocks: &[u8], width: usize, rows: usize, [wide, high]: [usize; 2]) -> Vec<u8> {
    let mut pixels = vec![0; width * rows * 3];
    let size = wide * high + 2;
    let groups = blocks.chunks_exact(width.div_ceil(wide) * size);
    for (group, lines) in groups.zip(pixels.chunks_mut(high * width * 3)) {
        for (down, line) in lines.chunks_exact_mut(width * 3).enumerate() {
            for (block, pixels) in group.chunks_exact(size).zip(line.chunks_mut(wide * 3)) {
                let (bright, colours) = block.split_at(wide * high);
                for (pixel, bright) in pixels.chunks_exact_mut(3).zip(&bright[down * wide..]) {
                    pixel.copy_from_slice(&[*bright, colours[0], colours[1]]);
                }
            }
        }
    }
    pixels
}

#[cfg(test)]
mod tests;
