//! Pixels to another number of pixels, and alpha out of their colours.

use fast_image_resize::{
    MulDiv, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8, U8x2, U8x3, U8x4},
};

pub use fast_image_resize::FilterType as Filter;

/// Pixels of one byte a channel, row by row.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// Width and height.
    pub sides: [u32; 2],
    /// How many channels a pixel has: 1 to 4.
    pub channels: usize,
    /// As many as that makes.
    pub bytes: &'a [u8],
}

/// What one picture after the other is resized with: it keeps the memory that it takes.
#[derive(Debug, Default)]
pub struct Resize(Resizer);

impl Resize {
    /// Makes a square of `side` pixels out of a part of `from`, in the numbers that it has, which for sRGB is what browsers
    /// and mail programs do. The part is the distances from the left and upper edges, a width and a height, in pixels. None
    /// when it is not inside, or the bytes are not those pixels.
    pub fn square(&mut self, from: Pixels<'_>, part: [f64; 4], side: u32, filter: Filter) -> Option<Vec<u8>> {
        // By the type of a pixel: a call for whatever pixels would bring in the kernels for all that there are.
        match from.channels {
            1 => self.typed::<U8>(from, part, side, filter),
            2 => self.typed::<U8x2>(from, part, side, filter),
            3 => self.typed::<U8x3>(from, part, side, filter),
            4 => self.typed::<U8x4>(from, part, side, filter),
            _ => None,
        }
    }

    fn typed<P: PixelTrait>(
        &mut self,
        from: Pixels<'_>,
        [left, top, width, height]: [f64; 4],
        side: u32,
        filter: Filter,
    ) -> Option<Vec<u8>> {
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).use_alpha(false);
        let image = TypedImageRef::<P>::from_buffer(from.sides[0], from.sides[1], from.bytes).ok()?;
        let mut bytes = vec![0; side as usize * side as usize * size_of::<P>()];
        let mut square = TypedImage::<P>::from_buffer(side, side, &mut bytes).ok()?;
        self.0.resize_typed(&image, &mut square, &options.crop(left, top, width, height)).ok()?;
        Some(bytes)
    }
}

/// Takes alpha, the last of 2 or 4 channels, out of the others of a square. None when the bytes are no such square.
pub fn divide_alpha(mut bytes: Vec<u8>, side: u32, channels: usize) -> Option<Vec<u8>> {
    fn divide<P: PixelTrait>(bytes: &mut [u8], side: u32) -> Option<()> {
        let mut image = TypedImage::<P>::from_buffer(side, side, bytes).ok()?;
        MulDiv::new().divide_alpha_inplace_typed(&mut image).ok()
    }
    match channels {
        2 => divide::<U8x2>(&mut bytes, side)?,
        4 => divide::<U8x4>(&mut bytes, side)?,
        _ => return None,
    }
    Some(bytes)
}
