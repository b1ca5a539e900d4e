//! From the frequencies of a block of a JPEG to its pixels, at full size or fewer.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Frequencies of a block on each side.
pub(super) const BLOCK: usize = 8;

/// The place where frequencies go that are not wanted.
pub(super) const NOWHERE: usize = BLOCK * BLOCK;

/// Frequencies of a block that are wanted, by column and then by row, and what is not.
pub(super) type Frequencies = [f32; NOWHERE + 1];

/// In which order a file has the frequencies of a block: in zigzag from the corner, told here as eight times the row and
/// the column.
const ORDER: [u8; NOWHERE] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// Turns blocks of eight by eight frequencies into pixels, `size` on a side.
///
/// Of the frequencies only the lowest `size` by `size` count. That is the picture as it would be after a good filter, and
/// less work than all of its pixels.
pub(super) struct Cosine {
    /// Pixels of a block on each side: 1, 2, 4 or 8.
    pub(super) size: usize,
    /// Where each frequency of the file goes.
    pub(super) places: [u8; NOWHERE],
    /// How much of each frequency is in each of the upper half of the pixels.
    shares: [[f32; BLOCK]; BLOCK / 2],
}

impl Cosine {
    /// The one that makes `size` pixels on a side.
    pub(super) fn new(size: usize) -> Self {
        let places = ORDER.map(|it| {
            let [row, column] = [usize::from(it) / BLOCK, usize::from(it) % BLOCK];
            if row.max(column) < size { (column * size + row) as u8 } else { NOWHERE as u8 }
        });
        let mut shares = [[0.0; BLOCK]; BLOCK / 2];
        for (pixel, shares) in shares.iter_mut().enumerate() {
            for (frequency, share) in shares.iter_mut().enumerate() {
                let angle = (2 * pixel + 1) as f32 * frequency as f32 * PI / (2 * size) as f32;
                *share = 0.5 * if frequency == 0 { FRAC_1_SQRT_2 } else { angle.cos() };
            }
        }
        Self { size, places, shares }
    }

    /// Makes the pixels of a block, row after row; what comes behind these is not touched.
    pub(super) fn pixels(&self, frequencies: &Frequencies, pixels: &mut [u8; NOWHERE]) {
        match self.size {
            1 => pixels[0] = rounded(frequencies[0] / BLOCK as f32),
            2 => self.both_ways::<2>(frequencies, pixels),
            4 => self.both_ways::<4>(frequencies, pixels),
            _ => self.both_ways::<8>(frequencies, pixels),
        }
    }

    fn both_ways<const N: usize>(&self, frequencies: &Frequencies, pixels: &mut [u8; NOWHERE]) {
        let mut block = [[0.0; N]; N];
        for (row, from) in block.iter_mut().zip(frequencies.as_chunks::<N>().0) {
            *row = *from;
        }
        let block = self.one_way(&block);
        let mut turned = [[0.0; N]; N];
        for (at, row) in turned.iter_mut().enumerate() {
            for (pixel, from) in row.iter_mut().zip(&block) {
                *pixel = from[at];
            }
        }
        let block = self.one_way(&turned);
        for (row, from) in pixels.as_chunks_mut::<N>().0.iter_mut().zip(&block) {
            for (pixel, value) in row.iter_mut().zip(from) {
                *pixel = rounded(*value);
            }
        }
    }

    /// Turns each column of frequencies into pixels. Even frequencies are the same in both halves of a column, odd ones
    /// are opposites.
    fn one_way<const N: usize>(&self, block: &[[f32; N]; N]) -> [[f32; N]; N] {
        let mut pixels = [[0.0; N]; N];
        for at in 0..N / 2 {
            let mut even = [0.0; N];
            let mut odd = [0.0; N];
            for frequency in (0..N).step_by(2) {
                let share = [self.shares[at][frequency], self.shares[at][frequency + 1]];
                for column in 0..N {
                    even[column] += share[0] * block[frequency][column];
                    odd[column] += share[1] * block[frequency + 1][column];
                }
            }
            for column in 0..N {
                pixels[at][column] = even[column] + odd[column];
                pixels[N - 1 - at][column] = even[column] - odd[column];
            }
        }
        pixels
    }
}

/// A pixel, of which the frequencies tell how far it is from the middle.
pub(super) fn rounded(value: f32) -> u8 {
    /// Beyond this, numbers of 32 bits have no fractions, and the lowest bits are the number: the quickest rounding.
    const WHOLE: f32 = (1 << 23) as f32;

    ((value + 128.0).clamp(0.0, 255.0) + WHOLE).to_bits() as u8
}
