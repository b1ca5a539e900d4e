//! BMP of Windows and OS/2, row by row: 1 to 32 bits a pixel, with colours or fields of bits, in runs or plain.
//!
//! Its rows are taken as they lie in the file, mostly from below; the picture is then turned over with its squares.

use image::metadata::Orientation;

use super::{
    Crop, Fault,
    colour::Space,
    decode::{Picture, within_limits},
    format::{u16_le, u32_le},
    raster::{Channels, Deadline, Raster, Reducer},
};

/// Bytes of the file's header, before that of the picture.
const HEADER: usize = 14;
/// Bytes of the picture's header in the oldest kind, which has short numbers and colours of three bytes.
const OLDEST: usize = 12;
/// Bytes of the picture's header in the kind that has a colour profile.
const NEWEST: usize = 124;

/// How the pixels are written.
enum Coding {
    /// As places in the table of colours, of this many bits.
    Indexed(usize),
    /// The same in runs, with 4 or 8 bits a place.
    Runs(usize),
    /// In this many bytes, each channel in some bits of them; no bits for an alpha that is not there.
    Fields(usize, [Field; 4]),
}

/// Some bits of a pixel, all in a row.
#[derive(Clone, Copy)]
struct Field {
    shift: u32,
    most: u32,
}

impl Field {
    /// The bits that are set in `mask`.
    fn new(mask: u32) -> Self {
        let shift = mask.trailing_zeros() % 32;
        Self { shift, most: mask >> shift }
    }

    /// Its share of the most that it can be.
    fn of(self, pixel: u32) -> u8 {
        let value = u64::from(pixel >> self.shift & self.most);
        let most = u64::from(self.most.max(1));
        ((value * 255 + most / 2) / most) as u8
    }
}

/// A BMP of which the header was read.
pub(super) struct Bmp<'a> {
    sides: [u32; 2],
    /// Whether the first row in the file is the lowest.
    from_below: bool,
    coding: Coding,
    colours: [[u8; 3]; 256],
    profile: Option<&'a [u8]>,
    pixels: &'a [u8],
}

