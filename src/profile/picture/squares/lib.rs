//! Bytes of a file to the squares that are kept of a picture. Pure: no files, no network, nothing of the wire.

mod bmp;
mod colour;
mod decode;
mod format;
mod gif;
mod jpeg;
mod png;
mod raster;
mod tiff;
mod upright;
mod webp;

use std::{
    panic::catch_unwind,
    time::{Duration, Instant},
};

use image::{
    DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType as RowFilter, PngEncoder},
    },
    metadata::Orientation,
};

use resize::{Filter, Pixels, Resize};

use colour::Conversion;
pub use decode::{PIXELS_MAX, SIDE_MAX};
pub use format::Format;
use raster::{Channels, Deadline, Mix, Plane, Raster};

/// The sides of the squares in pixels, largest first: a page of one's own, a card, a list, a line of text.
pub const SIDES: [u32; 4] = [512, 300, 128, 48];

/// Quality of a JPEG in percent: where people stop seeing a difference to the original at these sizes.
const JPEG_QUALITY: u8 = 85;

/// Pixels that the side of a large square has at least when it is made smaller on the way in: twice the largest that is
/// kept.
///
/// Every square costs a pass over all pixels that it is made of, and these stand in memory. What makes a picture smaller
/// while it is read is quick and not as good as a filter; at twice the size nobody sees the difference.
const HALFWAY: u32 = 2 * SIDES[0];

/// How long a picture may take. None takes that long within the other limits, unless the machine is far too busy.
const WITHIN: Duration = Duration::from_secs(5);

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
    /// More than 10,000 px a side or 40 megapixels.
    #[error("the picture has too many pixels")]
    TooLarge,
    /// Not done within five seconds.
    #[error("the picture takes too long to read")]
    TooSlow,
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
    cut_until(file, crop, Deadline(Instant::now() + WITHIN))
}

fn cut_until(file: &[u8], crop: Option<Crop>, until: Deadline) -> Result<Cut, Fault> {
    // The decoders are known to panic on some malformed files. Nothing that they touch outlives the call.
    catch_unwind(|| {
        let Read { format, orientation, square, raster, conversion } = read(file, crop, until)?;
        let (content_type, squares) = squares(&raster, square.side, &conversion, orientation).ok_or(Fault::Corrupt)?;
        Ok(Cut { format, content_type, squares })
    })
    .unwrap_or(Err(Fault::Corrupt))
}

/// Whether [`cut`] takes the picture, as far as that is known before there are squares: these take most of the time.
/// Public for the fuzz target alone.
///
/// # Errors
///
/// As [`cut`].
pub fn readable(file: &[u8], crop: Option<Crop>) -> Result<(), Fault> {
    catch_unwind(|| read(file, crop, Deadline(Instant::now() + WITHIN)).map(drop)).unwrap_or(Err(Fault::Corrupt))
}

/// A picture that was read.
struct Read {
    format: Format,
    orientation: Orientation,
    /// In the file, that is, not turned upright.
    square: Crop,
    raster: Raster,
    conversion: Conversion,
}

