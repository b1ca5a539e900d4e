//! GIF: the first picture of the file, where it lies on its canvas.

use std::{borrow::Cow, io::Cursor};

use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, MemoryLimit};

use super::{
    Crop, Fault,
    decode::{PIXELS_MAX, Picture, within_limits},
    raster::{Channels, Deadline, Raster, Reducer},
};

/// A GIF of which all before the pixels of its first picture was read.
pub(super) struct Gif<'a> {
    decoder: Decoder<Cursor<Cow<'a, [u8]>>>,
    /// Left and upper edge, width and height of the first picture on the canvas, which it may stick out of.
    frame: [usize; 4],
    /// The colours, the transparent one among them.
    colours: [[u8; 4]; 256],
}

impl<'a> Gif<'a> {
    /// Reads all that comes before the pixels of the first picture.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        // One byte a pixel.
        options.set_memory_limit(PIXELS_MAX.try_into().map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
        let mut decoder = options.read_info(Cursor::new(coloured(file)))?;
        within_limits([decoder.width(), decoder.height()].map(u32::from))?;
        let frame = decoder.next_frame_info()?.ok_or(Fault::Corrupt)?;
        within_limits([frame.width, frame.height].map(u32::from))?;
        let transparent = frame.transparent;
        let frame = [frame.left, frame.top, frame.width, frame.height].map(usize::from);
        // A pixel of a colour that is not told is black.
        let mut colours = [[0, 0, 0, u8::MAX]; 256];
        for (colour, told) in colours.iter_mut().zip(decoder.palette()?.as_chunks::<3>().0) {
            colour[..3].copy_from_slice(told);
        }
        if let Some(transparent) = transparent {
            colours[usize::from(transparent)] = [0; 4];
        }
        Ok(Self { decoder, frame, colours })
    }
}

/// The file with a table of colours for all its pictures. Without one they are left to its reader, and others take shades
/// of grey; the decoder takes none, unless a picture has its own.
fn coloured(file: &[u8]) -> Cow<'_, [u8]> {
    /// Where the header tells of the table, which would follow behind it.
    const FLAGS: usize = 10;
    const HEADER: usize = 13;

    match file.split_at_checked(HEADER) {
        Some((header, rest)) if header[FLAGS] & 0x80 == 0 => {
            let mut header = header.to_vec();
            // There is one, of 256 colours.
            header[FLAGS] |= 0x87;
            header.extend((0..=u8::MAX).flat_map(|it| [it; 3]));
            Cow::Owned([&header, rest].concat())
        }
        _ => Cow::Borrowed(file),
    }
}

impl Picture for Gif<'_> {
    fn sides(&self) -> [u32; 2] {
        [self.decoder.width(), self.decoder.height()].map(u32::from)
    }

    fn raster(mut self: Box<Self>, square: Crop, until: Deadline) -> Result<Raster, Fault> {
        let [left, top, wide, high] = self.frame;
        let mut indices = vec![0; wide * high];
        self.decoder.read_into_buffer(&mut indices)?;
        let [width, height] = self.sides().map(|it| it as usize);
        let mut reducer = Reducer::new(Channels::Rgba, square, until);
        let mut row = vec![0; 4 * width];
        for y in 0..height {
            let line = y.checked_sub(top).and_then(|it| indices.chunks_exact(wide).nth(it));
            if let Some(line) = line
                && reducer.wants()
            {
                for (pixel, index) in row.as_chunks_mut().0.iter_mut().skip(left).zip(line) {
                    *pixel = self.colours[usize::from(*index)];
                }
            } else {
                row.fill(0);
            }
            reducer.take(&row)?;
        }
        reducer.raster()
    }
}

impl From<DecodingError> for Fault {
    fn from(error: DecodingError) -> Self {
        match error {
            DecodingError::OutOfMemory | DecodingError::MemoryLimit => Self::TooLarge,
            _ => Self::Corrupt,
        }
    }
}
