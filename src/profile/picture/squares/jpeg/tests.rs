//! JPEG files that cameras and programs write, and what is refused of those that are not whole.

use super::super::{
    Crop, Cut, Deadline, Fault, cut, cut_until,
    tests::{BLUE, GREEN, RED, WHITE, assert_shows, segment, square, with_segment},
};

/// Quarters with a ripple in them, 90 x 60 pixels, by Pillow: ten scans, half the colours each way.
const PROGRESSIVE: &[u8] = include_bytes!("tests/progressive.jpg");
/// The same in one scan with a restart marker behind every third unit.
const RESTARTS: &[u8] = include_bytes!("tests/restarts.jpg");
/// The same with half the colours from left to right, and all from above.
const HALF: &[u8] = include_bytes!("tests/half.jpg");

const ALL: [&[u8]; 3] = [PROGRESSIVE, RESTARTS, HALF];

/// A JPEG of one block, in which each component has one value throughout; by a program that names itself so.
fn flat(values: &[u8], names: &[u8], adobe: Option<u8>) -> Vec<u8> {
    let mut bits = String::new();
    for value in values {
        // Eight times as much, in steps of eight.
        let value = i32::from(*value) - 128;
        let size = 32 - value.unsigned_abs().leading_zeros();
        let code = if value < 0 { value + (1 << size) - 1 } else { value };
        bits += &format!("{size:04b}");
        bits += &format!("{code:032b}")[32 - size as usize..];
        // Nothing else in this block.
        bits += "0";
    }
    while !bits.len().is_multiple_of(8) {
        bits += "1";
    }
    let bytes = bits.as_bytes().chunks(8).map(|it| u8::from_str_radix(str::from_utf8(it).unwrap(), 2).unwrap());
    let data: Vec<u8> = bytes.flat_map(|it| if it == 0xff { vec![0xff, 0] } else { vec![it] }).collect();
    let count = values.len() as u8;
    let frame: Vec<u8> = names.iter().flat_map(|it| [*it, 0x11, 0]).collect();
    let scan: Vec<u8> = names.iter().flat_map(|it| [*it, 0]).collect();
    let lowest = [&[0, 0, 0, 0, 12][..], &[0; 12], &(0..12).collect::<Vec<u8>>()].concat();
    let adobe = adobe.map(|it| segment(0xee, &[&b"Adobe\0\x64\0\0\0\0"[..], &[it]].concat()));
    [
        &b"\xff\xd8"[..],
        &adobe.unwrap_or_default(),
        &segment(0xdb, &[&[0][..], &[8; 64]].concat()),
        &segment(0xc0, &[&[8, 0, 8, 0, 8, count][..], &frame].concat()),
        &segment(0xc4, &lowest),
        &segment(0xc4, &[&[0x10, 1][..], &[0; 15], &[0]].concat()),
        &segment(0xda, &[&[count][..], &scan, &[0, 63, 0]].concat()),
        &data,
        b"\xff\xd9",
    ]
    .concat()
}

#[track_caller]
fn assert_is(file: &[u8], colour: [u8; 3]) {
    let seen = *square(&cut(file, None).unwrap(), 48).into_rgb8().get_pixel(24, 24);
    assert!((0..3).all(|it| seen[it].abs_diff(colour[it]) < 4), "{seen:?}");
}

/// Where the data of each scan begins and ends.
fn scans(jpeg: &[u8]) -> Vec<[usize; 2]> {
    let mut scans = Vec::new();
    let mut at = 0;
    while let Some(found) = jpeg[at..].windows(2).position(|it| it == b"\xff\xda") {
        let start = at + found + 2 + usize::from(u16::from_be_bytes([jpeg[at + found + 2], jpeg[at + found + 3]]));
        let next = |it: &[u8]| it[0] == 0xff && it[1] != 0 && !(0xd0..=0xd7).contains(&it[1]);
        at = start + jpeg[start..].windows(2).position(next).unwrap();
        scans.push([start, at]);
    }
    scans
}

