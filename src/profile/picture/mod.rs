//! Pictures: a file comes in as a stream, is cut to squares, and is read as one of them. Who has none is drawn.

mod initials;
mod service;
pub(super) mod store;
mod upload;

use crate::secret::Hash;

pub use service::Pictures;
pub(super) use service::{PictureStream, constraints};
pub use upload::{File as UploadedFile, MESSAGE_BYTES_MAX, Upload};

/// The side that is given to those who ask for none.
const SIDE_USUAL: u32 = 300;

/// A picture that somebody has set.
#[derive(Clone)]
pub(super) struct Picture {
    /// Changes with the picture, and with nothing else.
    pub etag: String,
    /// The media type of its squares.
    pub content_type: String,
    /// Its squares, largest first.
    pub squares: Vec<Kept>,
}

/// One size of a picture, and where it is kept.
#[derive(Clone)]
pub(super) struct Kept {
    /// Pixels a side.
    pub side: u32,
    /// What its bytes are stored under.
    pub digest: Hash,
}
