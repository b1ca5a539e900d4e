//! PNG, row by row.

use std::io::Cursor;

use flate2::{Decompress, FlushDecompress};
use image::metadata::Orientation;
use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Reader, Transformations};

use super::{
    Crop, Fault,
    colour::{PROFILE_BYTES_MAX, Space},
    decode::{Picture, fits, within_limits},
    format::png_chunks,
    raster::{Channels, Deadline, Raster, Reducer},
    upright::{by_digits, by_exif, by_xmp},
};

/// Bytes for what stands beside the pixels, and for a row of them. A colour profile is stored compressed and would be
/// unpacked to any length.
const ASIDES_BYTES_MAX: usize = PROFILE_BYTES_MAX + (1 << 20);

/// Name of the text that is EXIF in digits.
const RAW_EXIF: &[u8] = b"Raw profile type exif\0";

/// Name of the text that is XMP. It is not stored compressed.
const XMP: &[u8] = b"XML:com.adobe.xmp\0\0";

/// Bytes of text in which the orientation is looked for. It stands near the beginning of EXIF.
const DIGITS_MAX: usize = 16 << 10;

/// A PNG of which all before its pixels was read.
pub(super) struct Png<'a> {
    file: &'a [u8],
    reader: Reader<Cursor<&'a [u8]>>,
}

impl<'a> Png<'a> {
    /// Reads all that comes before the pixels.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let decoder = |passes_over_profile| {
            let mut decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: ASIDES_BYTES_MAX });
            decoder.set_ignore_text_chunk(true);
            decoder.set_ignore_iccp_chunk(passes_over_profile);
            let header = decoder.read_header_info()?;
            within_limits([header.width, header.height])?;
            // Of 16 bits a channel a whole picture would be too large, and a row is not.
            let whole = if header.interlaced { Transformations::STRIP_16 } else { Transformations::IDENTITY };
            decoder.set_transformations(Transformations::EXPAND | whole);
            Ok::<_, Fault>(decoder)
        };
        let reader = match decoder(false)?.read_info() {
            Ok(reader) => reader,
            // A profile that unpacks to more than anybody's, which is what the picture is then read without.
            Err(DecodingError::LimitsExceeded) => decoder(true)?.read_info()?,
            Err(fault) => return Err(fault.into()),
        };
        Ok(Self { file, reader })
    }
}

impl Picture for Png<'_> {
    fn sides(&self) -> [u32; 2] {
        let info = self.reader.info();
        [info.width, info.height]
    }

    /// It may stand behind the pixels. EXIF in a chunk of its own came late; before that it was text.
    fn orientation(&self) -> Orientation {
        let mut told = [None; 3];
        for (kind, data) in png_chunks(self.file) {
            let (place, found) = match kind {
                b"eXIf" => (0, by_exif(data)),
                b"tEXt" => (1, data.strip_prefix(RAW_EXIF).and_then(by_digits)),
                b"zTXt" => (1, data.strip_prefix(RAW_EXIF).and_then(|it| by_digits(&inflated(it)))),
                b"iTXt" => (2, data.strip_prefix(XMP).and_then(by_xmp)),
                _ => continue,
            };
            told[place] = told[place].or(found);
        }
        told.into_iter().flatten().next().unwrap_or(Orientation::NoTransforms)
    }

    /// A profile goes before all else; that it is sRGB goes before what that means for those who do not know sRGB.
    fn space(&self) -> Space {
        let info = self.reader.info();
        match (&info.icc_profile, info.srgb, info.gama_chunk) {
            (Some(profile), _, _) => Space::Profile(profile.to_vec()),
            (None, None, Some(gamma)) => {
                let chart = info
                    .chrm_chunk
                    .map(|it| [it.white, it.red, it.green, it.blue].map(|(x, y)| [x, y].map(|it| it.into_value())));
                Space::Gamma(gamma.into_value(), chart)
            }
            _ => Space::Unsaid,
        }
    }

    fn raster(mut self: Box<Self>, square: Crop, until: Deadline) -> Result<Raster, Fault> {
        let (colour, depth) = self.reader.output_color_type();
        let channels = match colour {
            ColorType::Grayscale => Channels::Grey,
            ColorType::GrayscaleAlpha => Channels::GreyAlpha,
            ColorType::Rgba => Channels::Rgba,
            ColorType::Rgb | ColorType::Indexed => Channels::Rgb,
        };
        let mut reducer = Reducer::new(channels, square, until);
        if self.reader.info().interlaced {
            fits(self.sides(), channels.count() as u64)?;
            let mut whole = vec![0; self.reader.output_buffer_size().ok_or(Fault::TooLarge)?];
            self.reader.next_frame(&mut whole)?;
            let width = channels.count() * self.sides()[0] as usize;
            whole.chunks_exact(width).try_for_each(|it| reducer.take(it))?;
            return reducer.raster();
        }
        let mut row = vec![0; self.reader.output_line_size(self.sides()[0]).ok_or(Fault::TooLarge)?];
        let mut narrow = Vec::new();
        while self.reader.read_row(&mut row)?.is_some() {
            if depth == BitDepth::Sixteen && reducer.wants() {
                narrow.clear();
                let samples = row.as_chunks().0.iter().map(|it| u32::from(u16::from_be_bytes(*it)));
                narrow.extend(samples.map(|it| ((it + 128) / 257) as u8));
                reducer.take(&narrow)?;
            } else {
                reducer.take(&row)?;
            }
        }
        reducer.raster()
    }
}

/// What a compressed text begins with; the first byte says how it was compressed, for which there is one way.
fn inflated(text: &[u8]) -> Vec<u8> {
    let mut begin = Vec::with_capacity(DIGITS_MAX);
    // What was made before an error, or before the room was full, is all that is wanted.
    let _ = Decompress::new(true).decompress_vec(text.get(1..).unwrap_or_default(), &mut begin, FlushDecompress::Sync);
    begin
}

impl From<DecodingError> for Fault {
    fn from(error: DecodingError) -> Self {
        match error {
            DecodingError::LimitsExceeded => Self::TooLarge,
            _ => Self::Corrupt,
        }
    }
}
