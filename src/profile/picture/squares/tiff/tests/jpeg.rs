//! JPEGs in TIFF, new and old.

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

use super::{
    super::{
        super::{Fault, raster::Channels},
        Page,
    },
    read,
    writer::Tiff,
};

/// A JPEG of one colour.
fn plain(sides: [u32; 2], colour: &[u8]) -> Vec<u8> {
    let kind = if colour.len() == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut file = Vec::new();
    let pixels = colour.repeat((sides[0] * sides[1]) as usize);
    JpegEncoder::new_with_quality(&mut file, 95).encode(&pixels, sides[0], sides[1], kind).unwrap();
    file
}

/// The marks of a JPEG before its pixels, each with its body, and the rest.
fn marks(file: &[u8]) -> (Vec<(u8, Vec<u8>)>, Vec<u8>) {
    let (mut marks, mut at) = (Vec::new(), 2);
    loop {
        let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        marks.push((file[at + 1], file[at + 2..at + 2 + length].to_vec()));
        at += 2 + length;
        if marks.last().unwrap().0 == 0xda {
            return (marks, file[at..].to_vec());
        }
    }
}

fn joined(marks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    marks.iter().flat_map(|(mark, body)| [&[0xff, *mark], &body[..]].concat()).collect()
}

/// The tables of a JPEG, as a file of their own, and the JPEG without them.
fn parted(file: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (marks, rest) = marks(file);
    let (tables, others): (Vec<_>, Vec<_>) = marks.into_iter().partition(|it| matches!(it.0, 0xdb | 0xc4));
    let [begin, end] = [[0xff, 0xd8], [0xff, 0xd9]];
    ([&begin[..], &joined(&tables), &end].concat(), [&begin[..], &joined(&others), &rest].concat())
}

fn near(found: &[u8], colour: &[u8]) -> bool {
    found.chunks(colour.len()).all(|it| it.iter().zip(colour).all(|(one, other)| one.abs_diff(*other) < 4))
}

const RED: [u8; 3] = [200, 40, 30];

#[test]
fn tables_stand_before_all_strips() {
    let (tables, _) = parted(&plain([20, 8], &RED));
    let strips = [8, 8, 4].map(|rows| parted(&plain([20, rows], &RED)).1).to_vec();
    let tiff = Tiff::new([20, 20], 8, 3, 6, &[]).strips(strips).short(259, &[7]).long(278, &[8]);
    let file = tiff.clone().bytes(347, &tables).file();
    assert!(matches!(Page::open(&file).unwrap().channels(), Channels::Rgb));
    assert!(near(&read(&file).unwrap(), &RED));
    assert_eq!(read(&tiff.file()), Err(Fault::Corrupt));
}

#[test]
fn tiles_and_grey_pictures_may_be_jpegs() {
    let tiles = vec![plain([16, 16], &[70]); 4];
    let file = Tiff::grey(20, 20, 8, &[]).tiles([16, 16], tiles).short(259, &[7]).file();
    assert!(near(&read(&file).unwrap(), &[70]));
}

#[test]
fn samples_are_what_the_page_says() {
    let jpeg = plain([8, 8], &RED);
    let of = |photometric| read(&Tiff::new([8, 8], 8, 3, photometric, &jpeg).short(259, &[7]).file()).unwrap();
    assert!(near(&of(6), &RED));
    // The same numbers as red, green and blue: 0.299 × 200 + 0.587 × 40 + 0.114 × 30, and so on.
    assert!(near(&of(2), &[87, 96, 209]));
}

#[test]
fn a_jpeg_that_is_not_the_strip_is_damaged() {
    let of = |jpeg: &[u8]| read(&Tiff::new([20, 20], 8, 3, 6, jpeg).short(259, &[7]).file());
    let whole = plain([20, 20], &RED);
    assert!(of(&whole).is_ok());
    // The mark of its end, and rows that fill up a block, do not matter.
    assert!(of(&whole[..whole.len() - 2]).is_ok());
    assert!(near(&of(&plain([20, 24], &RED)).unwrap(), &RED));
    for other in [plain([20, 19], &RED), plain([24, 20], &RED), plain([20, 2_000], &RED), plain([20, 20], &[70])] {
        assert_eq!(of(&other), Err(Fault::Corrupt));
    }
    for length in 0..whole.len() - 4 {
        assert!(of(&whole[..length]).is_err(), "{length}");
    }
}

