//! The bits of a scan of a JPEG, and the Huffman codes in them. What is not there is never made up unnoticed.

use super::Fault;

/// Bits that are looked up at once. Longer codes are rare, for they are given to what is.
const LOOKUP_BITS: u32 = 10;

/// A one in each of eight bytes.
const ONES: u64 = u64::MAX / 255;

/// The codes of one table.
pub(super) struct Table {
    /// For what the next bits may be: the length of the code and its symbol; 0 where it is longer.
    symbols: Vec<u16>,
    /// For what the next bits may be: value, zeros before it, bits in all, where code and value are all in there; else 0.
    values: Vec<i32>,
    /// For each length of a code: the first number beyond its codes, with as many zeros behind as make 16 bits.
    ends: [u32; 17],
    /// For each length: what a code is to be shifted by to be the place of its symbol.
    shifts: [i32; 17],
    listed: Vec<u8>,
}

impl Table {
    /// Makes the table that has `counts[n]` codes of n + 1 bits, for the symbols that are listed.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] when there are more codes than such lengths have room for.
    pub(super) fn new(counts: &[u8; 16], listed: &[u8]) -> Result<Self, Fault> {
        let mut table = Self {
            symbols: vec![0; 1 << LOOKUP_BITS],
            values: vec![0; 1 << LOOKUP_BITS],
            ends: [0; 17],
            shifts: [0; 17],
            listed: listed.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = usize::from(counts[length as usize - 1]);
            table.shifts[length as usize] = place as i32 - code as i32;
            for symbol in listed.get(place..place + count).ok_or(Fault::Corrupt)? {
                if length <= LOOKUP_BITS {
                    let spare = LOOKUP_BITS - length;
                    let first = (code << spare) as usize;
                    let all = table.symbols.get_mut(first..first + (1 << spare)).ok_or(Fault::Corrupt)?;
                    all.fill((length << 8) as u16 | u16::from(*symbol));
                }
                code += 1;
            }
            if 1 << length < code {
                return Err(Fault::Corrupt);
            }
            place += count;
            table.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        table.fill_values();
        Ok(table)
    }

    /// Notes for every code that leaves room for its value what that is.
    fn fill_values(&mut self) {
        for bits in 0..1_u32 << LOOKUP_BITS {
            let [symbol, length] = self.symbols[bits as usize].to_le_bytes().map(u32::from);
            let (zeros, size) = (symbol >> 4, symbol & 15);
            let all = length + size;
            if length != 0 && size != 0 && all <= LOOKUP_BITS {
                let value = extended(bits >> (LOOKUP_BITS - all) & ((1 << size) - 1), size);
                self.values[bits as usize] = value << 16 | (zeros << 8 | all) as i32;
            }
        }
    }
}

/// Reads a value of `size` bits, of which the lower half of the range stands for what is negative.
fn extended(bits: u32, size: u32) -> i32 {
    if size == 0 || bits >> (size - 1) == 1 { bits as i32 } else { bits as i32 - (1 << size) + 1 }
}

/// The bits of a scan up to the next marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest on.
    next: u64,
    /// Bits in `next`.
    held: u32,
    /// Of these, zeros that stand for bits beyond the marker.
    made_up: u32,
}

impl<'a> Bits<'a> {
    /// The bits in `data`, which begins behind the header of a scan.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, next: 0, held: 0, made_up: 0 }
    }

    /// Sees to it that there are at least 32 bits.
    fn fill(&mut self) {
        if 32 <= self.held {
            return;
        }
        if let Some(bytes) = self.data[self.at..].first_chunk().map(|it| u64::from_be_bytes(*it)) {
            // Eight bytes without an FF among them stand for themselves.
            if (!bytes).wrapping_sub(ONES) & bytes & (ONES << 7) == 0 {
                // Bits that find no room for their whole byte are the same when it comes again.
                self.next |= bytes >> self.held;
                let taken = (64 - self.held) / 8;
                self.at += taken as usize;
                self.held += 8 * taken;
                return;
            }
        }
        while self.held <= 56 {
            let byte = match self.data[self.at..] {
                [0xff, 0, ..] => {
                    self.at += 2;
                    0xff
                }
                [byte, ..] if byte != 0xff => {
                    self.at += 1;
                    byte
                }
                _ => {
                    self.made_up += 8;
                    0
                }
            };
            self.next |= u64::from(byte) << (56 - self.held);
            self.held += 8;
        }
    }

    fn skip(&mut self, bits: u32) {
        self.next <<= bits;
        self.held -= bits;
    }

    /// Takes the next `count` bits, at most 16.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        self.fill();
        let bits = (self.next >> 32 >> (32 - count)) as u32;
        self.skip(count);
        bits
    }

    /// Takes a code.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] when there is none that begins like this.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8, Fault> {
        self.fill();
        let [symbol, length] = table.symbols[(self.next >> (64 - LOOKUP_BITS)) as usize].to_le_bytes();
        if length != 0 {
            self.skip(u32::from(length));
            return Ok(symbol);
        }
        let bits = (self.next >> 48) as u32;
        let length = (LOOKUP_BITS as usize + 1..=16).find(|it| bits < table.ends[*it]).ok_or(Fault::Corrupt)?;
        let code = (bits >> (16 - length)) as i32;
        self.skip(length as u32);
        usize::try_from(code + table.shifts[length])
            .ok()
            .and_then(|it| table.listed.get(it).copied())
            .ok_or(Fault::Corrupt)
    }

    /// Takes the value of `size` bits, at most 16, that follows its code.
    pub(super) fn value(&mut self, size: u32) -> i32 {
        let bits = self.take(size);
        extended(bits, size)
    }

    /// Takes a code and its value where both are short: the value, and how many zeros are before it.
    pub(super) fn short(&mut self, table: &Table) -> Option<(i32, usize)> {
        self.fill();
        let entry = table.values[(self.next >> (64 - LOOKUP_BITS)) as usize];
        self.skip(entry as u32 & 0xff);
        (entry != 0).then_some((entry >> 16, (entry >> 8 & 15) as usize))
    }

    /// Whether all that was taken was there.
    pub(super) fn honest(&self) -> bool {
        self.made_up <= self.held
    }

    /// Ends what was read up to a marker, and finds that marker.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] when bits were missing, or when some are left that are more than filling.
    pub(super) fn end(&mut self) -> Result<usize, Fault> {
        if !self.honest() {
            return Err(Fault::Corrupt);
        }
        // Up to seven bits fill a byte. Some programs fill up to more than that, with zeros or ones.
        let unread = self.held - self.made_up;
        let mut bytes = (0..unread / 8).map(|it| (self.next << (unread % 8 + 8 * it) >> 56) as u8);
        let filling = |it: u8| it == 0 || it == 0xff;
        let marker = self.data[self.at..].windows(2).position(|it| it[0] == 0xff && !filling(it[1]));
        let marker = self.at + marker.ok_or(Fault::Corrupt)?;
        if bytes.all(filling) && self.data[self.at..marker].iter().copied().all(filling) {
            Ok(marker)
        } else {
            Err(Fault::Corrupt)
        }
    }

    /// Goes on behind the restart marker that has this number.
    ///
    /// # Errors
    ///
    /// As for [`Self::end`], and [`Fault::Corrupt`] when another marker is there.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Fault> {
        /// The first of eight.
        const RST0: u8 = 0xd0;

        let marker = self.end()?;
        if self.data[marker + 1] != RST0 + number {
            return Err(Fault::Corrupt);
        }
        *self = Self { at: marker + 2, ..Self::new(self.data) };
        Ok(())
    }
}
