//! How many groups of codes a lossless WebP announces, which its decoder makes room for before it looks at a pixel.
//!
//! A group is five tables of up to four kibibytes, made of sixty bytes of the file or fewer, and a single pixel of a
//! picture beside the picture announces 65,536 of them. So that little picture is read here first, and with it those
//! that stand before it; nothing else is. Source: RFC 9649, section 3.

use super::super::decode::PIXELS_MAX;

/// Codes of a group: green and lengths, red, blue, alpha, distances.
const ALPHABETS: [usize; 5] = [256 + 24, 256, 256, 256, 40];

/// The order in which the lengths of the codes for lengths are told.
const ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The bits of the data, with the lowest of a byte first.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next `count` bits, at most 24. None when they are not there.
    fn take(&mut self, count: usize) -> Option<usize> {
        let bit = |at: usize| Some(usize::from(*self.data.get(at / 8)?) >> (at % 8) & 1);
        let mut value = 0;
        for place in 0..count {
            value |= bit(self.at + place)? << place;
        }
        self.at += count;
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }
}

/// A code: how many of each length there are, and their symbols in order. A single symbol takes no bit.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        lengths.iter().for_each(|it| counts[*it] += 1);
        counts[0] = 0;
        let mut symbols: Vec<_> = (0..lengths.len()).filter(|it| lengths[*it] != 0).collect();
        symbols.sort_by_key(|it| lengths[*it]);
        Self { counts, symbols }
    }

    /// Reads the code for so many symbols.
    fn read(bits: &mut Bits<'_>, symbols: usize) -> Option<Self> {
        let mut lengths = vec![0; symbols];
        if bits.flag()? {
            let two = bits.flag()?;
            let wide = bits.flag()?;
            let first = bits.take(if wide { 8 } else { 1 })?;
            if !two {
                return Some(Self { counts: [0; 16], symbols: vec![first] });
            }
            // They may be the same, and in any order.
            let mut counts = [0; 16];
            counts[1] = 2;
            return Some(Self { counts, symbols: vec![first, bits.take(8)?] });
        }
        let mut told = [0; ORDER.len()];
        for place in &ORDER[..4 + bits.take(4)?] {
            told[*place] = bits.take(3)?;
        }
        let told = Self::new(&told);
        let mut left = symbols;
        if bits.flag()? {
            let length = 2 + 2 * bits.take(3)?;
            left = 2 + bits.take(length)?;
        }
        let (mut at, mut before) = (0, 8);
        while at < symbols && left != 0 {
            left -= 1;
            let (length, times) = match told.symbol(bits)? {
                16 => (before, 3 + bits.take(2)?),
                17 => (0, 3 + bits.take(3)?),
                18 => (0, 11 + bits.take(7)?),
                length => (length, 1),
            };
            lengths.get_mut(at..at + times)?.fill(length);
            at += times;
            before = if length == 0 { before } else { length };
        }
        Some(Self::new(&lengths))
    }

    /// The next symbol.
    fn symbol(&self, bits: &mut Bits<'_>) -> Option<usize> {
        if let [symbol] = self.symbols[..] {
            return Some(symbol);
        }
        let (mut code, mut first, mut place) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return self.symbols.get(place + code.checked_sub(first)?).copied();
            }
            place += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// Reads how many groups of codes the picture in `data` announces. `sides` are told where the data is only an alpha.
///
/// None for data that is damaged before it says so: the decoder then stops there as well.
pub(super) fn groups(data: &[u8], sides: Option<[usize; 2]>) -> Option<usize> {
    let mut bits = Bits { data, at: 0 };
    let [mut width, height] = match sides {
        Some(sides) => sides,
        None => {
            bits.take(8)?;
            let sides = [1 + bits.take(14)?, 1 + bits.take(14)?];
            bits.take(4)?;
            sides
        }
    };
    if PIXELS_MAX < (width * height) as u64 {
        return None;
    }
    // What is done to the pixels first, each at most once.
    let mut done = [false; 4];
    while bits.flag()? {
        let what = bits.take(2)?;
        if std::mem::replace(&mut done[what], true) {
            return None;
        }
        match what {
            0 | 1 => {
                let size = 2 + bits.take(3)?;
                picture(&mut bits, [width, height].map(|it| it.div_ceil(1 << size)))?;
            }
            2 => {}
            _ => {
                let colours = 1 + bits.take(8)?;
                picture(&mut bits, [colours, 1])?;
                let packed = [2, 4, 16].iter().filter(|it| colours <= **it).count();
                width = width.div_ceil(1 << packed);
            }
        }
    }
    if bits.flag()? {
        bits.take(4)?;
    }
    if !bits.flag()? {
        return Some(1);
    }
    let size = 2 + bits.take(3)?;
    let groups = picture(&mut bits, [width, height].map(|it| it.div_ceil(1 << size)))?;
    groups.iter().map(|it| 1 + usize::from(*it)).max()
}