fn read(file: &[u8], crop: Option<Crop>, until: Deadline) -> Result<Read, Fault> {
    let format = Format::of(file).ok_or(Fault::Unsupported)?;
    let picture = decode::open(file, format)?;
    if !format.whole(file) {
        return Err(Fault::Corrupt);
    }
    let (orientation, space) = (picture.orientation(), picture.space());
    let square = in_file(crop, picture.sides(), orientation).ok_or(Fault::CropOutside)?;
    let raster = picture.raster(square, until)?;
    let conversion = Conversion::new(&space, raster.channels);
    Ok(Read { format, orientation, square, raster, conversion })
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

/// Makes the squares, and tells their media type. `side` is that of the square in the file. None when the pixels are not
/// what the raster says.
fn squares(
    raster: &Raster,
    side: u32,
    conversion: &Conversion,
    orientation: Orientation,
) -> Option<(&'static str, Vec<Square>)> {
    let Raster { channels, planes, mix, clear } = raster;
    // Lanczos is the sharpest when a picture shrinks, and draws rings around every edge when it grows. Where an edge is
    // that of the picture, any ring is a halo: Hamming draws none.
    let shrunk = if *clear { Filter::Hamming } else { Filter::Lanczos3 };
    let grown = if *clear { Filter::Mitchell } else { Filter::CatmullRom };
    let mut resize = Resize::default();
    let squares = SIDES.into_iter().map(|small| {
        let filter = if small < side { shrunk } else { grown };
        let planes = planes.iter().map(|it| resized(&mut resize, it, small, filter));
        let mut pixels = mixed(planes.collect::<Option<_>>()?, *mix);
        if *clear {
            pixels = resize::divide_alpha(pixels, small, channels.count())?;
        }
        let (channels, pixels) = conversion.apply(*channels, pixels);
        Some(Square { side: small, bytes: encoded(pixels, small, channels, *clear, orientation)? })
    });
    Some((if *clear { "image/png" } else { "image/jpeg" }, squares.collect::<Option<_>>()?))
}

/// The square of a plane, made `side` pixels large.
fn resized(resize: &mut Resize, plane: &Plane, side: u32, filter: Filter) -> Option<Vec<u8>> {
    let Plane { sides, square, bytes } = plane;
    let channels = bytes.len() / (sides[0] as usize * sides[1] as usize);
    resize.square(Pixels { sides: *sides, channels, bytes }, *square, side, filter)
}

/// Puts the channels together, and makes of them what a picture has.
fn mixed(mut planes: Vec<Vec<u8>>, mix: Mix) -> Vec<u8> {
    let inks = planes.len() == 4;
    if mix.luminance
        && let [first, second, third, ..] = &mut planes[..]
    {
        for ((y, cb), cr) in first.iter_mut().zip(second).zip(third) {
            // As JFIF has it.
            let [light, blue, red] = [f32::from(*y), f32::from(*cb) - 128.0, f32::from(*cr) - 128.0];
            let green = light - 0.344_136 * blue - 0.714_136 * red;
            [*y, *cb, *cr] = [light + 1.402 * red, green, light + 1.772 * blue].map(|it| {
                let light = it.round() as u8;
                // Inks are told as the light that they take away, and only they are.
                if inks { u8::MAX - light } else { light }
            });
        }
    }
    let mut pixels = if let [_] = planes[..] { planes.remove(0) } else { woven(&planes) };
    if mix.inverted {
        pixels.iter_mut().for_each(|it| *it = u8::MAX - *it);
    }
    pixels
}

/// One byte of each plane after the other.
fn woven(planes: &[Vec<u8>]) -> Vec<u8> {
    let mut pixels = vec![0; planes.iter().map(Vec::len).sum()];
    for (at, plane) in planes.iter().enumerate() {
        for (channel, from) in pixels.iter_mut().skip(at).step_by(planes.len()).zip(plane) {
            *channel = *from;
        }
    }
    pixels
}

/// Turns a square upright and writes it: as PNG with what it lets through, or else as JPEG.
fn encoded(pixels: Vec<u8>, side: u32, channels: Channels, clear: bool, orientation: Orientation) -> Option<Vec<u8>> {
    let mut square = match channels {
        Channels::Grey => DynamicImage::ImageLuma8(GrayImage::from_raw(side, side, pixels)?),
        Channels::GreyAlpha => DynamicImage::ImageLumaA8(GrayAlphaImage::from_raw(side, side, pixels)?),
        Channels::Rgb => DynamicImage::ImageRgb8(RgbImage::from_raw(side, side, pixels)?),
        Channels::Rgba => DynamicImage::ImageRgba8(RgbaImage::from_raw(side, side, pixels)?),
        // Inks have become light.
        Channels::Cmyk => return None,
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
