//! Undoes what was done to samples before they were packed: differences to the pixel on the left.

use super::super::Fault;
use super::tags::Order;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    /// Nothing.
    Plain,
    /// Every sample is the difference to the one on the left.
    Differences,
    /// The bytes of fractions stand apart, the highest of all first, and each is the difference to the one before.
    Fractions,
}

/// What a row is made of.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Bits of a sample.
    pub(super) bits: usize,
    /// Samples of a pixel that stand side by side.
    pub(super) samples: usize,
    pub(super) order: Order,
}

impl Predictor {
    /// Whether it can be undone for samples of so many bits.
    pub(super) fn suits(self, bits: usize) -> bool {
        match self {
            Self::Plain => true,
            Self::Differences => matches!(bits, 8 | 16 | 32 | 64),
            Self::Fractions => matches!(bits, 16 | 24 | 32 | 64),
        }
    }

    /// Makes samples of the rows, each of `length` bytes.
    pub(super) fn undo(self, rows: &mut [u8], length: usize, shape: Shape) -> Result<(), Fault> {
        if !self.suits(shape.bits) {
            return Err(Fault::Unsupported);
        }
        let mut apart = Vec::new();
        for row in rows.chunks_exact_mut(length) {
            match self {
                Self::Plain => return Ok(()),
                Self::Differences => sum(row, shape),
                Self::Fractions => {
                    bytes(row, shape.samples);
                    apart.clear();
                    apart.extend_from_slice(row);
                    together(&apart, row, shape);
                }
            }
        }
        Ok(())
    }
}

/// Adds up the samples of a row.
fn sum(row: &mut [u8], shape: Shape) {
    let Shape { bits, samples, order } = shape;
    match (bits, order) {
        (8, _) => bytes(row, samples),
        (16, Order::Little) => {
            words(row, samples, |it, by| u16::from_le_bytes(it).wrapping_add(u16::from_le_bytes(by)).to_le_bytes())
        }
        (16, Order::Big) => {
            words(row, samples, |it, by| u16::from_be_bytes(it).wrapping_add(u16::from_be_bytes(by)).to_be_bytes())
        }
        (32, Order::Little) => {
            words(row, samples, |it, by| u32::from_le_bytes(it).wrapping_add(u32::from_le_bytes(by)).to_le_bytes())
        }
        (32, Order::Big) => {
            words(row, samples, |it, by| u32::from_be_bytes(it).wrapping_add(u32::from_be_bytes(by)).to_be_bytes())
        }
        (_, Order::Little) => {
            words(row, samples, |it, by| u64::from_le_bytes(it).wrapping_add(u64::from_le_bytes(by)).to_le_bytes())
        }
        (_, Order::Big) => {
            words(row, samples, |it, by| u64::from_be_bytes(it).wrapping_add(u64::from_be_bytes(by)).to_be_bytes())
        }
    }
}

fn bytes(row: &mut [u8], samples: usize) {
    match samples {
        1 => near::<1>(row),
        3 => near::<3>(row),
        4 => near::<4>(row),
        _ => {
            for at in samples..row.len() {
                row[at] = row[at].wrapping_add(row[at - samples]);
            }
        }
    }
}

/// Adds up pixels of `N` bytes, whose sums do not leave the registers.
fn near<const N: usize>(row: &mut [u8]) {
    let mut sums = [0_u8; N];
    for pixel in row.chunks_exact_mut(N) {
        for (byte, sum) in pixel.iter_mut().zip(&mut sums) {
            *sum = sum.wrapping_add(*byte);
            *byte = *sum;
        }
    }
}

fn words<const N: usize>(row: &mut [u8], samples: usize, add: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    let mut at = samples * N;
    while at + N <= row.len() {
        let (mut word, mut left) = ([0; N], [0; N]);
        word.copy_from_slice(&row[at..at + N]);
        left.copy_from_slice(&row[at - samples * N..][..N]);
        row[at..at + N].copy_from_slice(&add(word, left));
        at += N;
    }
}

/// Puts the bytes of every fraction side by side, in the order of the file.
fn together(apart: &[u8], row: &mut [u8], shape: Shape) {
    let size = shape.bits / 8;
    let count = apart.len() / size;
    for (index, sample) in row.chunks_exact_mut(size).enumerate() {
        for byte in 0..size {
            let place = if shape.order == Order::Big { byte } else { size - 1 - byte };
            sample[place] = apart[byte * count + index];
        }
    }
}
