//! What is done before the batch of an import: the next documents are unpacked, and their bytes stored.
//!
//! Nothing of it is done in a transaction, and all of it may be done twice: what is stored is found by its own SHA-256, and
//! is kept for a day, or as long as a row names it.

use uuid::Uuid;

use super::{
    archive::{Archive, Trouble},
    plan::Packed,
    store,
};
use crate::{
    blob::{self, Blobs, PART_BYTES},
    content::bulk::code::Code,
    db::Db,
    error::{Error, Result},
    job,
    secret::{Digester, Hash},
};

/// Bytes that are made ready for a batch, unless its first document alone has more: few seconds' work, for others wait for
/// their turn.
const READY_BYTES: u64 = 32 << 20;

/// Documents that are stored at a time.
const STORED_MAX: usize = 16;

/// Makes the next documents of a job ready.
pub(super) async fn prepare(db: &Db, blobs: &Blobs, job: Uuid) -> Result<()> {
    let Some((name, size)) = store::archive(&db.client().await?, job).await? else { return Ok(()) };
    let mut due = store::due(&db.client().await?, job, job::BATCH).await?;
    let mut total = 0;
    let fitting = due.iter().take_while(|it| {
        total += it.bytes;
        // The first is made ready however large it is.
        total <= READY_BYTES || total == it.bytes
    });
    let fitting = fitting.count();
    due.truncate(fitting);
    // As they lie, so that a window has many of them.
    due.sort_unstable_by_key(|it| it.at);

    let mut archive = Archive::new(blobs, name, size);
    let mut ready: Vec<(Uuid, Result<Hash, Code>)> = Vec::new();
    let mut small: Vec<(Uuid, Vec<u8>)> = Vec::new();
    for packed in due {
        match unpacked(&mut archive, blobs, &packed).await {
            Ok(Unpacked::Small(bytes)) => small.push((packed.item, bytes)),
            Ok(Unpacked::Stored(digest)) => ready.push((packed.item, Ok(digest))),
            Err(Trouble::Item(code)) => ready.push((packed.item, Err(code))),
            Err(Trouble::Whole(_)) => ready.push((packed.item, Err(Code::Corrupt))),
            Err(Trouble::Other(error)) => return Err(error),
        }
        if small.len() == STORED_MAX {
            ready.extend(stored(blobs, &mut small).await?);
        }
    }
    ready.extend(stored(blobs, &mut small).await?);
    note(db, job, &ready).await
}

/// What has come of a document.
enum Unpacked {
    /// All of its bytes.
    Small(Vec<u8>),
    /// What they are found by.
    Stored(Hash),
}

/// Unpacks a document. A large one is unpacked twice: what it is stored under is known when all of it was seen, and
/// then too that there is nothing wrong with it.
async fn unpacked(archive: &mut Archive<'_>, blobs: &Blobs, packed: &Packed) -> Result<Unpacked, Trouble> {
    if packed.bytes < PART_BYTES as u64 {
        let mut bytes = Vec::new();
        let mut document = archive.unpack(packed).await?;
        while let Some(piece) = document.next().await? {
            bytes.extend_from_slice(piece);
        }
        return Ok(Unpacked::Small(bytes));
    }
    let mut digester = Digester::default();
    let mut document = archive.unpack(packed).await?;
    while let Some(piece) = document.next().await? {
        digester.update(piece);
    }
    let digest = digester.finish();
    let mut storing = blobs.receive(digest).await.map_err(Trouble::Other)?;
    let mut part = Vec::with_capacity(PART_BYTES);
    let mut document = archive.unpack(packed).await?;
    while let Some(mut piece) = document.next().await? {
        while PART_BYTES <= part.len() + piece.len() {
            let (last, rest) = piece.split_at(PART_BYTES - part.len());
            part.extend_from_slice(last);
            storing.take(part).await.map_err(Trouble::Other)?;
            (part, piece) = (Vec::with_capacity(PART_BYTES), rest);
        }
        part.extend_from_slice(piece);
    }
    storing.finish(part).await.map_err(Trouble::Other)?;
    Ok(Unpacked::Stored(digest))
}

/// Stores small documents.
async fn stored(blobs: &Blobs, small: &mut Vec<(Uuid, Vec<u8>)>) -> Result<Vec<(Uuid, Result<Hash, Code>)>> {
    if small.is_empty() {
        return Ok(Vec::new());
    }
    let (items, bytes): (Vec<Uuid>, Vec<Vec<u8>>) = small.drain(..).unzip();
    let digests = blobs.put(bytes.into_iter().map(Into::into).collect()).await?;
    Ok(items.into_iter().zip(digests.into_iter().map(Ok)).collect())
}

/// Notes what has become of documents.
async fn note(db: &Db, job: Uuid, ready: &[(Uuid, Result<Hash, Code>)]) -> Result<()> {
    if ready.is_empty() {
        return Ok(());
    }
    let digests: Vec<Hash> = ready.iter().filter_map(|(_, it)| it.as_ref().ok().copied()).collect();
    let mut client = db.client().await?;
    let tx = client.transaction().await.map_err(Error::from)?;
    blob::hold(&tx, &digests).await?;
    store::ready(&tx, job, ready).await?;
    tx.commit().await.map_err(Error::from)
}
