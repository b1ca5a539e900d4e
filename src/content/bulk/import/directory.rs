//! The directory of a .zip archive: where it is, and what it says of each entry.
//!
//! It is read here, and no library's, because those keep in memory as much as an archive asks them to: all entries of the directory,
//! or every place of it that looks like one. This takes an end of fixed length, refuses more entries than a job may have before
//! it reads any, and then one after the other. What is in the entries is unpacked by a library.
//!
//! Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16, 4.4, 4.5.3, 4.6.9 and appendix D.

use flate2::Crc;

use crate::content::ITEMS_MAX;

/// Bytes of the directory of an archive at most: of as many entries as a job may have, each with a path of three hundred letters.
pub(super) const DIRECTORY_BYTES_MAX: u64 = 32 << 20;

/// How many bytes at the end of an archive say where its directory is: what ends it with the longest comment, and what comes
/// before that in large archives.
pub const END_BYTES_MAX: u64 = (LOCATOR + END + u16::MAX as usize) as u64;

/// Bytes of what ends an archive, without a comment.
const END: usize = 22;
/// Bytes of what says where the end of a large archive is.
const LOCATOR: usize = 20;
/// Bytes of the end of a large archive.
pub(super) const END64: usize = 56;
/// Bytes of what is said of an entry, without its name and the rest.
const HEADER: usize = 46;
/// Bytes of what stands before an entry, without its name and the rest.
pub(super) const LOCAL: usize = 30;

/// What large fields have where their value stands elsewhere.
const ELSEWHERE: u64 = u32::MAX as u64;

/// The letters of code page 437 beyond ASCII.
const CODE_PAGE: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// What is wrong with an archive as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no archive, or not all of one.
    Unreadable,
    /// More is in it than a job may have items, or more is said of it than may be.
    TooMany,
    /// Unpacked it would have far more bytes.
    Ratio,
}

/// Where a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// How many entries it has.
    pub entries: u64,
}

/// What the end of an archive says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where the directory is.
    Directory(Extent),
    /// Where that is said.
    Elsewhere(u64),
}

/// What the directory says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as it was written.
    name: Vec<u8>,
    /// The same in UTF-8, where that is said besides.
    unicode: Option<String>,
    flags: u16,
    method: u16,
    /// The system that it comes from, and what that says of it.
    system: u8,
    attributes: u32,
    /// The checksum of its bytes.
    pub crc: u32,
    /// Bytes that it is packed into.
    pub packed: u64,
    /// Bytes that it has.
    pub bytes: u64,
    /// Where it begins.
    pub at: u64,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Reads the end of an archive of `size` bytes, of which `tail` are the last: [`END_BYTES_MAX`], or all that there are.
///
/// # Errors
///
/// [`Fault::Unreadable`] when there is none, and [`Fault::TooMany`] when it says too much.
pub fn end(tail: &[u8], size: u64) -> Result<End, Fault> {
    let is_end = |at: &usize| {
        let comment = u16_at(tail, at + 20).map(usize::from);
        tail[*at..].starts_with(b"PK\x05\x06") && comment.is_some_and(|it| at + END + it == tail.len())
    };
    let at = (0..tail.len()).rev().find(is_end).ok_or(Fault::Unreadable)?;
    let before = size.saturating_sub((tail.len() - at) as u64);
    let of = |offset| u16_at(tail, at + offset).ok_or(Fault::Unreadable);
    let wide = |offset| u32_at(tail, at + offset).map(u64::from).ok_or(Fault::Unreadable);
    let (disks, here, entries, length, start) = ([of(4)?, of(6)?], of(8)?, of(10)?, wide(12)?, wide(16)?);
    let is_large = entries == u16::MAX || length == ELSEWHERE || start == ELSEWHERE;
    if let Some(locator) = at.checked_sub(LOCATOR).filter(|it| is_large && tail[*it..].starts_with(b"PK\x06\x07")) {
        let at = u64_at(tail, locator + 8).ok_or(Fault::Unreadable)?;
        let before = before - LOCATOR as u64;
        let fits = at.checked_add(END64 as u64).is_some_and(|it| it <= before);
        return if fits { Ok(End::Elsewhere(at)) } else { Err(Fault::Unreadable) };
    }
    if disks != [0, 0] || here != entries {
        return Err(Fault::Unreadable);
    }
    extent(entries.into(), start, length, before).map(End::Directory)
}

/// Reads the end of a large archive, which stands at `at`.
///
/// # Errors
///
/// As [`end`].
pub fn end64(record: &[u8], at: u64) -> Result<Extent, Fault> {
    let wide = |offset| u64_at(record, offset).ok_or(Fault::Unreadable);
    let disks = [u32_at(record, 16), u32_at(record, 20)];
    if !record.starts_with(b"PK\x06\x06") || disks != [Some(0), Some(0)] || wide(24)? != wide(32)? {
        return Err(Fault::Unreadable);
    }
    extent(wide(32)?, wide(48)?, wide(40)?, at)
}

