//! How a picture must be turned to be upright, wherever its file says so: in EXIF, and else in XMP.

use image::metadata::Orientation;

/// What EXIF begins with where a format does not tell it from anything else, and often where it does.
pub(super) const EXIF: &[u8] = b"Exif\0\0";

/// The value that XMP has for it, before what stands between name and number.
const NAME: &[u8] = b"tiff:Orientation";

/// Reads EXIF, with or without what it begins with. None when it does not tell, or nothing that makes sense.
pub(super) fn by_exif(exif: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(exif.strip_prefix(EXIF).unwrap_or(exif))
}

/// Finds it in XMP, which is text in XML: as an attribute or an element of its own. None as in [`by_exif`].
pub(super) fn by_xmp(xmp: &[u8]) -> Option<Orientation> {
    let mut names = xmp.windows(NAME.len()).enumerate().filter(|(_, it)| *it == NAME);
    names.find_map(|(at, _)| match &xmp[at + NAME.len()..] {
        [b'=', b'"' | b'\'', digit, ..] | [b'>', digit, ..] => Orientation::from_exif(digit.checked_sub(b'0')?),
        _ => None,
    })
}

/// Finds it in EXIF that `text` has in hexadecimal digits, as `ImageMagick` writes it to a PNG: behind an empty line, a name
/// and a length.
pub(super) fn by_digits(text: &[u8]) -> Option<Orientation> {
    let lines = text.split(|it| *it == b'\n').skip(3).flatten();
    let digits: Vec<u8> = lines.map_while(|it| char::from(*it).to_digit(16)?.try_into().ok()).collect();
    let exif: Vec<u8> = digits.as_chunks().0.iter().map(|[high, low]| high << 4 | low).collect();
    by_exif(&exif)
}