#[test]
fn scans_of_all_kinds_show_the_same() {
    let one = |it: &Cut| square(it, 128).into_rgb8();
    let first = cut(ALL[0], None).unwrap();
    assert!(5 < scans(PROGRESSIVE).len());
    for file in ALL {
        let cut = cut(file, None).unwrap();
        assert_shows(&cut, [RED, GREEN, BLUE, WHITE]);
        let far = one(&cut).iter().zip(one(&first).iter()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>();
        assert!(far / (3 * 128 * 128) < 60, "{far}");
    }
}

#[test]
fn a_crop_shows_what_is_there() {
    for file in ALL {
        for (left, top, colour) in [(2, 1, RED), (60, 3, GREEN), (5, 35, BLUE), (63, 33, WHITE)] {
            assert_shows(&cut(file, Some(Crop { left, top, side: 25 })).unwrap(), [colour; 4]);
        }
    }
}

#[test]
fn data_that_is_cut_anywhere_and_closed_again_is_refused() {
    for file in ALL {
        let (mut tried, scans) = (0, scans(file));
        for [start, end] in scans {
            // Of the last byte, most bits may be filling.
            for at in (start..end - 1).step_by(((end - start) / 60).max(1)) {
                assert_eq!(cut(&[&file[..at], b"\xff\xd9"].concat(), None), Err(Fault::Corrupt), "at {at}");
                assert_eq!(
                    cut(&[&file[..at], &file[end..]].concat(), None),
                    Err(Fault::Corrupt),
                    "without {at}..{end}"
                );
                tried += 1;
            }
        }
        assert!(50 <= tried, "{tried}");
    }
}

#[test]
fn a_missing_restart_marker_is_noticed() {
    let at = RESTARTS.windows(2).position(|it| it == b"\xff\xd1").unwrap();
    for number in [0xd0, 0xd2, 0xd7] {
        let mut file = RESTARTS.to_vec();
        file[at + 1] = number;
        assert_eq!(cut(&file, None), Err(Fault::Corrupt));
    }
    assert_eq!(cut(&[&RESTARTS[..at], &RESTARTS[at + 2..]].concat(), None), Err(Fault::Corrupt));
}

#[test]
fn a_progressive_picture_of_many_scans_is_refused() {
    let [start, _] = scans(PROGRESSIVE)[1];
    let refining = scans(PROGRESSIVE).last().copied().unwrap();
    assert!(start < refining[0]);
    // The last scan again and again: it is short, and each time the whole picture is gone through.
    let header = PROGRESSIVE[..refining[0]].windows(2).rposition(|it| it == b"\xff\xda").unwrap();
    let scan = &PROGRESSIVE[header..refining[1]];
    let file = [&PROGRESSIVE[..refining[1]], &scan.repeat(40), b"\xff\xd9"].concat();
    assert_eq!(cut(&file, None), Err(Fault::Corrupt));
}

#[test]
fn what_hardly_anybody_writes_is_not_taken() {
    let frame = RESTARTS.windows(2).position(|it| it == b"\xff\xc0").unwrap();
    // Without loss, arithmetic codes, 12 bits, a height that comes later.
    for (at, byte) in [(1, 0xc3), (1, 0xc9), (4, 12), (6, 0)] {
        let mut file = RESTARTS.to_vec();
        file[frame + at] = byte;
        assert_eq!(cut(&file, None), Err(Fault::Unsupported), "{at}");
    }
}

#[test]
fn channels_are_what_adobe_jfif_or_their_names_say() {
    let jfif = |file: &[u8]| with_segment(file, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let values = [200, 100, 60];
    let as_luminance = [105, 255, 150];
    assert_is(&flat(&values, &[1, 2, 3], None), as_luminance);
    assert_is(&flat(&values, b"RGB", None), values);
    assert_is(&flat(&values, &[1, 2, 3], Some(0)), values);
    assert_is(&flat(&values, b"RGB", Some(1)), as_luminance);
    assert_is(&jfif(&flat(&values, b"RGB", Some(0))), as_luminance);
    assert_is(&flat(&[90], &[1], None), [90; 3]);
}

#[test]
fn inks_become_light_with_adobe_and_without() {
    // Little cyan, half magenta, all yellow, a little black.
    let inks = [20, 128, 255, 30];
    let light = [207, 112, 0];
    assert_is(&flat(&inks, &[1, 2, 3, 4], None), light);
    let left = inks.map(|it: u8| 255 - it);
    assert_is(&flat(&left, &[1, 2, 3, 4], Some(0)), light);
    // The same as luminance and two differences: what is kept of the three inks is taken for red, green and blue.
    let [red, green, blue] = [20.0, 128.0, 255.0];
    let y = 0.299 * red + 0.587 * green + 0.114 * blue;
    let [cb, cr] = [128.0 + (blue - y) / 1.772, 128.0 + (red - y) / 1.402];
    let inks = [y, cb, cr].map(|it: f64| it.round() as u8);
    assert_is(&flat(&[inks[0], inks[1], inks[2], 225], &[1, 2, 3, 4], Some(2)), light);
}

#[test]
fn time_that_is_up_stops_a_picture() {
    let passed = Deadline(std::time::Instant::now());
    for file in ALL {
        assert_eq!(cut_until(file, None, passed), Err(Fault::TooSlow));
        // Before a table that is damaged, too.
        let table = with_segment(file, 0xc4, &[1]);
        assert_eq!(cut(&table, None), Err(Fault::Corrupt));
        assert_eq!(cut_until(&table, None, passed), Err(Fault::TooSlow));
    }
}
