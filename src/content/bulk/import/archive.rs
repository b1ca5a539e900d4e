//! The bytes of an archive in the store: its directory, and one document after the other, through a window.

use super::{
    directory::{self, END_BYTES_MAX, END64, End, Entry, Extent, Fault, LOCAL},
    inflate::{PIECE_BYTES, Unpacking},
    plan::Packed,
};
use crate::{
    blob::Blobs,
    content::bulk::code::Code,
    error::{Error, Result},
    secret::Hash,
};

/// Bytes that are read from the store at a time: many small documents, a moment's work for a store.
const WINDOW_BYTES: u64 = 1 << 20;

/// Why something cannot be read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The archive is to blame.
    Whole(Fault),
    /// A document is.
    Item(Code),
    /// Neither is.
    Other(Error),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Whole(fault)
    }
}

/// An archive, of which a window is in memory.
pub(super) struct Archive<'a> {
    blobs: &'a Blobs,
    name: Hash,
    size: u64,
    start: u64,
    window: Vec<u8>,
}

impl<'a> Archive<'a> {
    /// The archive of `size` bytes that was stored under `name`.
    pub fn new(blobs: &'a Blobs, name: Hash, size: u64) -> Self {
        Self { blobs, name, size, start: 0, window: Vec::new() }
    }

    /// The bytes from `at` on: `least` of them, unless the archive ends before, and no more than a window.
    async fn from(&mut self, at: u64, least: usize) -> Result<&[u8], Trouble> {
        let end = at.saturating_add(least as u64).min(self.size);
        if at < self.start || self.start + (self.window.len() as u64) < end {
            let to = at.saturating_add(WINDOW_BYTES.max(least as u64)).min(self.size);
            let read = self.blobs.read(&self.name, at.min(to)..to).await.map_err(Trouble::Other)?;
            self.window = read.ok_or(Trouble::Item(Code::ContentMissing))?.into();
            self.start = at.min(to);
        }
        let from = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.window.get(from..).unwrap_or_default())
    }

    /// Finds the directory.
    pub async fn directory(&mut self) -> Result<Extent, Trouble> {
        let size = self.size;
        let tail = END_BYTES_MAX.min(size);
        let least = usize::try_from(tail).unwrap_or(usize::MAX);
        let found = directory::end(self.from(size - tail, least).await?, size)?;
        match found {
            End::Directory(extent) => Ok(extent),
            End::Elsewhere(at) => Ok(directory::end64(self.from(at, END64).await?, at)?),
        }
    }

    /// Reads the entry at `at` of a directory that ends at `end`, and returns how long it is.
    pub async fn entry(&mut self, at: u64, end: u64) -> Result<(Entry, u64), Trouble> {
        // Few are longer than the first of these, and none than the last.
        for least in [1 << 10, 1 << 18] {
            let bytes = self.from(at, least).await?;
            let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
            if let Some((entry, length)) = directory::entry(&bytes[..bytes.len().min(left)])? {
                return Ok((entry, length as u64));
            }
        }
        Err(Fault::Unreadable.into())
    }

    /// Begins to unpack a document.
    pub async fn unpack<'b>(&'b mut self, packed: &Packed) -> Result<Document<'a, 'b>, Trouble> {
        let corrupt = || Trouble::Item(Code::Corrupt);
        let before = directory::local(self.from(packed.at, LOCAL).await?).ok_or_else(corrupt)?;
        let at = packed.at + before;
        let end = at.checked_add(packed.packed).filter(|it| *it <= self.size).ok_or_else(corrupt)?;
        let piece = Vec::new();
        Ok(Document { archive: self, unpacking: Some(Unpacking::new(packed)), at, end, piece })
    }
}

/// A document that is being unpacked.
pub(super) struct Document<'a, 'b> {
    archive: &'b mut Archive<'a>,
    /// None once it has ended well.
    unpacking: Option<Unpacking>,
    at: u64,
    end: u64,
    piece: Vec<u8>,
}

impl Document<'_, '_> {
    /// The next piece of it; none when that was all, and all as the directory says.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, Trouble> {
        let corrupt = |_| Trouble::Item(Code::Corrupt);
        loop {
            let Some(unpacking) = &mut self.unpacking else { return Ok(None) };
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let was_full = self.piece.len() == PIECE_BYTES;
            if left == 0 && !was_full {
                if let Some(unpacking) = self.unpacking.take() {
                    unpacking.end().map_err(corrupt)?;
                }
                return Ok(None);
            }
            let bytes = self.archive.from(self.at, left.min(1)).await?;
            let taken = unpacking.take(&bytes[..bytes.len().min(left)], &mut self.piece).map_err(corrupt)?;
            self.at += taken as u64;
            // Others are waiting for the processor, too.
            tokio::task::yield_now().await;
            if !self.piece.is_empty() {
                return Ok(Some(&self.piece));
            }
        }
    }
}
