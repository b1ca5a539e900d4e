//! WebP, the first picture of an animation too. It is decoded whole, for its decoder cannot stop between rows.

use std::io::Cursor;

use image::{ColorType, ImageDecoder, ImageError, codecs::webp::WebPDecoder, metadata::Orientation};

use super::{
    Crop, Fault,
    colour::Space,
    decode::{Picture, fits},
    raster::{Channels, Deadline, Raster, Reducer},
    upright::{by_exif, by_xmp},
};

/// Bytes for a pixel of a file that is nothing but a lossy picture: its colours, and three channels at half the size.
const PLAIN_PIXEL_BYTES: u64 = 5;

/// Bytes for a pixel of any other: a canvas, a frame, and what they become. So these have at most 20 megapixels.
const PIXEL_BYTES: u64 = 12;

/// A WebP of which the header was read.
pub(super) struct WebP<'a> {
    decoder: WebPDecoder<Cursor<&'a [u8]>>,
    orientation: Orientation,
    profile: Option<Vec<u8>>,
}

impl<'a> WebP<'a> {
    /// Reads the header, and what stands beside the pixels.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let mut decoder = WebPDecoder::new(Cursor::new(file))?;
        let plain = file.get(12..16) == Some(b"VP8 ");
        fits(decoder.dimensions().into(), if plain { PLAIN_PIXEL_BYTES } else { PIXEL_BYTES })?;
        let exif = decoder.exif_metadata().ok().flatten().and_then(|it| by_exif(&it));
        let orientation = exif.or_else(|| by_xmp(&decoder.xmp_metadata().ok()??));
        let profile = decoder.icc_profile().ok().flatten();
        Ok(Self { decoder, orientation: orientation.unwrap_or(Orientation::NoTransforms), profile })
    }
}

impl Picture for WebP<'_> {
    fn sides(&self) -> [u32; 2] {
        self.decoder.dimensions().into()
    }

    fn orientation(&self) -> Orientation {
        self.orientation
    }

    fn space(&self) -> Space {
        self.profile.clone().map_or(Space::Unsaid, Space::Profile)
    }

    fn raster(self: Box<Self>, square: Crop, until: Deadline) -> Result<Raster, Fault> {
        let channels = if self.decoder.color_type() == ColorType::Rgba8 { Channels::Rgba } else { Channels::Rgb };
        let [width, height] = self.sides().map(|it| it as usize);
        let mut whole = vec![0; width * height * channels.count()];
        self.decoder.read_image(&mut whole)?;
        let mut reducer = Reducer::new(channels, square, until);
        whole.chunks_exact(width * channels.count()).try_for_each(|it| reducer.take(it))?;
        reducer.raster()
    }
}

impl From<ImageError> for Fault {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            ImageError::Unsupported(_) => Self::Unsupported,
            _ => Self::Corrupt,
        }
    }
}
