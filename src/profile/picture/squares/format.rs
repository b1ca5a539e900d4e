//! The formats of pictures that are taken, told by how a file begins, and whether a file is there to its end.

/// A format that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the format that it is named for")]
pub enum Format {
    Bmp,
    Gif,
    Jpeg,
    Png,
    Tiff,
    WebP,
}

/// What a PNG begins with.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Bytes of the second header of a BMP, by its kind. `BM` alone also begins many a text.
const BMP_HEADERS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Bmp, Self::Gif, Self::Jpeg, Self::Png, Self::Tiff, Self::WebP];

    /// Tells the format of `file` by its first bytes; none when it is not one that is taken.
    pub fn of(file: &[u8]) -> Option<Self> {
        let bmp = || u32_le(file, 14).is_some_and(|it| BMP_HEADERS.contains(&it));
        let tiff = [&b"II*\0"[..], b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"];
        match file {
            _ if file.starts_with(b"BM") && bmp() => Some(Self::Bmp),
            _ if file.starts_with(b"GIF87a") || file.starts_with(b"GIF89a") => Some(Self::Gif),
            _ if file.starts_with(b"\xff\xd8\xff") => Some(Self::Jpeg),
            _ if file.starts_with(PNG) => Some(Self::Png),
            _ if tiff.iter().any(|it| file.starts_with(it)) => Some(Self::Tiff),
            _ if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") => Some(Self::WebP),
            _ => None,
        }
    }

    /// Its media type, such as `image/jpeg`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Bmp => "image/bmp",
            Self::Gif => "image/gif",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Tiff => "image/tiff",
            Self::WebP => "image/webp",
        }
    }

    /// Whether `file` goes on to the end that its format marks. What follows that end is nobody's concern.
    ///
    /// A decoder stops as soon as it has its pixels, or fills up what is missing. BMP and TIFF mark no end: there the
    /// decoder finds what is missing, for it reads every row of the first picture. That of JPEG reads up to the mark.
    pub(super) fn whole(self, file: &[u8]) -> bool {
        match self {
            Self::Bmp | Self::Jpeg | Self::Tiff => true,
            Self::Gif => gif(file).is_some(),
            Self::Png => png_chunks(file).any(|(kind, _)| kind == b"IEND"),
            Self::WebP => webp(file).is_some(),
        }
    }
}

/// The chunks of a PNG, each its kind and its data, as far as they lie within the file.
pub(super) fn png_chunks(file: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    /// Bytes of a chunk behind its data: the checksum.
    const CHECKSUM: usize = 4;

    let mut at = PNG.len();
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_be(file, at)?).ok()?;
        let end = at.checked_add(8)?.checked_add(length)?;
        let chunk = file.get(at + 4..end)?;
        at = end.checked_add(CHECKSUM).filter(|it| *it <= file.len())?;
        chunk.split_first_chunk()
    })
}

/// Where the trailer of a GIF is.
fn gif(file: &[u8]) -> Option<usize> {
    /// Bytes before the global colours.
    const HEADER: usize = 13;
    /// Bytes of the header of a picture in the file, before its own colours.
    const PICTURE: usize = 10;

    let mut at = HEADER + gif_colours(*file.get(HEADER - 3)?);
    loop {
        match *file.get(at)? {
            // Written between blocks by some old programs.
            0 => at += 1,
            b'!' => at = gif_blocks(file, at + 2)?,
            b',' => at = gif_blocks(file, at + PICTURE + gif_colours(*file.get(at + PICTURE - 1)?) + 1)?,
            b';' => return Some(at),
            _ => return None,
        }
    }
}

/// Bytes of the table of colours that `flags` announce.
fn gif_colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// What follows the row of blocks at `at`, each with its length before it, the last one empty.
fn gif_blocks(file: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*file.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

/// Where the last chunk of a WebP ends.
///
/// The decoder makes room for what a chunk says of itself before it reads it. So every chunk must lie within the file,
/// and every picture within the canvas.
fn webp(file: &[u8]) -> Option<usize> {
    /// Bytes before the first chunk: `RIFF`, length, `WEBP`.
    const HEADER: usize = 12;
    /// Where the canvas stands in a chunk of the extended format: two times three bytes, each one less than the side.
    const CANVAS: usize = HEADER + 8 + 4;

    let end = usize::try_from(u32_le(file, 4)?).ok()?.checked_add(8)?;
    let file = file.get(..end)?;
    let canvas = match file.get(HEADER..HEADER + 4)? {
        b"VP8X" => [1 + (u32_le(file, CANVAS)? & 0xff_ffff), 1 + (u32_le(file, CANVAS + 2)? >> 8)],
        _ => [u32::MAX; 2],
    };
    webp_chunks(&file[HEADER..], canvas)?;
    Some(end)
}

/// Goes through the chunks that fill `bytes`. The last may lack the byte that makes its length even.
fn webp_chunks(mut bytes: &[u8], canvas: [u32; 2]) -> Option<()> {
    /// Bytes of the header of a frame, before its chunks.
    const FRAME: usize = 16;
    /// Where the sides stand in a lossy picture: two times 14 bits.
    const SIDES: usize = 6;

    while !bytes.is_empty() {
        let length = usize::try_from(u32_le(bytes, 4)?).ok()?;
        let data = bytes.get(8..8_usize.checked_add(length)?)?;
        match &bytes[..4] {
            b"ANMF" => webp_chunks(data.get(FRAME..)?, canvas)?,
            b"VP8 " => {
                let sides = u32_le(data, SIDES)?;
                if canvas[0] < (sides & 0x3fff) || canvas[1] < (sides >> 16 & 0x3fff) {
                    return None;
                }
            }
            _ => {}
        }
        bytes = bytes.get(8 + length.next_multiple_of(2)..).unwrap_or_default();
    }
    Some(())
}

pub(super) fn u16_be(file: &[u8], at: usize) -> Option<u16> {
    file.get(at..)?.first_chunk().map(|it| u16::from_be_bytes(*it))
}

pub(super) fn u16_le(file: &[u8], at: usize) -> Option<u16> {
    file.get(at..)?.first_chunk().map(|it| u16::from_le_bytes(*it))
}

fn u32_be(file: &[u8], at: usize) -> Option<u32> {
    file.get(at..)?.first_chunk().map(|it| u32::from_be_bytes(*it))
}

pub(super) fn u32_le(file: &[u8], at: usize) -> Option<u32> {
    file.get(at..)?.first_chunk().map(|it| u32::from_le_bytes(*it))
}
