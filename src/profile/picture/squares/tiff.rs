//! TIFF, the first page of it.

use std::{borrow::Cow, io::Cursor};

use image::{ColorType, ImageDecoder, Limits, codecs::tiff::TiffDecoder, metadata::Orientation};

use super::{Fault, raster::Channels};

/// The first page of a TIFF.
pub(super) struct Page<'a> {
    file: &'a [u8],
    sides: [u32; 2],
    colour: ColorType,
    orientation: Orientation,
    profile: Option<Vec<u8>>,
}

impl<'a> Page<'a> {
    /// Reads the header of the page.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let mut decoder = TiffDecoder::new(Cursor::new(file))?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let profile = decoder.icc_profile().ok().flatten();
        Ok(Self { file, sides: decoder.dimensions().into(), colour: decoder.color_type(), orientation, profile })
    }

    pub(super) fn sides(&self) -> [u32; 2] {
        self.sides
    }

    pub(super) fn channels(&self) -> Channels {
        match self.colour.channel_count() {
            1 => Channels::Grey,
            2 => Channels::GreyAlpha,
            3 => Channels::Rgb,
            _ => Channels::Rgba,
        }
    }

    pub(super) fn orientation(&self) -> u8 {
        self.orientation.to_exif()
    }

    pub(super) fn colour_profile(&self) -> Option<Cow<'a, [u8]>> {
        self.profile.clone().map(Cow::Owned)
    }

    pub(super) fn rows(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut decoder = TiffDecoder::new(Cursor::new(self.file))?;
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(256 << 20);
        decoder.set_limits(limits)?;
        let mut bytes = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
        decoder.read_image(&mut bytes)?;
        let line = self.sides[0] as usize * usize::from(self.colour.bytes_per_pixel());
        for row in bytes.chunks_exact(line) {
            match self.colour.bytes_per_pixel() / self.colour.channel_count() {
                1 => take(row)?,
                2 => {
                    let it =
                        row.as_chunks().0.iter().map(|it| ((u32::from(u16::from_ne_bytes(*it)) + 128) / 257) as u8);
                    take(&it.collect::<Vec<_>>())?;
                }
                _ => {
                    let it = row.as_chunks().0.iter().map(|it| (f32::from_ne_bytes(*it) * 255.0).round() as u8);
                    take(&it.collect::<Vec<_>>())?;
                }
            }
        }
        Ok(())
    }
}
