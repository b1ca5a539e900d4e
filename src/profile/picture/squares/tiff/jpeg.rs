//! JPEGs within TIFF: with what their pages keep for them put back in.
//!
//! What is decoded is a new file of the marks that matter for pixels. What programs write beside them, such as the
//! colours that Adobe meant, does not count here: the page says what the samples are.

use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{
    super::Fault,
    BAND_BYTES_MAX,
    tags::Directory,
    unpack::{ASIDE_BYTES, GROWTH_MAX},
};

/// Scans of a progressive JPEG, each of which costs a pass over all its pixels.
const SCANS_MAX: usize = 32;

/// Bytes of all marks that stand before the pixels: four tables of factors, eight of codes, a frame, a scan, and all of
/// them a dozen times over. They are read again for every strip or tile.
const HEAD_BYTES_MAX: usize = 1 << 15;

const PROGRESSIVE: u8 = 0xc2;
const TABLE_OF_FACTORS: u8 = 0xdb;
const TABLE_OF_CODES: u8 = 0xc4;
const INTERVAL: u8 = 0xdd;
const SCAN: u8 = 0xda;
const BEGIN: [u8; 2] = [0xff, 0xd8];

/// What a JPEG must be.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) width: usize,
    /// At least so many rows, and at most as many as these and a block.
    pub(super) rows: [usize; 2],
    pub(super) samples: usize,
    /// Whether Y, Cb and Cr become red, green and blue.
    pub(super) converts: bool,
}

/// Rows of the largest block: a picture may be filled up with what is left of one.
const BLOCK_ROWS: usize = 32;

/// What stands before the pixels: the marks that matter, in the order in which they came.
#[derive(Default)]
struct Head {
    bytes: Vec<u8>,
    /// Width, height and number of samples, once the frame was seen.
    frame: Option<[usize; 3]>,
    /// Whether the pixels come in several scans.
    progressive: bool,
    /// Whether the pixels follow.
    scan: bool,
}

impl Head {
    /// Takes the marks until the pixels begin, and returns what follows.
    fn take<'a>(&mut self, mut rest: &'a [u8]) -> Result<&'a [u8], Fault> {
        while let [0xff, mark, behind @ ..] = rest {
            match mark {
                0xff => rest = &rest[1..],
                0x01 | 0xd0..=0xd8 => rest = behind,
                0x00 | 0xd9 => return Ok(rest),
                _ => {
                    let length = behind.first_chunk().map_or(0, |it| usize::from(u16::from_be_bytes(*it)));
                    let body = behind.get(..length).filter(|it| 2 <= it.len()).ok_or(Fault::Corrupt)?;
                    self.mark(*mark, body)?;
                    rest = &behind[length..];
                    if *mark == SCAN {
                        self.scan = true;
                        return Ok(rest);
                    }
                }
            }
        }
        Ok(rest)
    }

    fn mark(&mut self, mark: u8, body: &[u8]) -> Result<(), Fault> {
        match mark {
            0xc0..=PROGRESSIVE => {
                let &[_, _, precision, h0, h1, w0, w1, samples, ..] = body else { return Err(Fault::Corrupt) };
                if self.frame.is_some() {
                    return Err(Fault::Corrupt);
                }
                if precision != 8 {
                    return Err(Fault::Unsupported);
                }
                let [height, width] = [[h0, h1], [w0, w1]].map(|it| usize::from(u16::from_be_bytes(it)));
                self.frame = Some([width, height, usize::from(samples)]);
                self.progressive = mark == PROGRESSIVE;
            }
            TABLE_OF_FACTORS | TABLE_OF_CODES | INTERVAL | SCAN => {}
            0xc3 | 0xc5..=0xcf => return Err(Fault::Unsupported),
            _ => return Ok(()),
        }
        if HEAD_BYTES_MAX < self.bytes.len() + body.len() {
            return Err(Fault::Corrupt);
        }
        self.bytes.extend([0xff, mark]);
        self.bytes.extend(body);
        Ok(())
    }

    /// Decodes the pixels that follow the head.
    fn decode(&self, packed: &[u8], wanted: Wanted, out: &mut Vec<u8>) -> Result<(), Fault> {
        let [width, height, samples] = self.frame.ok_or(Fault::Corrupt)?;
        let [least, most] = wanted.rows;
        let fits = (least..=most.saturating_add(BLOCK_ROWS)).contains(&height);
        if width != wanted.width || !fits || samples != wanted.samples || !self.scan {
            return Err(Fault::Corrupt);
        }
        let length = width * height * samples;
        // What comes in several scans is kept as two bytes a sample until the last of them.
        let kept = if self.progressive { 3 * length } else { length };
        if BAND_BYTES_MAX < kept {
            return Err(Fault::TooLarge);
        }
        let packed = &packed[..packed.len().min(GROWTH_MAX * length + ASIDE_BYTES)];
        let mut file = Vec::with_capacity(BEGIN.len() + self.bytes.len() + packed.len());
        file.extend(BEGIN);
        file.extend(&self.bytes);
        // The mark of its end may be missing. It must not be put there: the decoder would no longer see what else is.
        file.extend(packed);
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(u16::MAX.into())
            .set_max_height(u16::MAX.into())
            .jpeg_set_max_scans(SCANS_MAX);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&file), options);
        decoder.decode_headers()?;
        let colours = match (samples, decoder.input_colorspace().ok_or(Fault::Corrupt)?) {
            (1, _) => ColorSpace::Luma,
            (3, ColorSpace::YCbCr) if wanted.converts => ColorSpace::RGB,
            (3 | 4, found) => found,
            _ => return Err(Fault::Unsupported),
        };
        decoder.set_options(options.jpeg_set_out_colorspace(colours));
        out.resize(length, 0);
        Ok(decoder.decode_into(out)?)
    }
}

