//! LZW as TIFF has it, and as it had it before its fifth revision.
//!
//! What a code stands for was written to the output before: the codes keep where, and how long it is, and its first
//! bytes, which are mostly all. Nothing is ever unwound backwards, and most codes are one store of eight bytes.

/// Empties the table.
const CLEAR: usize = 256;
/// Ends the data.
const END: usize = 257;
/// Codes have twelve bits at most.
const CODES: usize = 1 << 12;
/// Bytes that a code keeps of what it stands for.
const KEPT: usize = 8;

/// What a code stands for: `length` bytes, which stand in the output from `at` on unless it is a single one.
#[derive(Clone, Copy, Default)]
struct Code {
    /// The first of them, the very first lowest.
    kept: u64,
    at: u32,
    length: u32,
}

impl Code {
    /// The string with one more byte at its end.
    #[inline(always)]
    fn and(self, byte: u64) -> Self {
        let place = byte.checked_shl(8 * self.length).unwrap_or(0);
        Self { kept: self.kept | place, at: self.at, length: self.length + 1 }
    }

    #[inline(always)]
    fn first(self) -> u64 {
        self.kept & 0xff
    }
}

/// The bits of the input. Codes begin with the highest of a byte, and those of the old kind with the lowest.
struct Bits<'a, const OLD: bool> {
    rest: &'a [u8],
    held: u64,
    count: u32,
}

impl<const OLD: bool> Bits<'_, OLD> {
    /// The next code, of `width` bits. None when the input ends before it does.
    #[inline(always)]
    fn code(&mut self, width: u32) -> Option<usize> {
        if self.count < width {
            self.fill();
            if self.count < width {
                return None;
            }
        }
        self.count -= width;
        let mask = (1 << width) - 1;
        if OLD {
            let code = self.held & mask;
            self.held >>= width;
            Some(code as usize)
        } else {
            Some((self.held >> self.count & mask) as usize)
        }
    }

    #[inline(always)]
    fn fill(&mut self) {
        if let Some((four, rest)) = self.rest.split_first_chunk::<4>() {
            self.rest = rest;
            if OLD {
                self.held |= u64::from(u32::from_le_bytes(*four)) << self.count;
            } else {
                self.held = self.held << 32 | u64::from(u32::from_be_bytes(*four));
            }
            self.count += 32;
        } else {
            while let Some((byte, rest)) = self.rest.split_first() {
                self.rest = rest;
                if OLD {
                    self.held |= u64::from(*byte) << self.count;
                } else {
                    self.held = self.held << 8 | u64::from(*byte);
                }
                self.count += 8;
            }
        }
    }
}

/// What the codes stand for. What is left in it of one strip is not looked at for the next.
pub(super) struct Codes(Box<[Code; CODES]>);

impl Codes {
    pub(super) fn new() -> Self {
        let mut codes = Box::new([Code::default(); CODES]);
        for (byte, code) in codes[..CLEAR].iter_mut().enumerate() {
            *code = Code { kept: byte as u64, at: 0, length: 1 };
        }
        Self(codes)
    }

    /// Unpacks `packed` until `out` is full, and tells how many bytes of it were written.
    pub(super) fn unpack(&mut self, packed: &[u8], out: &mut [u8]) -> usize {
        // The first code empties the table. Of the old kind, which begins with the lowest bit, it is this.
        if matches!(packed, [0, second, ..] if second & 1 == 1) {
            strings::<true>(&mut self.0, packed, out)
        } else {
            strings::<false>(&mut self.0, packed, out)
        }
    }
}

fn strings<const OLD: bool>(codes: &mut [Code; CODES], packed: &[u8], out: &mut [u8]) -> usize {
    let mut bits = Bits::<OLD> { rest: packed, held: 0, count: 0 };
    // The width grows one code early, but for the old kind.
    let early = usize::from(!OLD);
    let (mut next, mut width, mut grows) = (END + 1, 9, 512 - early);
    let mut at = 0;
    // Nothing comes before the first code, nor before the first behind one that empties the table.
    let mut before = Code::default();
    while at < out.len() {
        let Some(code) = bits.code(width) else { return at };
        if code & !1 == CLEAR {
            if code == END {
                return at;
            }
            (next, width, grows, before) = (END + 1, 9, 512 - early, Code::default());
            continue;
        }
        let string = if code < next {
            codes[code]
        } else if code == next && before.length != 0 {
            before.and(before.first())
        } else {
            return at;
        };
        // What came before and the first byte of this is a new string.
        if before.length != 0 && next < CODES {
            codes[next] = before.and(string.first());
            next += 1;
            if next == grows && width < 12 {
                width += 1;
                grows = (1 << width) - early;
            }
        }
        before = Code { at: at as u32, ..string };
        at += write(string, out, at);
    }
    at
}

/// Writes a string, and tells how much of it there was room for.
#[inline(always)]
fn write(string: Code, out: &mut [u8], at: usize) -> usize {
    let length = string.length as usize;
    if length <= KEPT
        && let Some(room) = out.get_mut(at..at + KEPT)
    {
        room.copy_from_slice(&string.kept.to_le_bytes());
        return length;
    }
    let length = length.min(out.len() - at);
    if length <= KEPT {
        out[at..at + length].copy_from_slice(&string.kept.to_le_bytes()[..length]);
        return length;
    }
    // The last byte may be the first that is written here.
    let from = string.at as usize;
    let there = length.min(at - from);
    out.copy_within(from..from + there, at);
    if there < length {
        out[at + there] = out[at];
    }
    length
}
