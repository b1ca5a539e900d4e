//! BMP files of every kind, each of them four pixels, and what is refused of those that are not whole.

use super::super::{
    Fault, cut,
    tests::{BLUE, GREEN, RED, WHITE, assert_shows, square},
};

/// The colours of the four pixels, blue first as they lie in the file.
fn colours(bytes: usize) -> Vec<u8> {
    [RED, GREEN, BLUE, WHITE].iter().flat_map(|it| [it[2], it[1], it[0], 0][..bytes].to_vec()).collect()
}

/// A file with a header of Windows, two pixels wide; `more` follows the first 40 bytes of the header.
fn windows(height: i32, bits: u16, coding: u32, header: u32, more: &[u8], pixels: &[u8]) -> Vec<u8> {
    let told = if bits <= 8 { 4_u32 } else { 0 };
    let first = [
        &header.to_le_bytes()[..],
        &2_i32.to_le_bytes(),
        &height.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &bits.to_le_bytes(),
        &coding.to_le_bytes(),
        &[0; 12],
        &told.to_le_bytes(),
        &[0; 4],
        more,
    ];
    file(&first.concat(), pixels)
}

fn file(header: &[u8], pixels: &[u8]) -> Vec<u8> {
    let start = 14 + header.len() as u32;
    let whole = start + pixels.len() as u32;
    [&b"BM"[..], &whole.to_le_bytes(), &[0; 4], &start.to_le_bytes(), header, pixels].concat()
}

