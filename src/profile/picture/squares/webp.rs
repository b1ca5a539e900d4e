//! WebP, the first picture of an animation too. It is decoded whole, for its decoder cannot stop between rows.

mod lossless;

use std::io::Cursor;

use image::{ColorType, ImageDecoder, ImageError, codecs::webp::WebPDecoder, metadata::Orientation};

use super::{
    Crop, Fault,
    colour::Space,
    decode::{Picture, ROOM_BYTES_MAX, fits},
    format::u32_le,
    raster::{Channels, Deadline, Raster, Reducer},
    upright::{by_exif, by_xmp},
};

/// Bytes for a pixel of a file that is nothing but a lossy picture: its colours, and three channels at half the size.
const PLAIN_PIXEL_BYTES: u64 = 5;

/// Bytes for a pixel of any other: a canvas, a frame, and what they become. So these have at most 20 megapixels.
const PIXEL_BYTES: u64 = 12;

/// Bytes for a group of codes of a picture without loss: five tables, each of ten bits, four bytes and what is longer.
const GROUP_BYTES: u64 = 6 * (4 << 10);

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
        let sides = decoder.dimensions().into();
        fits(sides, if plain { PLAIN_PIXEL_BYTES } else { PIXEL_BYTES })?;
        let pixels = u64::from(sides[0]) * u64::from(sides[1]);
        let groups = file.get(12..).and_then(|it| groups(it, sides.map(|it| it as usize))).unwrap_or(0) as u64;
        if !plain && ROOM_BYTES_MAX < groups * GROUP_BYTES + pixels * PIXEL_BYTES {
            return Err(Fault::TooLarge);
        }
        let exif = decoder.exif_metadata().ok().flatten().and_then(|it| by_exif(&it));
        let orientation = exif.or_else(|| by_xmp(&decoder.xmp_metadata().ok()??));
        let profile = decoder.icc_profile().ok().flatten();
        Ok(Self { decoder, orientation: orientation.unwrap_or(Orientation::NoTransforms), profile })
    }
}

/// How many groups of codes the first picture without loss announces that is among `chunks`, or the first alpha.
fn groups(mut chunks: &[u8], sides: [usize; 2]) -> Option<usize> {
    loop {
        let length = usize::try_from(u32_le(chunks, 4)?).ok()?;
        let data = chunks.get(8..)?.get(..length)?;
        match &chunks[..4] {
            b"VP8L" => return lossless::groups(data, None),
            b"ALPH" if data.first()? & 3 == 1 => return lossless::groups(&data[1..], Some(sides)),
            b"ANMF" => {
                let sides = [6, 9].map(|at| u32_le(data, at).map(|it| 1 + (it & 0xff_ffff) as usize));
                return groups(data.get(16..)?, [sides[0]?, sides[1]?]);
            }
            _ => chunks = chunks.get(8 + length.next_multiple_of(2)..)?,
        }
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

#[cfg(test)]
mod tests;