/// Decodes one strip or tile: a JPEG without the `tables` that stand before all of them.
///
/// # Errors
///
/// [`Fault::Corrupt`] if it is not what is wanted, or not whole.
pub(super) fn unpack(tables: Option<&[u8]>, packed: &[u8], wanted: Wanted, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut head = Head::default();
    head.take(tables.unwrap_or_default())?;
    if head.scan {
        return Err(Fault::Corrupt);
    }
    let pixels = head.take(packed)?;
    head.decode(pixels, wanted, out)
}

/// A page of the way before the second technical note, put together as one JPEG.
pub(super) struct Old<'a> {
    head: Head,
    /// The pixels of the strips.
    strips: Vec<&'a [u8]>,
    /// What follows where the page says that a JPEG begins.
    behind: Option<&'a [u8]>,
}

/// What the tags say of such a page.
pub(super) struct Said<'a> {
    pub(super) directory: Directory<'a>,
    pub(super) sides: [u32; 2],
    pub(super) samples: usize,
    pub(super) subsampling: [usize; 2],
    /// Rows of a strip.
    pub(super) rows: u32,
}

impl<'a> Old<'a> {
    /// Puts a page together that has these `strips`.
    ///
    /// Most programs keep a whole JPEG, or its beginning, and tell where it is. Others keep the tables one by one.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] if anything is missing.
    pub(super) fn gather(said: &Said<'a>, strips: &[&'a [u8]]) -> Result<Self, Fault> {
        let directory = said.directory;
        let mut head = Head::default();
        let mut behind = None;
        if let Some(file) = directory.value(513).and_then(|it| directory.file.from(it)) {
            let pixels = head.take(file)?;
            behind = head.scan.then_some(pixels);
        }
        if head.bytes.is_empty() {
            tables(&mut head, directory, said.samples)?;
        }
        // The strips lie in the same JPEG, or behind its beginning; or they are all that there is.
        let mut rests = Vec::new();
        for strip in strips {
            let mut own = Head::default();
            let rest = own.take(strip)?;
            if !head.scan && own.scan {
                head.bytes.extend(&own.bytes);
                (head.frame, head.scan) = (head.frame.or(own.frame), true);
            }
            rests.push(rest);
        }
        if !head.scan {
            if head.frame.is_none() {
                frame(&mut head, said)?;
            }
            scan(&mut head, said.samples)?;
        }
        if 1 < strips.len() && !head.bytes.windows(4).any(|it| it == [0xff, INTERVAL, 0, 4]) {
            let [across, down] = [said.subsampling[0] * 8, said.subsampling[1] * 8];
            let blocks = (said.sides[0] as usize).div_ceil(across) * (said.rows as usize).div_ceil(down);
            let [high, low] = u16::try_from(blocks).map_or([0; 2], u16::to_be_bytes);
            head.bytes.splice(..0, [0xff, INTERVAL, 0, 4, high, low]);
        }
        Ok(Self { head, strips: rests, behind })
    }

    /// Decodes it.
    ///
    /// # Errors
    ///
    /// As [`unpack`].
    pub(super) fn unpack(&self, sides: [usize; 2], samples: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        let wanted = Wanted { width: sides[0], rows: [sides[1]; 2], samples, converts: false };
        let mut packed = Vec::new();
        for (number, strip) in self.strips.iter().enumerate() {
            packed.extend_from_slice(strip);
            let marked = matches!(packed[..], [.., 0xff, 0xd0..=0xd7 | 0xd9]);
            if number + 1 < self.strips.len() && !marked {
                packed.extend([0xff, 0xd0 + (number % 8) as u8]);
            }
        }
        let read = self.head.decode(&packed, wanted, out);
        // There are programs that tell the wrong places of the strips, and the right one of the JPEG.
        match (read, self.behind) {
            (Err(Fault::Corrupt), Some(pixels)) => self.head.decode(pixels, wanted, out),
            (read, _) => read,
        }
    }
}