impl<'a> Bmp<'a> {
    /// Reads the headers and the table of colours.
    ///
    /// # Errors
    ///
    /// [`Fault::Unsupported`] for what only printers were sent: a whole JPEG or PNG in it, fax codes, runs of 24 bits.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let header = u32_le(file, HEADER).and_then(|it| usize::try_from(it).ok()).ok_or(Fault::Corrupt)?;
        let at = |offset: usize| u32_le(file, HEADER + offset).ok_or(Fault::Corrupt);
        let short = |offset: usize| u16_le(file, HEADER + offset).ok_or(Fault::Corrupt);
        let (width, height, bits, coding) = if header == OLDEST {
            (u32::from(short(4)?), i32::from(short(6)?), short(10)?, 0)
        } else {
            let coding = if header < 20 { 0 } else { at(16)? };
            (at(4)?, at(8)?.cast_signed(), short(14)?, coding)
        };
        within_limits([width, height.unsigned_abs()])?;
        let masks = |count: usize| -> Result<[u32; 4], Fault> {
            let mut masks = [0; 4];
            for (place, mask) in masks.iter_mut().enumerate().take(count) {
                *mask = at(40 + 4 * place)?;
            }
            Ok(masks)
        };
        let coding = match (coding, bits) {
            (0, 1 | 2 | 4 | 8) => Coding::Indexed(bits.into()),
            (1, 8) | (2, 4) => Coding::Runs(bits.into()),
            (0, 16) => Coding::Fields(2, [0x7c00, 0x03e0, 0x001f, 0].map(Field::new)),
            (0, 24 | 32) => Coding::Fields(usize::from(bits) / 8, [0xff_0000, 0xff00, 0xff, 0].map(Field::new)),
            // From 56 bytes on, the header has the bits of alpha among its own.
            (3, 16 | 32) if !(64..NEWEST - 16).contains(&header) => {
                Coding::Fields(usize::from(bits) / 8, masks(if header < 56 { 3 } else { 4 })?.map(Field::new))
            }
            (6, 16 | 32) => Coding::Fields(usize::from(bits) / 8, masks(4)?.map(Field::new)),
            _ => return Err(Fault::Unsupported),
        };
        let told = if header < 36 { 0 } else { at(32)? as usize };
        let wide = if header == OLDEST { 3 } else { 4 };
        let mut start = u32_le(file, 10).and_then(|it| usize::try_from(it).ok()).ok_or(Fault::Corrupt)?;
        if bits <= 8 && start == HEADER + header {
            // There is no picture without colours: the program did not count them in.
            start += wide * if told == 0 { 1 << bits } else { told };
        }
        let pixels = file.get(start..).ok_or(Fault::Corrupt)?;
        let colours = colours(file.get(HEADER + header..start).unwrap_or_default(), told, wide);
        let profile = profile(file.get(HEADER..).unwrap_or_default(), header);
        let mut bmp =
            Self { sides: [width, height.unsigned_abs()], from_below: 0 < height, coding, colours, profile, pixels };
        bmp.forget_alpha();
        Ok(bmp)
    }

    /// Bytes of a row that is not in runs: whole groups of four.
    fn stride(&self) -> usize {
        (self.sides[0] as usize * self.bits()).div_ceil(32) * 4
    }

    /// Bits of a pixel that is not in runs.
    fn bits(&self) -> usize {
        match self.coding {
            Coding::Indexed(bits) | Coding::Runs(bits) => bits,
            Coding::Fields(bytes, _) => 8 * bytes,
        }
    }

    /// Takes a picture of which nothing would be seen for one without alpha. So do browsers; programs forget to set it.
    fn forget_alpha(&mut self) {
        if let Coding::Fields(4, fields) = &mut self.coding
            && self.pixels.as_chunks().0.iter().all(|it| fields[3].of(u32::from_le_bytes(*it)) == 0)
        {
            fields[3] = Field::new(0);
        }
    }

    /// Takes the rows of a picture whose pixels are places in the table of colours.
    fn indexed(&self, bits: usize, reducer: &mut Reducer) -> Result<(), Fault> {
        let mut row = vec![0; 3 * self.sides[0] as usize];
        let (per_byte, mask) = (8 / bits, (u16::MAX >> (16 - bits)) as u8);
        for line in self.lines() {
            if reducer.wants() {
                for (at, pixel) in row.as_chunks_mut().0.iter_mut().enumerate() {
                    let byte = line[at / per_byte] >> (8 - bits - at % per_byte * bits);
                    *pixel = self.colours[usize::from(byte & mask)];
                }
            }
            reducer.take(&row)?;
        }
        Ok(())
    }

    /// Takes the rows of a picture whose channels are fields of bits.
    fn fields(&self, bytes: usize, fields: [Field; 4], reducer: &mut Reducer) -> Result<(), Fault> {
        let channels = self.channels().count();
        let mut row = vec![0; channels * self.sides[0] as usize];
        let plain = bytes != 2 && fields.map(|it| (it.shift, it.most)) == [(16, 255), (8, 255), (0, 255), (0, 0)];
        for line in self.lines() {
            if !reducer.wants() {
                // Its pixels do not matter.
            } else if plain {
                for (pixel, from) in row.chunks_exact_mut(3).zip(line.chunks_exact(bytes)) {
                    pixel.copy_from_slice(&[from[2], from[1], from[0]]);
                }
            } else {
                for (pixel, from) in row.chunks_exact_mut(channels).zip(line.chunks_exact(bytes)) {
                    let from = from.iter().rev().fold(0, |all, it| all << 8 | u32::from(*it));
                    for (channel, field) in pixel.iter_mut().zip(fields) {
                        *channel = field.of(from);
                    }
                }
            }
            reducer.take(&row)?;
        }
        Ok(())
    }

    /// The rows as they lie in the file. When some are missing, so they are here. The last may lack what only fills it up.
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let least = (self.sides[0] as usize * self.bits()).div_ceil(8);
        self.pixels.chunks(self.stride()).take(self.sides[1] as usize).filter(move |it| least <= it.len())
    }

    /// Takes the rows of a picture in runs. What is passed over has the first colour.
    fn runs(&self, bits: usize, reducer: &mut Reducer) -> Result<(), Fault> {
        let width = self.sides[0] as usize;
        let mut row = vec![0; 3 * width];
        let mut emit = |places: &mut Vec<u8>, rows: usize| {
            for _ in 0..rows.min(self.sides[1] as usize) {
                for (pixel, place) in row.as_chunks_mut().0.iter_mut().zip(places.iter()) {
                    *pixel = self.colours[usize::from(*place)];
                }
                reducer.take(&row)?;
                places.fill(0);
            }
            Ok::<_, Fault>(())
        };
        let (mut places, mut x, mut y) = (vec![0; width], 0, 0);
        let mut bytes = self.pixels.iter().copied();
        while y < self.sides[1] as usize {
            let mut next = || bytes.next().ok_or(Fault::Corrupt);
            let (count, value) = (usize::from(next()?), next()?);
            let rows = match (count, value) {
                (0, 0) => 1,
                (0, 1) => usize::MAX,
                (0, 2) => {
                    x += usize::from(next()?);
                    usize::from(next()?)
                }
                (0, length) => {
                    let length = usize::from(length);
                    let mut byte = 0;
                    for at in 0..length {
                        let second = bits == 4 && at % 2 == 1;
                        byte = if second { byte << 4 } else { next()? };
                        if let Some(place) = places.get_mut(x + at) {
                            *place = if bits == 4 { byte >> 4 } else { byte };
                        }
                    }
                    // Filled up to whole groups of two.
                    if (length * bits).div_ceil(8) % 2 == 1 {
                        next()?;
                    }
                    x += length;
                    continue;
                }
                (count, value) => {
                    let pair = if bits == 4 { [value >> 4, value & 15] } else { [value; 2] };
                    // What is beyond the row costs nothing: a file has room for a billion such pixels.
                    let run = places.get_mut(x..).unwrap_or_default().iter_mut().take(count);
                    run.enumerate().for_each(|(at, place)| *place = pair[at % 2]);
                    x += count;
                    continue;
                }
            };
            emit(&mut places, rows.min(self.sides[1] as usize - y))?;
            y = y.saturating_add(rows);
            if value == 0 {
                x = 0;
            }
        }
        Ok(())
    }

    fn channels(&self) -> Channels {
        match self.coding {
            Coding::Fields(_, fields) if fields[3].most != 0 => Channels::Rgba,
            _ => Channels::Rgb,
        }
    }
}

