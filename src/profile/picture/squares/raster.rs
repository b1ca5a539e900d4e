//! Pixels on their way from a decoder to the squares: rows come in, and only what the crop needs is kept.

use std::time::Instant;

use super::{Crop, Fault, HALFWAY};

/// What a pixel is made of: 8 bits a channel, the alpha not multiplied in, a CMYK of 0 without ink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channels {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    Cmyk,
}

impl Channels {
    /// How many there are, which is also the bytes of a pixel.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }
}

/// When a picture must be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(pub(super) Instant);

impl Deadline {
    /// Looks at the clock, which costs nothing beside a row of pixels.
    ///
    /// # Errors
    ///
    /// [`Fault::TooSlow`] once it has passed.
    pub(super) fn check(self) -> Result<(), Fault> {
        if Instant::now() <= self.0 { Ok(()) } else { Err(Fault::TooSlow) }
    }
}

/// Channels that lie together, of one size, and where in them the square is.
pub(super) struct Plane {
    /// The width and the height in pixels.
    pub(super) sides: [u32; 2],
    /// Left and upper edge, width and height of the square in pixels. Where a pixel here stands for several of the file,
    /// these are fractions.
    pub(super) square: [f64; 4],
    pub(super) bytes: Vec<u8>,
}

/// How the channels of the planes come to be those of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mix {
    /// The first three are luminance and two differences of colour, in place of red, green and blue.
    pub(super) luminance: bool,
    /// Each stands for what is left to its most, as Adobe writes CMYK.
    pub(super) inverted: bool,
}

/// A square of a picture: rows from above, not yet turned upright.
///
/// One plane with all channels, or one for each. Alpha is multiplied in: what lies under a transparent pixel must not
/// shine through from beside it when pixels are mixed.
pub(super) struct Raster {
    pub(super) channels: Channels,
    pub(super) planes: Vec<Plane>,
    pub(super) mix: Mix,
    /// Whether any pixel of the square lets something through.
    pub(super) clear: bool,
}

/// Takes the rows of a picture from above, and keeps the square; a large one as the averages of little boxes.
///
/// The boxes leave at least [`HALFWAY`] pixels a side. So a file of 40 megapixels never lies decoded in memory: what
/// does is its square of less than twice that side.
pub(super) struct Reducer {
    channels: Channels,
    square: Crop,
    /// Pixels of the file on a side of a box.
    factor: usize,
    /// Rows that came.
    rows: u32,
    /// The sums of the boxes under way, for each channel.
    sums: Vec<u32>,
    /// Rows in `sums`.
    summed: usize,
    /// The square's part of a row, with alpha multiplied in.
    row: Vec<u8>,
    bytes: Vec<u8>,
    clear: bool,
    until: Deadline,
}

impl Reducer {
    /// Keeps `square` of what comes, and stops when time is up.
    pub(super) fn new(channels: Channels, square: Crop, until: Deadline) -> Self {
        let factor = (square.side / HALFWAY).max(1);
        let side = square.side.div_ceil(factor) as usize;
        let (count, factor) = (channels.count(), factor as usize);
        let sums = if factor == 1 { Vec::new() } else { vec![0; side * count] };
        let row = Vec::with_capacity(count * square.side as usize);
        let bytes = Vec::with_capacity(count * side * side);
        Self { channels, square, factor, rows: 0, sums, summed: 0, row, bytes, clear: false, until }
    }

    /// Whether the rows that follow are all below the square.
    pub(super) fn full(&self) -> bool {
        self.square.top + self.square.side <= self.rows
    }

    /// Whether the next row has a part in the square. One that has none need not be made: any bytes will do.
    pub(super) fn wants(&self) -> bool {
        self.square.top <= self.rows && !self.full()
    }

