//! Bytes of a file to the squares that are kept of a picture. Pure: no files, no network, nothing of the wire.

mod decode;
mod format;

use std::panic::catch_unwind;

use fast_image_resize::{FilterType, MulDiv, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image};
use image::{
    DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType as RowFilter, PngEncoder},
    },
    metadata::Orientation,
};

use decode::{Header, Raster};
pub use decode::{PIXELS_MAX, SIDE_MAX};
pub use format::Format;

/// The sides of the squares in pixels, largest first: a page of one's own, a card, a list, a line of text.
pub const SIDES: [u32; 4] = [512, 300, 128, 48];

/// Quality of a JPEG in percent: where people stop seeing a difference to the original at these sizes.
const JPEG_QUALITY: u8 = 85;

/// The side of the square that a large one is made first, in pixels: twice the largest that is kept.
///
/// Every square costs a pass over all pixels that it is made of. One pass over those of the file and four over these
/// take half the time of four over the file, and nobody sees the difference: signal to noise is 54 dB at the least.
const HALFWAY: u32 = 2 * SIDES[0];

/// A square of a picture as it is seen, that is, turned upright; in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Distance from the left edge.
    pub left: u32,
    /// Distance from the upper edge.
    pub top: u32,
    /// Length of its side.
    pub side: u32,
}

/// A square picture, as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Square {
    /// Length of its side in pixels.
    pub side: u32,
    /// The file, of the type that [`Cut`] names.
    pub bytes: Vec<u8>,
}

/// What is kept of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What the file was found to be.
    pub format: Format,
    /// The media type of the squares: `image/png` where parts are transparent, else `image/jpeg`.
    pub content_type: &'static str,
    /// One for each of [`SIDES`], in that order.
    pub squares: Vec<Square>,
}

/// Why a picture is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More than 10,000 px a side, 40 megapixels, or 256 MiB decoded.
    #[error("the picture has too many pixels")]
    TooLarge,
    /// Another format, or something in this one that cannot be read here.
    #[error("the picture is of a kind that is not taken")]
    Unsupported,
    /// The file ends early or makes no sense.
    #[error("the picture is damaged")]
    Corrupt,
    /// The crop is empty or does not lie within the picture.
    #[error("the crop does not lie within the picture")]
    CropOutside,
}

/// Cuts a square out of the picture in `file`, and makes it as large as each of [`SIDES`].
///
/// Without a `crop` it is the largest square in the middle. Of several pictures in the file the first is taken. Only its
/// pixels go on: no metadata, no bytes from beside the picture. Takes up to about a second of a core.
///
/// # Errors
///
/// Each [`Fault`], for the reason it names.
pub fn cut(file: &[u8], crop: Option<Crop>) -> Result<Cut, Fault> {
    let format = Format::of(file).ok_or(Fault::Unsupported)?;
    // The decoders are known to panic on some malformed files. Nothing that they touch outlives the call.
    catch_unwind(|| {
        let mut header = Header::read(file, format)?;
        if !format.whole(file) {
            return Err(Fault::Corrupt);
        }
        let orientation = header.orientation();
        let square = in_file(crop, header.sides(), orientation).ok_or(Fault::CropOutside)?;
        let (content_type, squares) = squares(header.decode()?, square, orientation).ok_or(Fault::Corrupt)?;
        Ok(Cut { format, content_type, squares })
    })
    .unwrap_or(Err(Fault::Corrupt))
}

/// Finds where the square that people see lies in the file, whose picture has `sides`. None when it lies outside.
fn in_file(crop: Option<Crop>, sides: [u32; 2], orientation: Orientation) -> Option<Crop> {
    use Orientation as O;

    let on_its_side = matches!(orientation, O::Rotate90 | O::Rotate270 | O::Rotate90FlipH | O::Rotate270FlipH);
    let [width, height] = if on_its_side { [sides[1], sides[0]] } else { sides };
    let side = width.min(height);
    let Crop { left, top, side } = crop.unwrap_or(Crop { left: (width - side) / 2, top: (height - side) / 2, side });
    let right = width.checked_sub(left)?.checked_sub(side)?;
    let bottom = height.checked_sub(top)?.checked_sub(side)?;
    let (left, top) = match orientation {
        O::NoTransforms => (left, top),
        O::FlipHorizontal => (right, top),
        O::Rotate180 => (right, bottom),
        O::FlipVertical => (left, bottom),
        O::Rotate90FlipH => (top, left),
        O::Rotate90 => (top, right),
        O::Rotate270FlipH => (bottom, right),
        O::Rotate270 => (bottom, left),
    };
    (side != 0).then_some(Crop { left, top, side })
}

