//! Bytes of a file to pixels: the only place that a decoder is called, and where its limits are.

use std::io::Cursor;

use fast_image_resize::PixelType;
use image::{
    ColorType, ImageDecoder, ImageError, Limits,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder},
    metadata::Orientation,
};
use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{Fault, Format};

/// Pixels of a side: more than any camera's, and few enough for one row to be nothing.
pub const SIDE_MAX: u32 = 10_000;

/// Pixels in all: what current cameras make, and what a core turns into squares in about a second.
pub const PIXELS_MAX: u64 = 40_000_000;

/// Bytes of the pixels: 40 megapixels of 48 bits do just fit. Decoders keep up to as much again for themselves.
const DECODED_BYTES_MAX: u64 = 256 << 20;

/// Bytes for what stands in a PNG beside the pixels. A colour profile is stored compressed, has a few hundred kilobytes
/// at most, and would be unpacked to any length.
const PNG_ASIDES_BYTES_MAX: u64 = 16 << 20;

/// Scans of a progressive JPEG. Programs write about ten; each costs a pass over the whole picture, even an empty one.
const JPEG_SCANS_MAX: usize = 32;

/// A picture as it lies in the file: rows from above, 8 bits a channel, not yet turned upright.
pub(super) struct Raster {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixel: PixelType,
    pub(super) bytes: Vec<u8>,
}

/// A picture of which the header was read, and which is small enough to be decoded.
pub(super) struct Header<'a> {
    width: u32,
    height: u32,
    colour: ColorType,
    decoder: Decoder<'a>,
}

enum Decoder<'a> {
    Jpeg(Box<JpegDecoder<ZCursor<&'a [u8]>>>),
    Other(Box<dyn ImageDecoder + 'a>),
}

impl<'a> Header<'a> {
    /// Reads the header of `file`.
    ///
    /// # Errors
    ///
    /// [`Fault::TooLarge`] beyond the limits, before any room is made for pixels.
    pub(super) fn read(file: &'a [u8], format: Format) -> Result<Self, Fault> {
        let reader = || Cursor::new(file);
        match format {
            Format::Jpeg => Self::jpeg(file),
            Format::Bmp => Self::other(BmpDecoder::new(reader())),
            Format::Gif => Self::other(GifDecoder::new(reader())),
            Format::Png => Self::other(PngDecoder::with_limits(reader(), limits(PNG_ASIDES_BYTES_MAX))),
            Format::Tiff => Self::other(TiffDecoder::new(reader())),
            Format::WebP => Self::other(WebPDecoder::new(reader())),
        }
    }

    /// Reads the header of a JPEG, with its own decoder: the way through `image` paints over damage with grey.
    fn jpeg(file: &'a [u8]) -> Result<Self, Fault> {
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            // It would call what is over a limit of its own damaged. No JPEG can say more than this of itself.
            .set_max_width(u16::MAX.into())
            .set_max_height(u16::MAX.into())
            .jpeg_set_max_scans(JPEG_SCANS_MAX);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
        decoder.decode_headers()?;
        let (width, height) = decoder.dimensions().ok_or(Fault::Corrupt)?;
        let colour = match decoder.input_colorspace() {
            Some(ColorSpace::Luma) => ColorType::L8,
            _ => ColorType::Rgb8,
        };
        let wanted = if colour == ColorType::L8 { ColorSpace::Luma } else { ColorSpace::RGB };
        decoder.set_options(options.jpeg_set_out_colorspace(wanted));
        let sides = [width, height].map(|it| u32::try_from(it).unwrap_or(u32::MAX));
        Self::within_limits(sides, colour, Decoder::Jpeg(Box::new(decoder)))
    }

    fn other(decoder: Result<impl ImageDecoder + 'a, ImageError>) -> Result<Self, Fault> {
        let mut decoder = decoder?;
        decoder.set_limits(limits(DECODED_BYTES_MAX))?;
        let ((width, height), colour) = (decoder.dimensions(), decoder.color_type());
        Self::within_limits([width, height], colour, Decoder::Other(Box::new(decoder)))
    }

    fn within_limits([width, height]: [u32; 2], colour: ColorType, decoder: Decoder<'a>) -> Result<Self, Fault> {
        let pixels = u64::from(width) * u64::from(height);
        let bytes = pixels * u64::from(colour.bytes_per_pixel());
        if pixels == 0 {
            Err(Fault::Corrupt)
        } else if SIDE_MAX < width.max(height) || PIXELS_MAX < pixels || DECODED_BYTES_MAX < bytes {
            Err(Fault::TooLarge)
        } else {
            Ok(Self { width, height, colour, decoder })
        }
    }

    /// The width and the height in the file, in pixels.
    pub(super) fn sides(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    /// Finds how the picture must be turned to be upright. One that is damaged in this respect alone stays as it is.
    pub(super) fn orientation(&mut self) -> Orientation {
        match &mut self.decoder {
            Decoder::Jpeg(decoder) => decoder.exif().and_then(|it| Orientation::from_exif_chunk(it)),
            Decoder::Other(decoder) => decoder.orientation().ok(),
        }
        .unwrap_or(Orientation::NoTransforms)
    }

    /// Decodes the picture, or the first of several.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] and [`Fault::Unsupported`], as the decoder finds.
    pub(super) fn decode(self) -> Result<Raster, Fault> {
        let Self { width, height, colour, decoder } = self;
        let mut bytes = vec![0; width as usize * height as usize * usize::from(colour.bytes_per_pixel())];
        match decoder {
            Decoder::Jpeg(mut decoder) => decoder.decode_into(&mut bytes)?,
            Decoder::Other(decoder) => decoder.read_image_boxed(&mut bytes)?,
        }
        match colour.bytes_per_pixel() / colour.channel_count() {
            1 => {}
            2 => narrow(&mut bytes, |it| ((u32::from(u16::from_ne_bytes(it)) + 128) / 257) as u8),
            _ => narrow(&mut bytes, |it| (f32::from_ne_bytes(it) * 255.0).round() as u8),
        }
        let pixel = match colour.channel_count() {
            1 => PixelType::U8,
            2 => PixelType::U8x2,
            3 => PixelType::U8x3,
            _ => PixelType::U8x4,
        };
        Ok(Raster { width, height, pixel, bytes })
    }
}

/// The limits as the decoders take them. Each heeds some of them.
fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(bytes);
    limits
}

/// Makes one byte of every `N`, in place: a second buffer would be as large as the picture.
fn narrow<const N: usize>(bytes: &mut Vec<u8>, byte: impl Fn([u8; N]) -> u8) {
    let samples = bytes.len() / N;
    for at in 0..samples {
        let mut sample = [0; N];
        sample.copy_from_slice(&bytes[at * N..][..N]);
        bytes[at] = byte(sample);
    }
    bytes.truncate(samples);
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

impl From<DecodeErrors> for Fault {
    fn from(error: DecodeErrors) -> Self {
        if matches!(error, DecodeErrors::Unsupported(_)) { Self::Unsupported } else { Self::Corrupt }
    }
}
