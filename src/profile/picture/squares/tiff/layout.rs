//! What a page is, as its tags say: how its samples stand, what they mean, and where they lie.

use super::{
    super::Fault,
    fax::Coding,
    jpeg::Said,
    predict::Predictor,
    tags::{Directory, Order, Values},
    unpack::Packing,
};

/// Samples of a pixel: those of any colours, and as many again that mean nothing here.
const SAMPLES_MAX: u64 = 32;

/// What the samples of a pixel mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
    CieLab,
    IccLab,
    ItuLab,
}

impl Ink {
    /// Samples that make the colour.
    pub(super) fn samples(self) -> usize {
        match self {
            Self::WhiteIsZero | Self::BlackIsZero | Self::Palette => 1,
            Self::Cmyk => 4,
            Self::Rgb | Self::YCbCr | Self::CieLab | Self::IccLab | Self::ItuLab => 3,
        }
    }
}

/// What kind of number a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Natural,
    Whole,
    Fraction,
}

/// Opacity of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alpha {
    /// Which sample it is.
    pub(super) index: usize,
    /// Whether the colours were multiplied by it.
    pub(super) multiplied: bool,
}

/// What a page is.
pub(super) struct Layout<'a> {
    pub(super) sides: [u32; 2],
    pub(super) order: Order,
    pub(super) ink: Ink,
    pub(super) number: Number,
    pub(super) bits: usize,
    /// Samples of a pixel.
    pub(super) samples: usize,
    /// Whether each sample has strips or tiles of its own.
    pub(super) apart: bool,
    pub(super) alpha: Option<Alpha>,
    /// How many pixels share colours with one another, across and down, while they are packed.
    pub(super) subsampling: [usize; 2],
    pub(super) packing: Packing,
    pub(super) predictor: Predictor,
    pub(super) reversed: bool,
    /// The sides of a tile, or of a strip, which is as wide as the page.
    pub(super) piece: [u32; 2],
    pub(super) tiled: bool,
    offsets: Option<Values<'a>>,
    lengths: Option<Values<'a>>,
    pub(super) directory: Directory<'a>,
}

impl<'a> Layout<'a> {
    /// Reads the tags of a page.
    ///
    /// # Errors
    ///
    /// [`Fault::Unsupported`] for what is not read here, [`Fault::Corrupt`] if it makes no sense or strips are missing.
    pub(super) fn of(directory: Directory<'a>) -> Result<Self, Fault> {
        let side = |tag| directory.value(tag).and_then(|it| u32::try_from(it).ok()).filter(|it| *it != 0);
        let sides = [side(256).ok_or(Fault::Corrupt)?, side(257).ok_or(Fault::Corrupt)?];
        let packing = packing(&directory)?;
        let old = matches!(packing, Packing::Jpeg { old: true, .. });
        let samples = directory.value(277).unwrap_or(if old { 3 } else { 1 });
        if samples == 0 || SAMPLES_MAX < samples {
            return Err(Fault::Unsupported);
        }
        let samples = samples as usize;
        let (ink, packing) = ink(&directory, packing, samples)?;
        let (bits, number) = bits(&directory, packing, samples)?;
        let (piece, tiled) = piece(&directory, sides)?;
        let apart = directory.value(284) == Some(2) && samples != 1 && !old;
        let mut layout = Self {
            sides,
            order: directory.file.order,
            ink,
            number,
            bits,
            samples,
            apart,
            alpha: alpha(&directory, ink, samples),
            subsampling: subsampling(&directory, ink, old)?,
            packing,
            predictor: predictor(&directory, packing)?,
            reversed: directory.value(266) == Some(2),
            piece,
            tiled,
            offsets: directory.values(if tiled { 324 } else { 273 }).or_else(|| directory.values(273)),
            lengths: directory.values(if tiled { 325 } else { 279 }).or_else(|| directory.values(279)),
            directory,
        };
        if samples < ink.samples() {
            layout.ink = fewer(ink, samples).ok_or(Fault::Unsupported)?;
            layout.subsampling = [1, 1];
        }
        if layout.lab() && layout.number == Number::Whole {
            // Two of the three have a sign, whether it is said or not.
            layout.number = Number::Natural;
        }
        layout.check()?;
        Ok(layout)
    }

    /// Finds what cannot be read, though each part of it could.
    fn check(&self) -> Result<(), Fault> {
        let shared = self.subsampling != [1, 1];
        let strange = (self.ink == Ink::Palette && (8 < self.bits || self.number == Number::Fraction))
            || (self.ink == Ink::YCbCr && (self.bits != 8 || (shared && (self.apart || self.samples != 3))))
            || (self.lab() && (!matches!(self.bits, 8 | 16) || self.number != Number::Natural))
            || (self.whole() && (!matches!(self.samples, 1 | 3) || self.across() != 1))
            || !self.predictor.suits(self.bits)
            || (shared && self.predictor != Predictor::Plain)
            || (matches!(self.packing, Packing::Fax(_)) && self.side_by_side() * self.bits != 1);
        if strange {
            return Err(Fault::Unsupported);
        }
        let pieces = self.across().checked_mul(self.down()).and_then(|it| it.checked_mul(self.planes().len()));
        let told = self.offsets.map_or(0, |it| it.len());
        if !self.whole() && pieces.is_none_or(|it| told < it) { Err(Fault::Corrupt) } else { Ok(()) }
    }

