//! The codings of fax machines: modified Huffman, Group 3 in one and two dimensions, and Group 4.
//!
//! Source: ITU-T Recommendations T.4 and T.6, and TIFF 6.0, sections 10 and 11. A row is the places where its colour
//! changes, beginning with white: what is at an even index is the beginning of black.

mod codes;

use super::super::Fault;
use codes::{BLACK_RUNS, CODE_BITS, WHITE_RUNS};

/// Zeros that an end of a line begins with. No code begins with as many.
const END_OF_LINE_ZEROS: u32 = 11;

/// Changes of colour that a row has for each of its pixels, and beside: as many as there are pixels, and after each one
/// a run of nothing. A hostile row has one for every three bits of the file.
const CHANGES_MAX: [usize; 2] = [2, 4];

/// Which of the codings it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Rows of run lengths, each from the beginning of a byte, or of a word of two.
    Huffman { words: bool },
    /// Rows behind marks of their ends; of `two` dimensions where the mark says so.
    Group3 { two: bool },
    /// Every row by the one above.
    Group4,
}

/// How a row ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    Whole,
    /// There are no more rows: the end is said, and what is left is white.
    Last,
}

/// Why a row could not be read.
enum Bad {
    /// There is no such code.
    Code,
    /// The data ends.
    End,
    /// The way to send pixels as they are, which no program writes.
    Extension,
}

/// The data, bit by bit, with the highest of a byte first. Behind the end there are zeros.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next 16 bits, which stay.
    fn peek(&self) -> u32 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let window = match rest.first_chunk() {
            Some(four) => u32::from_be_bytes(*four),
            None => {
                let mut four = [0; 4];
                four[..rest.len()].copy_from_slice(rest);
                u32::from_be_bytes(four)
            }
        };
        window << (self.at % 8) >> 16
    }

    fn ended(&self) -> bool {
        8 * self.bytes.len() < self.at
    }

    /// Goes on to a multiple of `bits`.
    fn align(&mut self, bits: usize) {
        self.at = self.at.next_multiple_of(bits);
    }

    /// Whether an end of a line begins here, with zeros to fill it up before.
    fn at_end_of_line(&self) -> bool {
        self.peek() >> (16 - END_OF_LINE_ZEROS) == 0
    }

    /// Passes the end of a line, if there is one.
    fn end_of_line(&mut self) -> Result<bool, Bad> {
        if !self.at_end_of_line() {
            return Ok(false);
        }
        self.at += END_OF_LINE_ZEROS as usize;
        loop {
            let zeros = (self.peek() << 16).leading_zeros().min(16);
            self.at += zeros as usize;
            if self.ended() {
                return Err(Bad::End);
            }
            if zeros < 16 {
                self.at += 1;
                return Ok(true);
            }
        }
    }

    /// The length of a run.
    fn run(&mut self, black: bool) -> Result<usize, Bad> {
        let runs = if black { &BLACK_RUNS } else { &WHITE_RUNS };
        let mut length = 0;
        loop {
            let run = runs[(self.peek() >> (16 - CODE_BITS)) as usize];
            if run.bits == 0 {
                return Err(if 8 * self.bytes.len() < self.at + 16 { Bad::End } else { Bad::Code });
            }
            self.at += usize::from(run.bits);
            if self.ended() {
                return Err(Bad::End);
            }
            length += usize::from(run.pixels);
            if run.pixels < 64 {
                return Ok(length);
            }
        }
    }
}

/// A decoder of the rows of a strip.
struct Rows<'a> {
    bits: Bits<'a>,
    width: usize,
    above: Vec<usize>,
    row: Vec<usize>,
}

/// Unpacks rows of `width` pixels, one bit each and black ones, until `out` is full.
///
/// A row of Group 3 with a bad code is white from there, as the machines have it. Rows behind a mark that says that
/// there are no more are white too.
///
/// # Errors
///
/// [`Fault::Corrupt`] if there are fewer rows, [`Fault::Unsupported`] if pixels are sent as they are.
pub(super) fn unpack(packed: &[u8], coding: Coding, width: usize, out: &mut [u8]) -> Result<(), Fault> {
    let bits = Bits { bytes: packed, at: 0 };
    let mut rows = Rows { bits, width, above: Vec::new(), row: Vec::new() };
    let mut lines = out.chunks_exact_mut(width.div_ceil(8)).enumerate();
    while let Some((number, line)) = lines.next() {
        let row = match coding {
            Coding::Huffman { words } => rows.huffman(words),
            Coding::Group3 { two } => rows.group3(two),
            Coding::Group4 => rows.two(true),
        };
        match row {
            Ok(Row::Last) if number != 0 => {
                line.fill(0);
                lines.for_each(|(_, line)| line.fill(0));
                return Ok(());
            }
            Ok(Row::Whole) => draw(&rows.row, width, line),
            Err(Bad::Extension) => return Err(Fault::Unsupported),
            _ => return Err(Fault::Corrupt),
        }
        std::mem::swap(&mut rows.above, &mut rows.row);
    }
    Ok(())
}