/// Makes the squares, and tells their media type. None when the pixels are not what the raster says.
fn squares(raster: Raster, mut square: Crop, orientation: Orientation) -> Option<(&'static str, Vec<Square>)> {
    let Raster { width, height, pixel, bytes } = raster;
    let mut image = Image::from_vec_u8(width, height, bytes, pixel).ok()?;
    let clear = see_through(&image, square);
    if clear {
        // What lies under a transparent pixel must not shine through from beside it.
        MulDiv::new().multiply_alpha_inplace(&mut image).ok()?;
    }
    // Lanczos is the sharpest when a picture shrinks, and draws rings around every edge when it grows. Where an edge is
    // that of the picture, any ring is a halo: Hamming draws none.
    let shrunk = if clear { [FilterType::Hamming; 2] } else { [FilterType::CatmullRom, FilterType::Lanczos3] };
    let grown = if clear { FilterType::Mitchell } else { FilterType::CatmullRom };
    let mut resizer = Resizer::new();
    if 2 * HALFWAY <= square.side {
        image = resized(&mut resizer, &image, square, HALFWAY, shrunk[0])?;
        square = Crop { left: 0, top: 0, side: HALFWAY };
    }
    let squares = SIDES.into_iter().map(|side| {
        let filter = if side < square.side { shrunk[1] } else { grown };
        let small = resized(&mut resizer, &image, square, side, filter)?;
        Some(Square { side, bytes: encoded(small, clear, orientation)? })
    });
    Some((if clear { "image/png" } else { "image/jpeg" }, squares.collect::<Option<_>>()?))
}

/// Whether any pixel of the square lets something through.
fn see_through(image: &Image, square: Crop) -> bool {
    let size = image.pixel_type().size();
    let [left, top, side] = [square.left, square.top, square.side].map(|it| it as usize);
    let mut rows = image.buffer().chunks_exact(size * image.width() as usize).skip(top).take(side);
    matches!(image.pixel_type(), PixelType::U8x2 | PixelType::U8x4)
        && rows.any(|row| row[size * left..][..size * side].chunks_exact(size).any(|it| it.last() != Some(&u8::MAX)))
}

/// The square of the image, made `side` pixels large, as sRGB has it: browsers and mail programs do the same.
fn resized(
    resizer: &mut Resizer,
    image: &Image,
    square: Crop,
    side: u32,
    filter: FilterType,
) -> Option<Image<'static>> {
    let [left, top, whole] = [square.left, square.top, square.side].map(f64::from);
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).use_alpha(false).crop(left, top, whole, whole);
    let mut small = Image::new(side, side, image.pixel_type());
    resizer.resize(image, &mut small, &options).ok()?;
    Some(small)
}

/// Turns a square upright and writes it: as PNG with what it lets through, or else as JPEG.
fn encoded(mut square: Image, clear: bool, orientation: Orientation) -> Option<Vec<u8>> {
    let (side, pixel) = (square.width(), square.pixel_type());
    if clear {
        MulDiv::new().divide_alpha_inplace(&mut square).ok()?;
    }
    let bytes = square.into_vec();
    let mut square = match pixel {
        PixelType::U8 => DynamicImage::ImageLuma8(GrayImage::from_raw(side, side, bytes)?),
        PixelType::U8x2 => DynamicImage::ImageLumaA8(GrayAlphaImage::from_raw(side, side, bytes)?),
        PixelType::U8x3 => DynamicImage::ImageRgb8(RgbImage::from_raw(side, side, bytes)?),
        _ => DynamicImage::ImageRgba8(RgbaImage::from_raw(side, side, bytes)?),
    };
    square.apply_orientation(orientation);
    let mut file = Vec::new();
    if clear {
        // A tenth of the time of the usual compression, for a file that is a sixth larger at most.
        let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, RowFilter::Adaptive);
        square.write_with_encoder(encoder).ok()?;
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
        match square {
            DynamicImage::ImageLumaA8(_) => square.into_luma8().write_with_encoder(encoder).ok()?,
            DynamicImage::ImageRgba8(_) => square.into_rgb8().write_with_encoder(encoder).ok()?,
            _ => square.write_with_encoder(encoder).ok()?,
        }
    }
    Some(file)
}

#[cfg(test)]
mod tests;