    /// Takes the next row, in the channels that were told.
    ///
    /// # Errors
    ///
    /// [`Fault::TooSlow`] when time is up, [`Fault::Corrupt`] for a row that is too short.
    pub(super) fn take(&mut self, row: &[u8]) -> Result<(), Fault> {
        self.until.check()?;
        let wanted = self.wants();
        self.rows += 1;
        if !wanted {
            return Ok(());
        }
        let count = self.channels.count();
        let [left, side] = [self.square.left, self.square.side].map(|it| it as usize * count);
        let part = row.get(left..left + side).ok_or(Fault::Corrupt)?;
        match self.channels {
            Channels::GreyAlpha => self.clear |= multiplied::<2>(part, &mut self.row),
            Channels::Rgba => self.clear |= multiplied::<4>(part, &mut self.row),
            _ if self.factor == 1 => {
                self.bytes.extend_from_slice(part);
                return Ok(());
            }
            _ => {
                self.row.clear();
                self.row.extend_from_slice(part);
            }
        }
        if self.factor == 1 {
            self.bytes.extend_from_slice(&self.row);
            return Ok(());
        }
        match count {
            1 => summed::<1>(&self.row, self.factor, &mut self.sums),
            2 => summed::<2>(&self.row, self.factor, &mut self.sums),
            3 => summed::<3>(&self.row, self.factor, &mut self.sums),
            _ => summed::<4>(&self.row, self.factor, &mut self.sums),
        }
        self.summed += 1;
        if self.summed == self.factor || self.full() {
            self.average();
        }
        Ok(())
    }

    /// Makes a row of what was summed. The last box of a row and of a column may be smaller than the others.
    fn average(&mut self) {
        let boxes = self.square.side as usize / self.factor;
        let rest = self.square.side as usize % self.factor;
        let (whole, cut) = self.sums.split_at(boxes * self.channels.count());
        for (sums, width) in [(whole, self.factor), (cut, rest)] {
            let pixels = (width * self.summed) as u32;
            self.bytes.extend(sums.iter().map(|sum| ((sum + pixels / 2) / pixels) as u8));
        }
        self.sums.fill(0);
        self.summed = 0;
    }

    /// Looks whether all `rows` of the picture came, with those that the square has no part in.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] when some are missing.
    pub(super) fn whole(&self, rows: u32) -> Result<(), Fault> {
        if self.rows == rows { Ok(()) } else { Err(Fault::Corrupt) }
    }

    /// What was kept.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] when rows are missing.
    pub(super) fn raster(self) -> Result<Raster, Fault> {
        if !self.full() {
            return Err(Fault::Corrupt);
        }
        let side = self.square.side.div_ceil(self.factor as u32);
        let exact = f64::from(self.square.side) / self.factor as f64;
        let plane = Plane { sides: [side; 2], square: [0.0, 0.0, exact, exact], bytes: self.bytes };
        Ok(Raster { channels: self.channels, planes: vec![plane], mix: Mix::default(), clear: self.clear })
    }
}

/// Copies pixels whose last of `N` channels is alpha, and multiplies it into the others; tells whether any lets
/// something through.
fn multiplied<const N: usize>(pixels: &[u8], into: &mut Vec<u8>) -> bool {
    into.clear();
    into.extend_from_slice(pixels);
    let mut opaque = u8::MAX;
    for pixel in into.as_chunks_mut::<N>().0 {
        let alpha = pixel[N - 1];
        opaque &= alpha;
        for channel in &mut pixel[..N - 1] {
            // Divides by 255 and rounds, without a division.
            let product = u16::from(*channel) * u16::from(alpha) + 128;
            *channel = ((product + (product >> 8)) >> 8) as u8;
        }
    }
    opaque != u8::MAX
}

/// Adds a row of pixels of `N` channels to the sums of the boxes, each `factor` pixels wide.
fn summed<const N: usize>(row: &[u8], factor: usize, sums: &mut [u32]) {
    for (sums, pixels) in sums.as_chunks_mut::<N>().0.iter_mut().zip(row.chunks(N * factor)) {
        for pixel in pixels.as_chunks::<N>().0 {
            for (sum, channel) in sums.iter_mut().zip(pixel) {
                *sum += u32::from(*channel);
            }
        }
    }
}