/// The tables that a page keeps one by one, each at its own place.
fn tables(head: &mut Head, directory: Directory<'_>, samples: usize) -> Result<(), Fault> {
    for index in 0..samples.min(4) {
        let number = index as u8;
        let at = |tag| directory.values(tag)?.get(index).and_then(|it| directory.file.from(it));
        let Some(factors) = at(519).and_then(|it| it.get(..64)) else { continue };
        head.mark(TABLE_OF_FACTORS, &[&[0, 67, number], factors].concat())?;
        for (tag, class) in [(520, 0), (521, 0x10)] {
            let counts = at(tag).and_then(|it| it.get(..16)).ok_or(Fault::Corrupt)?;
            let length = 16 + counts.iter().map(|it| usize::from(*it)).sum::<usize>();
            let codes = at(tag).and_then(|it| it.get(..length)).ok_or(Fault::Corrupt)?;
            let [high, low] = (3 + length as u16).to_be_bytes();
            head.mark(TABLE_OF_CODES, &[&[high, low, class | number], codes].concat())?;
        }
    }
    if let Some(interval) = directory.value(515).filter(|it| *it != 0) {
        let [high, low] = u16::try_from(interval).map_or([0; 2], u16::to_be_bytes);
        head.mark(INTERVAL, &[0, 4, high, low])?;
    }
    Ok(())
}

/// Makes a frame of what the page says.
fn frame(head: &mut Head, said: &Said<'_>) -> Result<(), Fault> {
    let Said { samples, subsampling: [across, down], .. } = *said;
    let [width, height] = said.sides.map(|it| u16::try_from(it).map_or([0; 2], u16::to_be_bytes));
    let mut body = vec![0, (8 + 3 * samples) as u8, 8, height[0], height[1], width[0], width[1], samples as u8];
    for number in 0..samples as u8 {
        let sampling = if number == 0 && samples != 1 { (across << 4 | down) as u8 } else { 0x11 };
        body.extend([number + 1, sampling, number]);
    }
    head.mark(0xc0, &body)
}

/// Begins a scan of all samples, each with tables of its own.
fn scan(head: &mut Head, samples: usize) -> Result<(), Fault> {
    let mut body = vec![0, (6 + 2 * samples) as u8, samples as u8];
    (0..samples as u8).for_each(|it| body.extend([it + 1, 0x11 * it]));
    body.extend([0, 63, 0]);
    head.scan = true;
    head.mark(SCAN, &body)
}

impl From<DecodeErrors> for Fault {
    fn from(error: DecodeErrors) -> Self {
        if matches!(error, DecodeErrors::Unsupported(_)) { Self::Unsupported } else { Self::Corrupt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_scans_takes_three_times_the_room_and_is_counted_so() {
        let wanted = Wanted { width: 6_000, rows: [6_000; 2], samples: 3, converts: false };
        for (progressive, fault) in [(true, Fault::TooLarge), (false, Fault::Corrupt)] {
            let head = Head { frame: Some([6_000, 6_000, 3]), progressive, scan: true, ..Head::default() };
            assert_eq!(head.decode(&[], wanted, &mut Vec::new()), Err(fault));
        }
    }
}
