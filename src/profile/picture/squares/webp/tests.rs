//! What a WebP costs that is told by its first bytes.

use super::{
    super::{Fault, cut},
    lossless,
};

/// Bytes of bits that are written as text, the lowest of a byte first.
fn bytes(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|it| *it != b' ').map(|it| it - b'0').collect();
    bits.chunks(8).map(|it| it.iter().rev().fold(0, |all, bit| all << 1 | bit)).collect()
}

/// So many bits of a number, the lowest first.
fn bits(number: usize, count: usize) -> String {
    (0..count).map(|at| if number >> at & 1 == 1 { '1' } else { '0' }).collect()
}

/// A picture of 16 by 16 pixels up to its groups of codes, of which it announces so many.
fn announcing(groups: usize) -> Vec<u8> {
    let symbol = |it: usize| format!("1 0 1 {}", bits(it, 8));
    let last = groups - 1;
    let head = format!("{} {} {} 0 000", bits(0x2f, 8), bits(15, 14), bits(15, 14));
    let codes = [last & 255, last >> 8, 0, 0, 0].map(symbol).concat();
    // Nothing is done to the pixels, and no cache; blocks of 512 pixels, without a cache.
    bytes(&format!("{head} 0 0 1 111 0 {codes}"))
}

fn file(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    data.resize(data.len().next_multiple_of(2), 0);
    let chunk = [&kind[..], &(data.len() as u32).to_le_bytes(), &data].concat();
    [&b"RIFF"[..], &(chunk.len() as u32 + 4).to_le_bytes(), b"WEBP", &chunk].concat()
}

#[test]
fn groups_of_codes_are_counted_before_there_is_room_for_them() {
    for groups in [1, 2, 300, 65_536] {
        assert_eq!(lossless::groups(&announcing(groups), None), Some(groups));
    }
    // Larger than any canvas: its decoder refuses it, and no time is spent on its pixels, which take no bits.
    assert_eq!(lossless::groups(&announcing(2)[5..], Some([1 << 24; 2])), None);
    // Of the second it shows when the codes are missing; for the first they would be a gibibyte.
    assert_eq!(cut(&file(b"VP8L", &announcing(65_536)), None), Err(Fault::TooLarge));
    assert_eq!(cut(&file(b"VP8L", &announcing(300)), None), Err(Fault::Corrupt));
}

#[test]
fn what_programs_write_announces_no_more_than_it_has() {
    // By libwebp: what is done to the pixels, a cache and several groups are all in it.
    let file = include_bytes!("tests/groups.webp");
    assert_eq!(lossless::groups(&file[20..], None), Some(3));
    assert!(cut(file, None).is_ok());
}

#[test]
fn a_range_that_there_is_not_is_no_distance() {
    // Found by fuzzing: its only code of distances is 255, where there are 40.
    let file = include_bytes!("tests/range.webp");
    assert_eq!(lossless::groups(&file[20..], None), None);
    assert_eq!(cut(file, None), Err(Fault::Corrupt));
}
