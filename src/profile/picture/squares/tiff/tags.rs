//! The directories of a TIFF file: which tags a page has, and their values. Classic and big files, both byte orders.

use super::super::Fault;

/// Pages that are looked at to find the first that is not a small copy of another: files with more previews than this
/// do not occur, and a chain of directories may lead back to its beginning.
const PAGES_MAX: usize = 64;

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// The number that up to eight bytes are.
    pub(super) fn number(self, bytes: &[u8]) -> u64 {
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match self {
            Self::Little => bytes.iter().rev().fold(0, join),
            Self::Big => bytes.iter().fold(0, join),
        }
    }
}

/// A file with what all its directories have in common.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) order: Order,
    /// Whether offsets take eight bytes.
    big: bool,
}

/// The tags of one page.
#[derive(Clone, Copy)]
pub(super) struct Directory<'a> {
    pub(super) file: File<'a>,
    entries: &'a [u8],
}

/// The values of one tag: those that lie within the file.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) bytes: &'a [u8],
    kind: u64,
    order: Order,
}

impl<'a> File<'a> {
    /// Reads the first bytes, and where the first directory is.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] if this is no TIFF file.
    pub(super) fn open(bytes: &'a [u8]) -> Result<(Self, u64), Fault> {
        let order = match bytes.get(..2) {
            Some(b"II") => Order::Little,
            Some(b"MM") => Order::Big,
            _ => return Err(Fault::Corrupt),
        };
        let mut file = Self { bytes, order, big: false };
        match file.number(2, 2) {
            Some(42) => {}
            Some(43) if file.number(4, 2) == Some(8) => file.big = true,
            _ => return Err(Fault::Corrupt),
        }
        let first = if file.big { file.number(8, 8) } else { file.number(4, 4) };
        Ok((file, first.ok_or(Fault::Corrupt)?))
    }

    /// The number in `length` bytes at `offset`.
    pub(super) fn number(&self, offset: u64, length: usize) -> Option<u64> {
        Some(self.order.number(self.from(offset)?.get(..length)?))
    }

    /// What lies at `offset` and behind it.
    pub(super) fn from(&self, offset: u64) -> Option<&'a [u8]> {
        self.bytes.get(usize::try_from(offset).ok()?..)
    }

    /// The directory at `offset`, and where the next one is.
    fn directory(self, offset: u64) -> Option<(Directory<'a>, u64)> {
        let counter = if self.big { 8 } else { 2 };
        let rest = self.from(offset)?;
        let entries = usize::try_from(self.number(offset, counter)?).ok()?;
        let rest = &rest[counter..];
        // Without all its tags a page would be another one; without the place of the next one it is the last.
        let (entries, behind) = rest.split_at_checked(entries.checked_mul(self.entry())?)?;
        let next = behind.get(..if self.big { 8 } else { 4 }).map_or(0, |it| self.order.number(it));
        Some((Directory { file: self, entries }, next))
    }

    /// Length of an entry in bytes.
    fn entry(&self) -> usize {
        if self.big { 20 } else { 12 }
    }

    /// The directories in the order of the file.
    pub(super) fn directories(self, first: u64) -> impl Iterator<Item = Directory<'a>> {
        let mut next = first;
        let step = move || {
            let (directory, behind) = (next != 0).then(|| self.directory(next))??;
            next = behind;
            Some(directory)
        };
        std::iter::from_fn(step).take(PAGES_MAX)
    }
}

impl<'a> Directory<'a> {
    /// The values of a tag, if the page has it. The first counts where it is there more than once.
    pub(super) fn values(&self, tag: u16) -> Option<Values<'a>> {
        let File { order, big, .. } = self.file;
        let mut entries = self.entries.chunks_exact(self.file.entry());
        let entry = entries.find(|it| order.number(&it[..2]) == u64::from(tag))?;
        let kind = order.number(&entry[2..4]);
        let (count, inline) = if big { (&entry[4..12], &entry[12..]) } else { (&entry[4..8], &entry[8..]) };
        let bytes = usize::try_from(order.number(count)).ok()?.checked_mul(size(kind)?)?;
        let held = if bytes <= inline.len() { inline } else { self.file.from(order.number(inline))? };
        Some(Values { bytes: &held[..bytes.min(held.len())], kind, order })
    }

    /// The first value of a tag.
    pub(super) fn value(&self, tag: u16) -> Option<u64> {
        self.values(tag)?.get(0)
    }
}

impl Values<'_> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / size(self.kind).unwrap_or(1)
    }

    /// The value at `index`, if it is a whole number that is not negative.
    pub(super) fn get(&self, index: usize) -> Option<u64> {
        let number = self.order.number(self.raw(index)?);
        match self.kind {
            1 | 3 | 4 | 7 | 13 | 16 | 18 => Some(number),
            6 => u64::try_from(number as u8 as i8).ok(),
            8 => u64::try_from(number as u16 as i16).ok(),
            9 => u64::try_from(number as u32 as i32).ok(),
            17 => u64::try_from(number as i64).ok(),
            _ => None,
        }
    }

    /// The value at `index` as a fraction, whatever kind of number it is.
    pub(super) fn real(&self, index: usize) -> Option<f64> {
        let raw = self.raw(index)?;
        let value = match self.kind {
            5 => {
                let (above, below) = raw.split_at(4);
                self.order.number(above) as f64 / self.order.number(below) as f64
            }
            10 => {
                let (above, below) = raw.split_at(4);
                f64::from(self.order.number(above) as u32 as i32) / f64::from(self.order.number(below) as u32 as i32)
            }
            11 => f64::from(f32::from_bits(self.order.number(raw) as u32)),
            12 => f64::from_bits(self.order.number(raw)),
            _ => self.get(index)? as f64,
        };
        value.is_finite().then_some(value)
    }

    fn raw(&self, index: usize) -> Option<&[u8]> {
        let size = size(self.kind)?;
        let at = index.checked_mul(size)?;
        self.bytes.get(at..at.checked_add(size)?)
    }
}

/// Bytes of one value of a kind. None for kinds that are not known.
fn size(kind: u64) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16 | 17 | 18 => Some(8),
        _ => None,
    }
}
