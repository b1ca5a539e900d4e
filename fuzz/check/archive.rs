//! What must hold of any bytes that are said to be an archive: its directory lies in it, and has no more than is there.

use workcenter::content::directory::{self, END_BYTES_MAX, End, Entry, Extent, Fault};

/// Characters of a name that readers see at most.
const SHOWN_MAX: usize = 1_000;

/// Where the directory is.
fn extent(archive: &[u8]) -> Result<Extent, Fault> {
    let tail = archive.len().saturating_sub(END_BYTES_MAX as usize);
    match directory::end(&archive[tail..], archive.len() as u64)? {
        End::Directory(extent) => Ok(extent),
        End::Elsewhere(at) => {
            let record = &archive[usize::try_from(at).expect("it lies in the archive")..];
            directory::end64(record, at)
        }
    }
}

/// The entries of a directory, which comes in pieces of `size` bytes.
fn entries(directory: &[u8], most: u64, size: usize) -> Result<Vec<Entry>, Fault> {
    let (mut here, mut rest, mut entries) = (Vec::new(), directory, Vec::new());
    while (entries.len() as u64) < most {
        match directory::entry(&here)? {
            Some((entry, length)) => {
                assert!(0 < length && length <= here.len());
                here.drain(..length);
                entries.push(entry);
            }
            None if rest.is_empty() => return Err(Fault::Unreadable),
            None => {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                here.extend_from_slice(piece);
                rest = after;
            }
        }
    }
    Ok(entries)
}

/// Tries `bytes` as an archive; returns whether it has a directory that can be read.
pub fn check(bytes: &[u8]) -> bool {
    let Ok(extent) = extent(bytes) else { return false };
    let [start, end] = [extent.start, extent.end].map(|it| usize::try_from(it).expect("it lies in the archive"));
    let directory = &bytes[start..end];
    let read = entries(directory, extent.entries, directory.len());
    assert_eq!(entries(directory, extent.entries, 7), read);
    let Ok(read) = read else { return false };
    for entry in &read {
        let shown = entry.shown();
        assert!(shown.chars().count() <= SHOWN_MAX && !shown.contains(char::is_control));
        let (is_encrypted, is_special) = (entry.is_encrypted(), entry.is_special());
        assert_eq!((entry.is_encrypted(), entry.is_special()), (is_encrypted, is_special));
        if let Some(at) = usize::try_from(entry.at).ok().and_then(|it| bytes.get(it..)) {
            assert!(directory::local(at).is_none_or(|it| it <= 30 + 2 * u64::from(u16::MAX)));
        }
    }
    true
}
