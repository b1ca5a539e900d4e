//! Bytes of a file to the pixels of a square: what every reader of a format does, and the limits of them all.
//!
//! A reader that goes from row to row keeps a square of less than 2048 pixels a side, and little else: 17 MB, or 70 MB for
//! a progressive JPEG, which has all of the picture in each of its scans. A PNG that is interlaced, a GIF and a WebP lie in
//! memory whole. See [`DECODE_BYTES_MAX`] for the most that any of them takes, and so for what a process needs: that, as
//! often as it cuts pictures at a time, which is once for each core.
//!
//! Readers that go from row to row look at the clock with each. The others cannot be stopped, and need not be: they have
//! one pass over at most [`PIXELS_MAX`], which takes about a second.

use image::metadata::Orientation;

use super::{
    Crop, Fault, Format, HALFWAY,
    bmp::Bmp,
    colour::Space,
    gif::Gif,
    jpeg::Jpeg,
    png::Png,
    raster::{Deadline, Raster, Reducer},
    tiff::Page,
    webp::WebP,
};

/// Pixels of a side: more than any camera's, and few enough for one row to be nothing.
pub const SIDE_MAX: u32 = 10_000;

/// Pixels in all: what current cameras make, and what a core turns into squares in about a second.
pub const PIXELS_MAX: u64 = 40_000_000;

/// The most bytes that reading a picture takes, besides its file.
pub(super) const DECODE_BYTES_MAX: u64 = 256 << 20;

/// Bytes of what is kept of a picture: a square of less than twice [`HALFWAY`], four bytes a pixel.
const SQUARE_BYTES_MAX: u64 = 16 * (HALFWAY as u64).pow(2);

/// Bytes for what a decoder needs beside that: pixels that lie in memory whole.
pub(super) const ROOM_BYTES_MAX: u64 = DECODE_BYTES_MAX - SQUARE_BYTES_MAX;

/// Looks whether a picture can lie in memory whole, its decoder taking so many bytes a pixel.
///
/// # Errors
///
/// [`Fault::TooLarge`].
pub(super) fn fits([width, height]: [u32; 2], bytes_per_pixel: u64) -> Result<(), Fault> {
    let bytes = u64::from(width) * u64::from(height) * bytes_per_pixel;
    if bytes <= ROOM_BYTES_MAX { Ok(()) } else { Err(Fault::TooLarge) }
}

/// A picture of which the header was read, and which is small enough to be decoded.
pub(super) trait Picture {
    /// The width and the height in the file, in pixels.
    fn sides(&self) -> [u32; 2];

    /// How the picture must be turned to be upright. One that is damaged in this respect alone stays as it is.
    fn orientation(&self) -> Orientation {
        Orientation::NoTransforms
    }

    /// Which colours its numbers stand for.
    fn space(&self) -> Space {
        Space::Unsaid
    }

    /// Decodes the picture, or the first of several, and keeps a square of it.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] and [`Fault::Unsupported`], as the decoder finds; [`Fault::TooSlow`] when time is up.
    fn raster(self: Box<Self>, square: Crop, until: Deadline) -> Result<Raster, Fault>;
}

/// Reads the header of `file`.
///
/// # Errors
///
/// [`Fault::TooLarge`] beyond the limits, before any room is made for pixels.
pub(super) fn open(file: &[u8], format: Format) -> Result<Box<dyn Picture + '_>, Fault> {
    let picture: Box<dyn Picture> = match format {
        Format::Bmp => Box::new(Bmp::open(file)?),
        Format::Gif => Box::new(Gif::open(file)?),
        Format::Jpeg => Box::new(Jpeg::open(file)?),
        Format::Png => Box::new(Png::open(file)?),
        Format::Tiff => Box::new(Page::open(file)?),
        Format::WebP => Box::new(WebP::open(file)?),
    };
    within_limits(picture.sides())?;
    Ok(picture)
}

/// Looks whether a picture is one that is taken.
///
/// # Errors
///
/// [`Fault::TooLarge`] and, for one without pixels, [`Fault::Corrupt`].
pub(super) fn within_limits([width, height]: [u32; 2]) -> Result<(), Fault> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        Err(Fault::Corrupt)
    } else if SIDE_MAX < width.max(height) || PIXELS_MAX < pixels {
        Err(Fault::TooLarge)
    } else {
        Ok(())
    }
}

impl Picture for Page<'_> {
    fn sides(&self) -> [u32; 2] {
        Page::sides(self)
    }

    fn orientation(&self) -> Orientation {
        Page::orientation(self)
    }

    fn space(&self) -> Space {
        self.colour_profile().map_or(Space::Unsaid, |it| Space::Profile(it.to_vec()))
    }

    fn raster(self: Box<Self>, square: Crop, until: Deadline) -> Result<Raster, Fault> {
        let mut reducer = Reducer::new(self.channels(), square, until);
        self.rows(until, &mut |row| reducer.take(row))?;
        reducer.raster()
    }
}