/// Reads a picture that stands beside the picture: the red and the green of its pixels.
fn picture(bits: &mut Bits<'_>, [width, height]: [usize; 2]) -> Option<Vec<u16>> {
    let cached = if bits.flag()? { Some(bits.take(4)?).filter(|it| (1..=11).contains(it)) } else { None };
    let mut codes = Vec::new();
    for (place, symbols) in ALPHABETS.into_iter().enumerate() {
        let more = cached.filter(|_| place == 0).map_or(0, |it| 1 << it);
        codes.push(Code::read(bits, symbols + more)?);
    }
    let [green, others @ .., distances] = &codes[..] else { return None };
    let mut cache = vec![0_u32; cached.map_or(0, |it| 1 << it)];
    let mut pixels: Vec<u32> = Vec::new();
    while pixels.len() < width * height {
        let begin = pixels.len();
        match green.symbol(bits)? {
            symbol @ 0..256 => {
                let mut pixel = (symbol as u32) << 8;
                for (code, shift) in others.iter().zip([16, 0, 24]) {
                    pixel |= (code.symbol(bits)? as u32) << shift;
                }
                pixels.push(pixel);
            }
            symbol @ 256..280 => {
                let length = count(bits, symbol - 256)?;
                let code = distances.symbol(bits)?;
                let back = distance(count(bits, code)?, width);
                let from = begin.checked_sub(back)?;
                for at in 0..length.min(width * height - begin) {
                    pixels.push(pixels[from + at]);
                }
            }
            symbol => pixels.push(*cache.get(symbol - 280)?),
        }
        if let Some(size) = cached {
            for pixel in &pixels[begin..] {
                cache[(pixel.wrapping_mul(0x1e35_a7bd) >> (32 - size)) as usize] = *pixel;
            }
        }
    }
    Some(pixels.iter().map(|it| (it >> 8) as u16).collect())
}

/// Reads a length or a distance: its range, and where in it. A code of one symbol may name a range that there is not.
fn count(bits: &mut Bits<'_>, range: usize) -> Option<usize> {
    /// Ranges of distances; lengths have fewer.
    const RANGES: usize = 40;

    if range < 4 {
        return Some(range + 1);
    }
    if RANGES <= range {
        return None;
    }
    let more = (range - 2) >> 1;
    Some(((2 + (range & 1)) << more) + bits.take(more)? + 1)
}

/// How many pixels back it is. The first 120 are those around, the nearest first.
fn distance(code: usize, width: usize) -> usize {
    /// To the left and above, each in four bits; eight to the left is 8, and to the right is less than that.
    const AROUND: &[u8; 120] = &[
        0x18, 0x07, 0x17, 0x19, 0x28, 0x06, 0x27, 0x29, 0x16, 0x1a, 0x26, 0x2a, 0x38, 0x05, 0x37, 0x39, 0x15, 0x1b,
        0x36, 0x3a, 0x25, 0x2b, 0x48, 0x04, 0x47, 0x49, 0x14, 0x1c, 0x35, 0x3b, 0x46, 0x4a, 0x24, 0x2c, 0x58, 0x45,
        0x4b, 0x34, 0x3c, 0x03, 0x57, 0x59, 0x13, 0x1d, 0x56, 0x5a, 0x23, 0x2d, 0x44, 0x4c, 0x55, 0x5b, 0x33, 0x3d,
        0x68, 0x02, 0x67, 0x69, 0x12, 0x1e, 0x66, 0x6a, 0x22, 0x2e, 0x54, 0x5c, 0x43, 0x4d, 0x65, 0x6b, 0x32, 0x3e,
        0x78, 0x01, 0x77, 0x79, 0x53, 0x5d, 0x11, 0x1f, 0x64, 0x6c, 0x42, 0x4e, 0x76, 0x7a, 0x21, 0x2f, 0x75, 0x7b,
        0x31, 0x3f, 0x63, 0x6d, 0x52, 0x5e, 0x00, 0x74, 0x7c, 0x41, 0x4f, 0x10, 0x20, 0x62, 0x6e, 0x30, 0x73, 0x7d,
        0x51, 0x5f, 0x40, 0x72, 0x7e, 0x61, 0x6f, 0x50, 0x71, 0x7f, 0x60, 0x70,
    ];
    let Some(near) = AROUND.get(code - 1) else { return code - AROUND.len() };
    let (above, right) = (usize::from(near >> 4), usize::from(near & 15));
    (above * width + 8).saturating_sub(right).max(1)
}