/// Reads the table of colours; black is what it does not have. `told` is how many there are, or 0.
fn colours(table: &[u8], told: usize, bytes: usize) -> [[u8; 3]; 256] {
    let mut colours = [[0; 3]; 256];
    let count = if told == 0 { 256 } else { told };
    for (colour, from) in colours.iter_mut().zip(table.chunks_exact(bytes).take(count)) {
        *colour = [from[2], from[1], from[0]];
    }
    colours
}

/// Finds the colour profile of a picture whose header is where `from` begins.
fn profile(from: &[u8], header: usize) -> Option<&[u8]> {
    /// What says that there is one in the file.
    const EMBEDDED: u32 = u32::from_be_bytes(*b"MBED");

    let at = |offset| u32_le(from, offset).and_then(|it| usize::try_from(it).ok());
    let there = header == NEWEST && u32_le(from, 56) == Some(EMBEDDED);
    let (start, length) = (at(112)?, at(116)?);
    there.then(|| from.get(start..start.checked_add(length)?)).flatten()
}

impl Picture for Bmp<'_> {
    fn sides(&self) -> [u32; 2] {
        self.sides
    }

    fn orientation(&self) -> Orientation {
        if self.from_below { Orientation::FlipVertical } else { Orientation::NoTransforms }
    }

    fn space(&self) -> Space {
        self.profile.map_or(Space::Unsaid, |it| Space::Profile(it.to_vec()))
    }

    fn raster(self: Box<Self>, square: Crop, until: Deadline) -> Result<Raster, Fault> {
        let mut reducer = Reducer::new(self.channels(), square, until);
        match self.coding {
            Coding::Indexed(bits) => self.indexed(bits, &mut reducer)?,
            Coding::Runs(bits) => self.runs(bits, &mut reducer)?,
            Coding::Fields(bytes, fields) => self.fields(bytes, fields, &mut reducer)?,
        }
        reducer.whole(self.sides[1])?;
        reducer.raster()
    }
}

#[cfg(test)]
mod tests;
