//! Archives by the byte, so that each says what a test wants it to say.

use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder};

/// Something in an archive, and what is said of it.
#[derive(Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub system: u8,
    /// The mode of a file of Unix.
    pub mode: u32,
    pub packed: Vec<u8>,
    /// How many bytes it is said to be packed into, to have, and where it is said to begin; as it is when none is said.
    pub said: (Option<u64>, u64, Option<u64>),
    pub crc: u32,
    /// Whether large fields are used for small numbers, too.
    pub is_large: bool,
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A document that is not packed.
pub fn stored(name: impl AsRef<[u8]>, bytes: &[u8]) -> Entry {
    Entry {
        name: name.as_ref().to_vec(),
        // It is UTF-8.
        flags: 1 << 11,
        method: 0,
        system: 3,
        mode: 0o100_644,
        packed: bytes.to_vec(),
        said: (None, bytes.len() as u64, None),
        crc: crc(bytes),
        is_large: false,
    }
}

/// A document that is packed.
pub fn deflated(name: impl AsRef<[u8]>, bytes: &[u8]) -> Entry {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(bytes).unwrap();
    Entry { method: 8, packed: deflate.finish().unwrap(), ..stored(name, bytes) }
}

/// A folder, whose name ends in a slash.
pub fn folder(name: &str) -> Entry {
    Entry { mode: 0o040_755, ..stored(name, b"") }
}

impl Entry {
    fn packed_bytes(&self) -> u64 {
        self.said.0.unwrap_or(self.packed.len() as u64)
    }

    /// What is said of it from the version that is needed to its sizes, which stand elsewhere when they are large.
    fn fields(&self) -> Vec<u8> {
        let mut fields = 20_u16.to_le_bytes().to_vec();
        fields.extend([self.flags, self.method, 0, 0].into_iter().flat_map(u16::to_le_bytes));
        let length = |it: u64| if self.is_large { u32::MAX } else { u32::try_from(it).unwrap() };
        let sizes = [self.crc, length(self.packed_bytes()), length(self.said.1)];
        fields.extend(sizes.into_iter().flat_map(u32::to_le_bytes));
        fields
    }

    /// What stands before it, and it.
    fn local(&self) -> Vec<u8> {
        let extra = if self.is_large { large(&[self.said.1, self.packed_bytes()]) } else { Vec::new() };
        let lengths = [self.name.len(), extra.len()].map(|it| u16::try_from(it).unwrap().to_le_bytes());
        [b"PK\x03\x04", &self.fields()[..], &lengths.concat(), &self.name, &extra, &self.packed].concat()
    }

    /// What the directory says of it, when it is at `at`.
    fn header(&self, at: u64) -> Vec<u8> {
        let at = self.said.2.unwrap_or(at);
        let extra = if self.is_large { large(&[self.said.1, self.packed_bytes(), at]) } else { Vec::new() };
        let at = if self.is_large { u32::MAX } else { u32::try_from(at).unwrap() };
        let lengths = [self.name.len(), extra.len(), 0, 0, 0].map(|it| u16::try_from(it).unwrap().to_le_bytes());
        let made_by = [20, self.system];
        let attributes = (self.mode << 16).to_le_bytes();
        let fields = self.fields();
        let parts: [&[u8]; 8] =
            [b"PK\x01\x02", &made_by, &fields, &lengths.concat(), &attributes, &at.to_le_bytes(), &self.name, &extra];
        parts.concat()
    }
}

/// The field in which large numbers stand.
fn large(numbers: &[u64]) -> Vec<u8> {
    let length = u16::try_from(8 * numbers.len()).unwrap();
    let mut field = [1_u16, length].map(u16::to_le_bytes).concat();
    field.extend(numbers.iter().flat_map(|it| it.to_le_bytes()));
    field
}

/// What ends an archive with so many entries in a directory of that length, which begins there.
pub fn end(entries: u64, length: u64, start: u64) -> Vec<u8> {
    let short = |it: u64| u16::try_from(it).unwrap_or(u16::MAX).to_le_bytes();
    let wide = |it: u64| u32::try_from(it).unwrap_or(u32::MAX).to_le_bytes();
    let counts = [short(0), short(0), short(entries), short(entries)].concat();
    [&b"PK\x05\x06"[..], &counts, &wide(length), &wide(start), &short(0)].concat()
}

/// The same of a large archive.
pub fn large_end(entries: u64, length: u64, start: u64) -> Vec<u8> {
    let at = start + length;
    let numbers = [entries, entries, length, start].map(u64::to_le_bytes).concat();
    let record: [&[u8]; 6] = [b"PK\x06\x06", &44_u64.to_le_bytes(), &[45, 3, 45, 0], &[0; 8], &numbers, b"PK\x06\x07"];
    let locator = [&[0; 4][..], &at.to_le_bytes(), &1_u32.to_le_bytes()].concat();
    [record.concat(), locator, end(u64::MAX, u64::MAX, u64::MAX)].concat()
}

/// The entries of an archive one after the other, and its directory.
fn body(entries: &[Entry]) -> (Vec<u8>, Vec<u8>) {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        directory.extend(entry.header(body.len() as u64));
        body.extend(entry.local());
    }
    (body, directory)
}

/// An archive.
pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let (body, directory) = body(entries);
    let end = end(entries.len() as u64, directory.len() as u64, body.len() as u64);
    [body, directory, end].concat()
}

/// A large one, however little is in it.
pub fn large_archive(entries: &[Entry]) -> Vec<u8> {
    let entries: Vec<Entry> = entries.iter().map(|it| Entry { is_large: true, ..it.clone() }).collect();
    let (body, directory) = body(&entries);
    let end = large_end(entries.len() as u64, directory.len() as u64, body.len() as u64);
    [body, directory, end].concat()
}