fn masks(masks: [u32; 4]) -> Vec<u8> {
    masks.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// A pixel in fields of 5, 6 and 5 bits.
fn short(colour: image::Rgb<u8>) -> [u8; 2] {
    (u16::from(colour[0] >> 3) << 11 | u16::from(colour[1] >> 2) << 5 | u16::from(colour[2] >> 3)).to_le_bytes()
}

/// One file of each kind, with what it is.
fn all() -> Vec<(&'static str, Vec<u8>)> {
    let table = &colours(4);
    let plain = |bytes: usize| {
        let [red, green, blue, white] = [RED, GREEN, BLUE, WHITE].map(|it| [it[2], it[1], it[0], 0][..bytes].to_vec());
        let row = |pair: [Vec<u8>; 2]| {
            let mut row = pair.concat();
            row.resize(8, 0);
            row
        };
        [row([blue, white]), row([red, green])].concat()
    };
    let sixteen = [BLUE, WHITE, RED, GREEN].map(short).concat();
    let oldest = |bits: u8, table: &[u8]| [&[12, 0, 0, 0, 2, 0, 2, 0, 1, 0, bits, 0][..], table].concat();
    let longer = |header: u32, masks: &[u8]| [masks, &vec![0; header as usize - 40 - masks.len()]].concat();
    vec![
        ("8 bits", windows(2, 8, 0, 40, table, &[2, 3, 0, 0, 0, 1, 0, 0])),
        ("8 bits from above", windows(-2, 8, 0, 40, table, &[0, 1, 0, 0, 2, 3, 0, 0])),
        ("4 bits", windows(2, 4, 0, 40, table, &[0x23, 0, 0, 0, 0x01, 0, 0, 0])),
        ("2 bits", windows(2, 2, 0, 40, table, &[0b1011_0000, 0, 0, 0, 0b0001_0000, 0, 0, 0])),
        ("8 bits in runs", windows(2, 8, 1, 40, table, &[1, 2, 1, 3, 0, 0, 1, 0, 1, 1, 0, 1])),
        ("8 bits in runs, some passed over", windows(2, 8, 1, 40, table, &[1, 2, 1, 3, 0, 2, 0, 1, 0, 0])),
        ("4 bits in runs", windows(2, 4, 2, 40, table, &[2, 0x23, 0, 0, 0, 3, 0x01, 0, 0, 1])),
        ("24 bits", windows(2, 24, 0, 40, &[], &plain(3))),
        ("32 bits", windows(2, 32, 0, 40, &[], &plain(4))),
        ("16 bits in fields", windows(2, 16, 3, 40, &masks([0xf800, 0x07e0, 0x1f, 0])[..12], &sixteen)),
        ("32 bits in fields", windows(2, 32, 3, 40, &masks([0xff_0000, 0xff00, 0xff, 0])[..12], &plain(4))),
        ("the newest header", {
            let fields = masks([0xff_0000, 0xff00, 0xff, 0xff00_0000]);
            windows(2, 32, 3, 124, &longer(124, &fields), &plain(4))
        }),
        ("the oldest header, 8 bits", file(&oldest(8, &colours(3)), &[2, 3, 0, 0, 0, 1, 0, 0])),
        ("the oldest header, 24 bits", file(&oldest(24, &[]), &plain(3))),
        ("OS/2", windows(2, 8, 0, 64, &[&[0; 24][..], table].concat(), &[2, 3, 0, 0, 0, 1, 0, 0])),
        ("OS/2, a short header", {
            let header = [&[16, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 8, 0][..], table].concat();
            file(&header, &[2, 3, 0, 0, 0, 1, 0, 0])
        }),
    ]
}

#[test]
fn every_kind_shows_its_four_pixels() {
    for (kind, file) in all() {
        let cut = cut(&file, None).unwrap_or_else(|fault| panic!("{kind}: {fault}"));
        let image = square(&cut, 128).into_rgb8();
        for (at, colour) in [(32, 32), (96, 32), (32, 96), (96, 96)].into_iter().zip([RED, GREEN, BLUE, WHITE]) {
            if kind.ends_with("passed over") && at == (32, 32) {
                continue;
            }
            let seen = *image.get_pixel(at.0, at.1);
            // What is passed over has the first colour, which here is red.
            let colour = if kind.ends_with("passed over") && at == (96, 32) { RED } else { colour };
            assert!((0..3).all(|it| seen[it].abs_diff(colour[it]) < 14), "{kind}: {seen:?} at {at:?}");
        }
    }
}

#[test]
fn one_bit_a_pixel_is_enough_for_two_colours() {
    let table = [200, 40, 40, 0, 30, 30, 200, 0];
    let two = windows(2, 1, 0, 40, &table, &[0b1000_0000, 0, 0, 0, 0b0100_0000, 0, 0, 0]);
    let [blue, red] = [image::Rgb([40, 40, 200]), image::Rgb([200, 30, 30])];
    assert_shows(&cut(&two, None).unwrap(), [blue, red, red, blue]);
}

#[test]
fn alpha_is_kept_where_somebody_has_set_it() {
    let fields = [&masks([0xff_0000, 0xff00, 0xff, 0xff00_0000])[..], &[0; 68]].concat();
    let pixels = [[0, 0, 200, 255], [0, 0, 200, 0], [0, 0, 200, 0], [0, 0, 200, 255]].concat();
    let clear = cut(&windows(2, 32, 3, 124, &fields, &pixels), None).unwrap();
    assert_eq!(clear.content_type, "image/png");
    let image = square(&clear, 128).into_rgba8();
    assert_eq!([image.get_pixel(2, 2)[3], image.get_pixel(2, 125)[3]], [0, 255]);
}

#[test]
fn what_ends_early_is_refused() {
    for (kind, file) in all() {
        // The bytes that fill up the last row, or the mark at the end of a run, may be missing.
        for end in 26..file.len() - 4 {
            assert!(cut(&file[..end], None).is_err(), "{kind} to {end}");
        }
    }
}

#[test]
fn what_only_printers_were_sent_is_not_taken() {
    for (bits, coding) in [(0, 4), (0, 5), (24, 4), (1, 3), (7, 0), (8, 2), (16, 9)] {
        assert_eq!(cut(&windows(2, bits, coding, 40, &[0; 16], &[0; 32]), None), Err(Fault::Unsupported));
    }
    for sides in [windows(0, 8, 0, 40, &[], &[]), windows(i32::MIN, 8, 0, 40, &[], &[])] {
        assert!(cut(&sides, None).is_err());
    }
}
