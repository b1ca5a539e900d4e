//! Samples as they lie in a file to bytes: any number of bits, numbers with a sign, and fractions.

use super::{layout::Number, tags::Order};

/// What a byte is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// How bright it is: 255 for the greatest.
    Brightness,
    /// The number itself.
    Index,
    /// Its highest eight bits, which may have a sign.
    High,
}

/// How samples are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Samples {
    pub(super) bits: usize,
    pub(super) number: Number,
    pub(super) order: Order,
    pub(super) reading: Reading,
    /// What is white, where the number of bits does not say it.
    pub(super) white: f64,
}

impl Samples {
    /// Whether what is white depends on what the page has.
    ///
    /// Programs do not agree: fractions go up to one or to 255, and numbers of 32 bits are often those of fewer.
    pub(super) fn relative(&self) -> bool {
        16 < self.bits || self.number != Number::Natural
    }

    /// Writes the first samples of `raw` to every place of `out` that is a multiple of `step`.
    pub(super) fn write(&self, raw: &[u8], out: &mut [u8], step: usize) {
        let places = out.iter_mut().step_by(step);
        if self.relative() {
            let scale = 255.0 / self.white;
            return places.zip(raw.chunks_exact(self.bits / 8)).for_each(|(place, it)| {
                *place = (self.value(it) * scale + 0.5) as u8;
            });
        }
        match (self.bits, self.order) {
            (8, _) if step == 1 => out.copy_from_slice(&raw[..out.len()]),
            (8, _) => places.zip(raw).for_each(|(place, it)| *place = *it),
            (16, Order::Little) => self.words(raw, places, u16::from_le_bytes),
            (16, Order::Big) => self.words(raw, places, u16::from_be_bytes),
            (bits @ (1 | 2 | 4), _) => self.parts(raw, bits, places),
            (bits, _) => self.any(raw, bits, places),
        }
    }

    fn words<'a>(&self, raw: &[u8], places: impl Iterator<Item = &'a mut u8>, word: impl Fn([u8; 2]) -> u16) {
        let words = raw.as_chunks::<2>().0.iter().map(|it| word(*it));
        if self.reading == Reading::High {
            places.zip(words).for_each(|(place, it)| *place = (it >> 8) as u8);
        } else {
            places.zip(words).for_each(|(place, it)| *place = ((u32::from(it) + 128) / 257) as u8);
        }
    }

    /// Writes samples of which a byte has several.
    fn parts<'a>(&self, raw: &[u8], bits: usize, mut places: impl Iterator<Item = &'a mut u8>) {
        let most = (1_u8 << bits) - 1;
        let factor = if self.reading == Reading::Index { 1 } else { 255 / most };
        for byte in raw {
            for part in (0..8 / bits).rev() {
                let Some(place) = places.next() else { return };
                *place = (byte >> (part * bits) & most) * factor;
            }
        }
    }

    /// Writes samples of up to 16 bits, one behind the other, wherever bytes end.
    fn any<'a>(&self, raw: &[u8], bits: usize, places: impl Iterator<Item = &'a mut u8>) {
        let most = (1_u32 << bits) - 1;
        let (mut held, mut count, mut bytes) = (0_u32, 0, raw.iter());
        for place in places {
            while count < bits {
                let Some(byte) = bytes.next() else { return };
                held = held << 8 | u32::from(*byte);
                count += 8;
            }
            count -= bits;
            let sample = held >> count & most;
            *place = match self.reading {
                Reading::Brightness => ((sample * 255 + most / 2) / most) as u8,
                Reading::Index => sample as u8,
                Reading::High => (sample >> bits.saturating_sub(8)) as u8,
            };
        }
    }

    /// The greatest of the samples.
    pub(super) fn greatest(&self, raw: &[u8]) -> f64 {
        raw.chunks_exact(self.bits / 8).map(|it| self.value(it)).filter(|it| it.is_finite()).fold(0.0, f64::max)
    }

    /// The number that a sample of whole bytes is.
    fn value(&self, sample: &[u8]) -> f64 {
        let number = self.order.number(sample);
        let above = 64 - self.bits;
        match (self.number, self.bits) {
            (Number::Natural, _) => number as f64,
            (Number::Whole, _) => ((number << above) as i64 >> above) as f64,
            (Number::Fraction, 16) => small(number, 5, 10),
            (Number::Fraction, 24) => small(number, 7, 16),
            (Number::Fraction, 32) => f64::from(f32::from_bits(number as u32)),
            (Number::Fraction, _) => f64::from_bits(number),
        }
    }
}

/// What is white, when `greatest` is the greatest sample.
///
/// Light may be a little brighter than white, which is one; beyond that, bytes or words have been made fractions.
pub(super) fn white(number: Number, greatest: f64) -> f64 {
    const GLARE: f64 = 16.0;
    match number {
        Number::Fraction if greatest <= GLARE => 1.0,
        _ if greatest <= 255.5 => 255.0,
        Number::Whole if greatest <= 32_767.0 => 32_767.0,
        _ if greatest <= 65_535.5 => 65_535.0,
        _ => greatest,
    }
}

/// A fraction of few bits: a sign, an exponent and a mantissa of as many.
fn small(number: u64, exponent: u32, mantissa: u32) -> f64 {
    let sign = if number >> (exponent + mantissa) & 1 == 1 { -1.0 } else { 1.0 };
    let most = (1_i32 << exponent) - 1;
    let power = (number >> mantissa) as i32 & most;
    let part = (number & ((1 << mantissa) - 1)) as f64 / f64::from(1_u32 << mantissa);
    let bias = most / 2;
    match power {
        0 => sign * part * 2_f64.powi(1 - bias),
        _ if power == most => sign * if part == 0.0 { f64::INFINITY } else { f64::NAN },
        _ => sign * (1.0 + part) * 2_f64.powi(power - bias),
    }
}