    /// Whether the colours are those of people's eyes, and not those of a device.
    pub(super) fn lab(&self) -> bool {
        matches!(self.ink, Ink::CieLab | Ink::IccLab | Ink::ItuLab)
    }

    /// Whether the strips are read together, because they are one JPEG.
    pub(super) fn whole(&self) -> bool {
        matches!(self.packing, Packing::Jpeg { old: true, .. })
    }

    /// Strips or tiles that stand side by side.
    pub(super) fn across(&self) -> usize {
        self.sides[0].div_ceil(self.piece[0]) as usize
    }

    /// Strips or tiles that stand one above another.
    pub(super) fn down(&self) -> usize {
        self.sides[1].div_ceil(self.piece[1]) as usize
    }

    /// Samples of a pixel that stand side by side.
    pub(super) fn side_by_side(&self) -> usize {
        if self.apart { 1 } else { self.samples }
    }

    /// The samples that have strips or tiles of their own and are read, or one for all.
    pub(super) fn planes(&self) -> Vec<usize> {
        if self.apart {
            let alpha = self.alpha.map(|it| it.index);
            (0..self.ink.samples()).chain(alpha).collect()
        } else {
            vec![0]
        }
    }

    /// Bytes of a row of a strip or tile, as it lies in the file.
    pub(super) fn row_bytes(&self) -> Option<usize> {
        Some((self.piece[0] as usize).checked_mul(self.side_by_side() * self.bits)?.div_ceil(8))
    }

    /// Where a strip or tile lies, up to the end of the file if that is not told, and how long it is.
    pub(super) fn place(&self, index: usize) -> Option<(&'a [u8], usize)> {
        let rest = self.directory.file.from(self.offsets?.get(index).filter(|it| *it != 0)?)?;
        let told = self.lengths.and_then(|it| it.get(index)).filter(|it| *it != 0);
        Some((rest, told.and_then(|it| usize::try_from(it).ok()).map_or(rest.len(), |it| it.min(rest.len()))))
    }

    /// All strips of a page that is one JPEG. They lie side by side: together they are no longer than the file.
    pub(super) fn strips(&self) -> Vec<&'a [u8]> {
        let count = self.offsets.map_or(0, |it| it.len()).min(self.down());
        let mut left = self.directory.file.bytes.len();
        let mut strips = Vec::new();
        for (rest, length) in (0..count).filter_map(|it| self.place(it)) {
            let length = length.min(left);
            left -= length;
            strips.push(&rest[..length]);
        }
        strips
    }

    /// What is said of a page that is one JPEG.
    pub(super) fn said(&self) -> Said<'a> {
        let Self { directory, sides, samples, subsampling, piece, .. } = *self;
        Said { directory, sides, samples, subsampling, rows: piece[1] }
    }
}

fn packing(directory: &Directory<'_>) -> Result<Packing, Fault> {
    let options = directory.value(292).unwrap_or(0);
    Ok(match directory.value(259).unwrap_or(1) {
        1 => Packing::Plain,
        2 => Packing::Fax(Coding::Huffman { words: false }),
        3 => Packing::Fax(Coding::Group3 { two: options & 1 == 1 }),
        4 => Packing::Fax(Coding::Group4),
        5 => Packing::Lzw,
        6 => Packing::Jpeg { old: true, converts: false },
        7 => Packing::Jpeg { old: false, converts: false },
        8 | 32946 => Packing::Deflate,
        32771 => Packing::Fax(Coding::Huffman { words: true }),
        32773 => Packing::PackBits,
        50000 => Packing::Zstandard,
        _ => return Err(Fault::Unsupported),
    })
}