/// Where the directory is, if it can be there: before its end, and nowhere else, lest others read another one.
fn extent(entries: u64, start: u64, length: u64, before: u64) -> Result<Extent, Fault> {
    if (ITEMS_MAX as u64) < entries {
        return Err(Fault::TooMany);
    }
    let end = start.checked_add(length).filter(|it| *it == before).ok_or(Fault::Unreadable)?;
    if length < entries * HEADER as u64 {
        return Err(Fault::Unreadable);
    }
    if DIRECTORY_BYTES_MAX < length { Err(Fault::TooMany) } else { Ok(Extent { start, end, entries }) }
}

/// Reads the first entry off `bytes` of a directory, and how many of these it takes; nothing when it is not all there.
///
/// # Errors
///
/// [`Fault::Unreadable`] when no entry begins there.
pub fn entry(bytes: &[u8]) -> Result<Option<(Entry, usize)>, Fault> {
    if bytes.len() < HEADER {
        return Ok(None);
    }
    if !bytes.starts_with(b"PK\x01\x02") {
        return Err(Fault::Unreadable);
    }
    let of = |offset| u16_at(bytes, offset).ok_or(Fault::Unreadable);
    let wide = |offset| u32_at(bytes, offset).ok_or(Fault::Unreadable);
    let [name, extra, comment] = [of(28)?, of(30)?, of(32)?].map(usize::from);
    let length = HEADER + name + extra + comment;
    if bytes.len() < length {
        return Ok(None);
    }
    let (name, extra) = bytes[HEADER..HEADER + name + extra].split_at(name);
    let mut entry = Entry {
        name: name.to_vec(),
        unicode: None,
        flags: of(8)?,
        method: of(10)?,
        system: bytes[5],
        attributes: wide(38)?,
        crc: wide(16)?,
        packed: wide(20)?.into(),
        bytes: wide(24)?.into(),
        at: wide(42)?.into(),
    };
    entry.add(extra);
    Ok(Some((entry, length)))
}

/// How many bytes stand between the beginning of an entry and what is packed there, read off its first `LOCAL`.
pub fn local(bytes: &[u8]) -> Option<u64> {
    let lengths = [u16_at(bytes, 26)?, u16_at(bytes, 28)?].map(u64::from);
    bytes.starts_with(b"PK\x03\x04").then_some(LOCAL as u64 + lengths[0] + lengths[1])
}