impl Rows<'_> {
    fn huffman(&mut self, words: bool) -> Result<Row, Bad> {
        let row = self.one()?;
        self.bits.align(if words { 16 } else { 8 });
        Ok(row)
    }

    fn group3(&mut self, two: bool) -> Result<Row, Bad> {
        let mut above = false;
        if self.bits.end_of_line()? {
            above = two && self.tagged();
            // Twice means that the page ends.
            if self.bits.at_end_of_line() {
                return Ok(Row::Last);
            }
        }
        match if above { self.two(false) } else { self.one() } {
            Err(Bad::Code) => {
                while !self.bits.at_end_of_line() {
                    self.bits.at += 1;
                }
                Ok(Row::Whole)
            }
            row => row,
        }
    }

    /// Whether the bit behind the end of a line says that the row has two dimensions.
    fn tagged(&mut self) -> bool {
        let two = self.bits.peek() >> 15 == 0;
        self.bits.at += 1;
        two
    }

    /// Notes that the colour changes.
    fn change(&mut self, at: usize) -> Result<(), Bad> {
        let [each, beside] = CHANGES_MAX;
        if each * self.width + beside <= self.row.len() {
            return Err(Bad::Code);
        }
        self.row.push(at);
        Ok(())
    }

    /// Reads a row of run lengths.
    fn one(&mut self) -> Result<Row, Bad> {
        self.row.clear();
        let (mut at, mut black) = (0, false);
        while at < self.width {
            at += self.bits.run(black)?;
            self.change(at)?;
            black = !black;
        }
        Ok(Row::Whole)
    }

    /// Reads a row by the one above. The end of a block may stand in its place.
    fn two(&mut self, ends: bool) -> Result<Row, Bad> {
        self.row.clear();
        let (mut at, mut black, mut next) = (0, false, 0);
        // A row begins left of its first pixel: the first change above may be there.
        let mut from = 0;
        while at < self.width {
            // The first change above that is to the right of here, and to the other colour.
            while self.above.get(next).is_some_and(|it| *it < from) {
                next += 2;
            }
            let change = |index: usize| self.above.get(index).map_or(self.width, |it| (*it).min(self.width));
            let (first, second) = (change(next), change(next + 1));
            let code = self.bits.peek();
            let (bits, to) = match code >> 9 {
                64.. => (1, Some(first)),
                48.. => (3, Some(first + 1)),
                32.. => (3, first.checked_sub(1)),
                16.. => {
                    self.bits.at += 3;
                    for colour in [black, !black] {
                        at += self.bits.run(colour)?;
                        self.change(at)?;
                    }
                    from = at + 1;
                    continue;
                }
                8.. => {
                    self.bits.at += 4;
                    at = second;
                    from = at + 1;
                    continue;
                }
                6.. => (6, Some(first + 2)),
                4.. => (6, first.checked_sub(2)),
                3 => (7, Some(first + 3)),
                2 => (7, first.checked_sub(3)),
                1 => return Err(Bad::Extension),
                _ if ends && from == 0 && self.bits.end_of_line()? => return Ok(Row::Last),
                _ if 8 * self.bits.bytes.len() < self.bits.at + 16 => return Err(Bad::End),
                _ => return Err(Bad::Code),
            };
            self.bits.at += bits;
            if self.bits.ended() {
                return Err(Bad::End);
            }
            at = to.filter(|it| at <= *it).ok_or(Bad::Code)?;
            self.change(at)?;
            from = at + 1;
            black = !black;
            // The change before may be to the right of here as well, and is to the colour that is now the other.
            next = if next == 0 { 1 } else { next - 1 };
        }
        Ok(Row::Whole)
    }
}

/// Draws a row of which the changes are known.
fn draw(changes: &[usize], width: usize, line: &mut [u8]) {
    line.fill(0);
    for pair in changes.chunks(2) {
        let from = pair[0].min(width);
        let to = pair.get(1).map_or(width, |it| (*it).min(width));
        if from < to {
            blacken(line, from, to);
        }
    }
}

/// Sets the bits from one place to before another, of which there is at least one.
fn blacken(line: &mut [u8], from: usize, to: usize) {
    let (first, last) = (from / 8, (to - 1) / 8);
    let (left, right) = (0xff_u8 >> (from % 8), 0xff_u8 << (7 - (to - 1) % 8));
    if first == last {
        line[first] |= left & right;
    } else {
        line[first] |= left;
        line[first + 1..last].fill(0xff);
        line[last] |= right;
    }
}