/// What the samples mean, once they are unpacked.
fn ink(directory: &Directory<'_>, packing: Packing, samples: usize) -> Result<(Ink, Packing), Fault> {
    let ink = match directory.value(262) {
        Some(0) => Ink::WhiteIsZero,
        // A mask is white where it lets through.
        Some(1 | 4) => Ink::BlackIsZero,
        Some(2) => Ink::Rgb,
        Some(3) => Ink::Palette,
        Some(5) if matches!(directory.value(332), None | Some(1)) => Ink::Cmyk,
        Some(6) => Ink::YCbCr,
        Some(8) => Ink::CieLab,
        Some(9) => Ink::IccLab,
        Some(10) => Ink::ItuLab,
        Some(_) => return Err(Fault::Unsupported),
        // It must be there and is not. Scans of text are white where nothing is.
        None if 3 <= samples => Ink::Rgb,
        None if directory.value(258).unwrap_or(1) == 1 => Ink::WhiteIsZero,
        None => Ink::BlackIsZero,
    };
    Ok(match (packing, ink) {
        // Of the old way the colours are these, whatever is said.
        (Packing::Jpeg { old: true, .. }, _) if samples == 3 => (Ink::YCbCr, packing),
        (Packing::Jpeg { old: true, .. }, _) => (Ink::BlackIsZero, packing),
        (Packing::Jpeg { .. }, Ink::YCbCr) if samples == 3 && directory.value(284) != Some(2) => {
            (Ink::Rgb, Packing::Jpeg { old: false, converts: true })
        }
        _ => (ink, packing),
    })
}

/// What a page means that has fewer samples than its colours need: lightness alone.
fn fewer(ink: Ink, samples: usize) -> Option<Ink> {
    matches!((ink, samples), (Ink::YCbCr | Ink::CieLab | Ink::IccLab | Ink::ItuLab, 1)).then_some(Ink::BlackIsZero)
}

fn bits(directory: &Directory<'_>, packing: Packing, samples: usize) -> Result<(usize, Number), Fault> {
    let jpeg = matches!(packing, Packing::Jpeg { .. });
    let bits = match directory.values(258) {
        Some(values) => {
            let first = values.get(0).ok_or(Fault::Corrupt)?;
            if (1..values.len().min(samples)).any(|it| values.get(it) != Some(first)) {
                return Err(Fault::Unsupported);
            }
            first
        }
        None => u64::from(if jpeg { 8_u8 } else { 1 }),
    };
    let format = directory.values(339);
    let number = match format.and_then(|it| it.get(0)).unwrap_or(1) {
        0 | 1 | 4 => Number::Natural,
        // Programs that say so of bytes mean the ones without a sign.
        2 if bits <= 8 => Number::Natural,
        2 => Number::Whole,
        3 => Number::Fraction,
        _ => return Err(Fault::Unsupported),
    };
    let read = match number {
        Number::Natural => matches!(bits, 1..=16 | 24 | 32 | 64),
        Number::Whole => matches!(bits, 16 | 24 | 32 | 64),
        Number::Fraction => matches!(bits, 16 | 24 | 32 | 64),
    };
    if read && (!jpeg || bits == 8) { Ok((bits as usize, number)) } else { Err(Fault::Unsupported) }
}

/// The sides of a strip or tile, and whether it is one of these.
fn piece(directory: &Directory<'_>, [width, height]: [u32; 2]) -> Result<([u32; 2], bool), Fault> {
    let side = |tag| directory.value(tag).and_then(|it| u32::try_from(it).ok()).filter(|it| *it != 0);
    if directory.value(322).is_some() {
        return Ok(([side(322).ok_or(Fault::Corrupt)?, side(323).ok_or(Fault::Corrupt)?], true));
    }
    Ok(([width, side(278).unwrap_or(height).min(height)], false))
}

fn alpha(directory: &Directory<'_>, ink: Ink, samples: usize) -> Option<Alpha> {
    let colours = ink.samples();
    if ink == Ink::Cmyk || samples <= colours {
        return None;
    }
    let Some(kinds) = directory.values(338) else {
        // Programs that do not know the tag mean this by a fourth sample.
        return (ink == Ink::Rgb && samples == 4).then_some(Alpha { index: 3, multiplied: false });
    };
    (0..kinds.len().min(samples - colours)).find_map(|it| match kinds.get(it)? {
        1 => Some(Alpha { index: colours + it, multiplied: true }),
        2 => Some(Alpha { index: colours + it, multiplied: false }),
        // What one well-known program writes for it.
        999 => Some(Alpha { index: colours + it, multiplied: false }),
        _ => None,
    })
}

fn subsampling(directory: &Directory<'_>, ink: Ink, old: bool) -> Result<[usize; 2], Fault> {
    if ink != Ink::YCbCr && !old {
        return Ok([1, 1]);
    }
    let values = directory.values(530);
    let side = |index| values.map_or(Some(2), |it| it.get(index));
    match (side(0), side(1)) {
        (Some(across @ (1 | 2 | 4)), Some(down @ (1 | 2 | 4))) => Ok([across as usize, down as usize]),
        _ => Err(Fault::Corrupt),
    }
}

fn predictor(directory: &Directory<'_>, packing: Packing) -> Result<Predictor, Fault> {
    if !matches!(packing, Packing::Lzw | Packing::Deflate | Packing::Zstandard) {
        return Ok(Predictor::Plain);
    }
    match directory.value(317) {
        None | Some(1) => Ok(Predictor::Plain),
        Some(2) => Ok(Predictor::Differences),
        Some(3) => Ok(Predictor::Fractions),
        Some(_) => Err(Fault::Unsupported),
    }
}