#[test]
fn twelve_bits_and_two_samples_are_unsupported() {
    let mut jpeg = plain([8, 8], &[70]);
    let frame = jpeg.windows(2).position(|it| it == [0xff, 0xc0]).unwrap();
    jpeg[frame + 4] = 12;
    assert_eq!(read(&Tiff::grey(8, 8, 8, &jpeg).short(259, &[7]).file()), Err(Fault::Unsupported));
    assert_eq!(read(&Tiff::grey(8, 8, 12, &jpeg).short(259, &[7]).file()), Err(Fault::Unsupported));
}

/// A page of the old way whose strip is `strip`; what is kept in the file besides stands at 8.
fn old(kept: &[u8], strip: &[u8]) -> Tiff {
    let strips = vec![kept.to_vec(), strip.to_vec()];
    let place = 8 + kept.len() as u32;
    let tiff = Tiff::new([16, 16], 8, 3, 6, &[]).strips(strips).short(259, &[6]).short(530, &[1, 1]);
    tiff.long(273, &[place]).long(279, &[strip.len() as u32])
}

#[test]
fn an_old_page_is_a_jpeg_somewhere() {
    let jpeg = plain([16, 16], &RED);
    let (marks, pixels) = marks(&jpeg);
    let head = [&[0xff, 0xd8][..], &joined(&marks)].concat();
    let told = |tiff: Tiff| read(&tiff.long(513, &[8]).long(514, &[9]).file());
    // All of it beside the strip; only its beginning; and all of it in the strip.
    assert!(near(&told(old(&head, &pixels)).unwrap(), &RED));
    assert!(near(&told(old(&jpeg, &jpeg)).unwrap(), &RED));
    assert!(near(&told(old(&jpeg, b"nothing of this kind")).unwrap(), &RED));
    assert!(near(&read(&old(b"", &jpeg).file()).unwrap(), &RED));
    assert!(near(&told(old(&jpeg, &jpeg).without(277).without(258)).unwrap(), &RED));
    assert_eq!(read(&old(b"", &pixels).file()), Err(Fault::Corrupt));
    assert_eq!(read(&old(b"", &jpeg[..jpeg.len() / 2]).file()), Err(Fault::Corrupt));
}

#[test]
fn an_old_page_may_keep_its_tables_one_by_one() {
    let jpeg = plain([16, 16], &RED);
    let (marks, pixels) = marks(&jpeg);
    let mut kept = Vec::new();
    let mut places = [Vec::new(), Vec::new(), Vec::new()];
    for (mark, body) in marks.iter().filter(|it| matches!(it.0, 0xdb | 0xc4)) {
        let mut body = &body[2..];
        while let [kind, rest @ ..] = body {
            let codes = |it: &[u8]| 16 + it[..16].iter().map(|it| usize::from(*it)).sum::<usize>();
            let length = if *mark == 0xdb { 64 } else { codes(rest) };
            let place = 8 + kept.len() as u32;
            places[if *mark == 0xdb { 0 } else { 1 + usize::from(kind >> 4) }].push(place);
            kept.extend_from_slice(&rest[..length]);
            body = &rest[length..];
        }
    }
    // Both samples of colour have the same ones.
    for tables in &mut places {
        let last = *tables.last().unwrap();
        tables.resize(3, last);
    }
    let tiff = old(&kept, &pixels).long(519, &places[0]).long(520, &places[1]).long(521, &places[2]);
    assert!(near(&read(&tiff.clone().file()).unwrap(), &RED));
    assert_eq!(read(&tiff.long(521, &[u32::MAX; 3]).file()), Err(Fault::Corrupt));
}