impl Entry {
    /// Reads what is said besides. What makes no sense says nothing.
    fn add(&mut self, mut extra: &[u8]) {
        while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
            let Some(field) = extra.get(4..4 + usize::from(length)) else { return };
            extra = &extra[4 + field.len()..];
            match id {
                0x0001 => {
                    let mut values = field.chunks_exact(8).filter_map(|it| u64_at(it, 0));
                    for place in [&mut self.bytes, &mut self.packed, &mut self.at] {
                        if *place == ELSEWHERE {
                            *place = values.next().unwrap_or(u64::MAX);
                        }
                    }
                }
                0x7075 => {
                    let mut crc = Crc::new();
                    crc.update(&self.name);
                    let is_its = field.first() == Some(&1) && u32_at(field, 1) == Some(crc.sum());
                    let name = field.get(5..).and_then(|it| std::str::from_utf8(it).ok());
                    self.unicode = name.filter(|_| is_its).map(ToOwned::to_owned);
                }
                _ => {}
            }
        }
    }

    /// Its name, with the folders it is in: in UTF-8 where that is said or it can be nothing else, and by code page 437. None when it is no text.
    pub fn name(&self) -> Option<String> {
        let plain = std::str::from_utf8(&self.name);
        match (&self.unicode, plain) {
            (Some(unicode), _) => Some(unicode.clone()),
            (None, Ok(text)) => Some(text.to_owned()),
            (None, Err(_)) if self.flags & 1 << 11 != 0 => None,
            (None, Err(_)) => {
                let letters: Vec<char> = CODE_PAGE.chars().collect();
                let letter =
                    |it: &u8| letters.get(usize::from(*it).wrapping_sub(128)).copied().unwrap_or(char::from(*it));
                Some(self.name.iter().map(letter).collect())
            }
        }
    }

    /// The same for readers, whatever it is.
    pub fn shown(&self) -> String {
        const SHOWN_MAX: usize = 1_000;
        let text = self.name().unwrap_or_else(|| String::from_utf8_lossy(&self.name).into_owned());
        text.chars().take(SHOWN_MAX).map(|it| if it.is_control() { char::REPLACEMENT_CHARACTER } else { it }).collect()
    }

    /// Whether it needs a password.
    pub fn is_encrypted(&self) -> bool {
        const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
        self.flags & ENCRYPTED != 0
    }

    /// Whether it is packed by DEFLATE or not at all; none when otherwise.
    pub fn is_deflated(&self) -> Option<bool> {
        match self.method {
            0 => Some(false),
            8 => Some(true),
            _ => None,
        }
    }

    /// Whether it is a link, a device or the like.
    pub fn is_special(&self) -> bool {
        const UNIX: [u8; 2] = [3, 19];
        let kind = self.attributes >> 28;
        UNIX.contains(&self.system) && !matches!(kind, 0 | 0o04 | 0o10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &[u8], flags: u16) -> Entry {
        let mut header = [0; HEADER].to_vec();
        header[..4].copy_from_slice(b"PK\x01\x02");
        header[8..10].copy_from_slice(&flags.to_le_bytes());
        header[28..30].copy_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        header.extend(name);
        let (entry, length) = entry(&header).unwrap().unwrap();
        assert_eq!(length, header.len());
        for short in 0..header.len() {
            assert_eq!(super::entry(&header[..short]), Ok(None));
        }
        entry
    }

    #[test]
    fn names_are_utf_8_or_code_page_437() {
        assert_eq!(CODE_PAGE.chars().count(), 128);
        let utf_8 = 1 << 11;
        assert_eq!(named("Straße".as_bytes(), utf_8).name().as_deref(), Some("Straße"));
        // Some write UTF-8 and do not say so.
        assert_eq!(named("Straße".as_bytes(), 0).name().as_deref(), Some("Straße"));
        assert_eq!(named(b"Stra\xe1e \x9b\xff", 0).name().as_deref(), Some("Straße ¢\u{a0}"));
        let broken = named(b"Stra\xe1e\0", utf_8);
        assert_eq!((broken.name(), broken.shown().as_str()), (None, "Stra\u{fffd}e\u{fffd}"));
    }

    #[test]
    fn what_stands_elsewhere_is_read_there() {
        let mut entry = Entry { bytes: ELSEWHERE, at: ELSEWHERE, packed: 7, ..named(b"a", 0) };
        entry.add(&[&[9, 9, 1, 0, 0, 1, 0, 16, 0][..], &5_u64.to_le_bytes(), &6_u64.to_le_bytes()].concat());
        assert_eq!((entry.bytes, entry.packed, entry.at), (5, 7, 6));
        let mut cut = Entry { bytes: ELSEWHERE, ..named(b"a", 0) };
        cut.add(&[1, 0, 4, 0, 1, 2, 3, 4]);
        assert_eq!(cut.bytes, u64::MAX);
    }

    #[test]
    fn whatever_is_changed_of_an_archive_it_is_read_or_refused() {
        let sound = [
            &b"PK\x01\x02"[..],
            &[20, 3, 20, 0, 0, 8, 8, 0, 0, 0, 0, 0, 1, 2, 3, 4],
            &[0xff; 8],
            &[
                1, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'a', 1, 0, 16, 0, 7, 0, 0, 0, 0, 0, 0, 0, 7, 0,
                0,
            ],
            &[0, 0, 0, 0, 0, b'P', b'K', 6, 6, 44, 0, 0, 0, 0, 0, 0, 0, 45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 67, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[b'P', b'K', 6, 7, 0, 0, 0, 0, 67, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
            &[
                b'P', b'K', 5, 6, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0, 0,
            ],
        ]
        .concat();
        let read = |bytes: &[u8]| {
            let extent = match end(bytes, bytes.len() as u64)? {
                End::Directory(extent) => extent,
                End::Elsewhere(at) => end64(&bytes[usize::try_from(at).unwrap()..], at)?,
            };
            let range = usize::try_from(extent.start).unwrap()..usize::try_from(extent.end).unwrap();
            let (entry, _) = entry(&bytes[range])?.ok_or(Fault::Unreadable)?;
            Ok::<_, Fault>((entry.name(), entry.shown(), entry.bytes, entry.packed))
        };
        assert_eq!(read(&sound), Ok((Some("a".to_owned()), "a".to_owned(), 7, 7)));
        let mut refused = 0;
        for at in 0..sound.len() {
            for byte in 0..=u8::MAX {
                let mut changed = sound.clone();
                changed[at] = byte;
                refused += usize::from(read(&changed).is_err());
            }
        }
        assert!(refused > sound.len());
    }

    #[test]
    fn no_end_is_found_where_there_is_none() {
        for tail in [&b""[..], b"PK\x05\x06", &[0; 100], &[b"PK\x05\x06".as_slice(), &[0; 17]].concat()] {
            assert_eq!(end(tail, tail.len() as u64), Err(Fault::Unreadable));
        }
        let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
        assert_eq!(end(&empty, 22), Ok(End::Directory(Extent { start: 0, end: 0, entries: 0 })));
    }
}
