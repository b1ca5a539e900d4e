//! What must hold of any bytes that are said to be a picture: they are cut to four squares, or refused.

use squares::{Crop, Fault, cut};

/// Length of the sides of the squares in pixels.
const SIDES: [u32; 4] = [512, 300, 128, 48];

/// Bytes of a square at most: pixels that do not pack at all, and what frames them.
const SQUARE_BYTES_MAX: usize = 4 * 512 * 512 + (64 << 10);

/// Tries `file`, whole and with the crop that its last bytes make.
pub fn check(file: &[u8]) {
    let Ok(whole) = cut(file, None) else { return };
    assert_eq!(whole.squares.iter().map(|it| it.side).collect::<Vec<_>>(), SIDES);
    let begins = match whole.content_type {
        "image/jpeg" => &b"\xff\xd8\xff"[..],
        "image/png" => b"\x89PNG",
        other => panic!("kept as {other}"),
    };
    for square in &whole.squares {
        assert!(square.bytes.starts_with(begins) && square.bytes.len() < SQUARE_BYTES_MAX);
    }
    let Some(&[left, top, side]) = file.last_chunk() else { return };
    let crop = Crop { left: left.into(), top: top.into(), side: side.into() };
    match cut(file, Some(crop)) {
        Ok(part) => assert!(side != 0 && part.format == whole.format),
        Err(fault) => assert_eq!(fault, Fault::CropOutside),
    }
}
