//! Files of every kind, made here, and what is read of them.

mod damage;
mod fax;
mod jpeg;
mod packed;
mod pixels;
mod writer;

use image::metadata::Orientation;

use super::{
    super::{
        Fault,
        raster::{Channels, Deadline},
    },
    Page,
};

use std::time::{Duration, Instant};

use writer::{Form, Tiff};

/// More time than any of these takes.
fn later() -> Deadline {
    Deadline(Instant::now() + Duration::from_secs(600))
}

/// All rows of the first page.
fn read(file: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut pixels = Vec::new();
    let mut rows = 0;
    let page = Page::open(file)?;
    page.rows(later(), &mut |row| {
        rows += 1;
        pixels.extend_from_slice(row);
        Ok(())
    })?;
    assert_eq!(rows, page.sides()[1]);
    Ok(pixels)
}

/// A picture of 5 × 3 pixels of three colours.
fn colours() -> Vec<u8> {
    (0..45).map(|it| (it * 37 % 256) as u8).collect()
}

#[test]
fn both_orders_and_both_sizes_of_offsets_are_read() {
    for form in Form::ALL {
        let file = Tiff::rgb(5, 3, &colours()).form(form).file();
        let page = Page::open(&file).unwrap();
        assert_eq!((page.sides(), page.orientation()), ([5, 3], Orientation::NoTransforms), "{form:?}");
        assert!(matches!(page.channels(), Channels::Rgb));
        assert_eq!(read(&file).unwrap(), colours(), "{form:?}");
    }
}

#[test]
fn what_is_said_beside_the_pixels_is_told() {
    for (told, orientation) in [(0, 1), (1, 1), (6, 6), (8, 8), (9, 1), (65_535, 1)] {
        let file = Tiff::rgb(5, 3, &colours()).short(274, &[told]).bytes(34675, b"profile").file();
        let page = Page::open(&file).unwrap();
        assert_eq!((page.orientation().to_exif(), page.colour_profile()), (orientation, Some(&b"profile"[..])));
    }
    let file = Tiff::rgb(5, 3, &colours()).file();
    assert_eq!(Page::open(&file).unwrap().colour_profile(), None);
}

#[test]
fn strips_stand_one_above_another() {
    for rows in [1, 2, 3, 100, u32::MAX] {
        let high = rows.min(3) as usize;
        let strips = colours().chunks(15 * high).map(<[u8]>::to_vec).collect();
        let file = Tiff::rgb(5, 3, &[]).strips(strips).long(278, &[rows]).file();
        assert_eq!(read(&file).unwrap(), colours(), "{rows} rows a strip");
    }
}

#[test]
fn tiles_are_cut_at_the_edges() {
    let pixel =
        |x: usize, y: usize| if x < 5 && y < 3 { colours()[15 * y + 3 * x..][..3].to_vec() } else { vec![9; 3] };
    let tile = |left: usize, top: usize| {
        (0..2).flat_map(|y| (0..4).flat_map(move |x| pixel(left + x, top + y))).collect::<Vec<_>>()
    };
    let tiles = vec![tile(0, 0), tile(4, 0), tile(0, 2), tile(4, 2)];
    let file = Tiff::rgb(5, 3, &[]).tiles([4, 2], tiles).file();
    assert_eq!(read(&file).unwrap(), colours());
}

#[test]
fn samples_may_stand_apart() {
    let plane = |sample: usize| colours().into_iter().skip(sample).step_by(3).collect::<Vec<_>>();
    let file = Tiff::rgb(5, 3, &[]).strips(vec![plane(0), plane(1), plane(2)]).short(284, &[2]).file();
    assert_eq!(read(&file).unwrap(), colours());

    // A fourth of which nothing is known is not even looked for.
    let strips = vec![plane(0), plane(1), plane(2)];
    let file = Tiff::rgb(5, 3, &[]).strips(strips).short(284, &[2]).short(277, &[4]).short(338, &[0]).file();
    assert_eq!(read(&file).unwrap(), colours());

    let tiles = (0..3).map(|it| [plane(it), vec![0; 5]].concat()).collect::<Vec<_>>();
    let wide = tiles.iter().map(|it| it.chunks(5).flat_map(|row| [row, &[0; 3]].concat()).collect()).collect();
    let file = Tiff::rgb(5, 3, &[]).tiles([8, 4], wide).short(284, &[2]).file();
    assert_eq!(read(&file).unwrap(), colours());
}

#[test]
fn the_first_page_is_read_unless_it_is_a_copy_of_another() {
    let [first, second] = [[10; 12], [20; 12]].map(|pixels| Tiff::rgb(2, 2, &pixels));
    let of = |first: Tiff, second: Tiff| read(&first.then(second)).unwrap()[0];
    assert_eq!(of(first.clone(), second.clone()), 10);
    assert_eq!(of(first.clone().long(254, &[1]), second.clone()), 20);
    assert_eq!(of(first.clone().long(254, &[4]), second.clone()), 20);
    assert_eq!(of(first.clone().short(255, &[2]), second.clone()), 20);
    assert_eq!(of(first.clone().long(254, &[2]), second.clone()), 10);
    // Better a copy than nothing.
    assert_eq!(of(first.clone().long(254, &[1]), second.short(259, &[34_676])), 10);
    assert_eq!(read(&first.long(254, &[1]).file()).unwrap()[0], 10);
}

#[test]
fn directories_that_lead_back_come_to_an_end() {
    let mut file = Tiff::rgb(2, 2, &[10; 12]).long(254, &[1]).file();
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap());
    let next = file.len() - 4;
    file[next..].copy_from_slice(&directory.to_le_bytes());
    assert_eq!(read(&file).unwrap(), [10; 12]);
}

#[test]
fn what_is_harmless_is_passed_over() {
    let plain = || Tiff::rgb(5, 3, &colours());
    let files = [
        plain().without(279).file(),
        plain().without(278).file(),
        plain().without(258).short(258, &[8]).file(),
        plain().without(262).file(),
        plain().long(279, &[0]).file(),
        plain().long(279, &[u32::MAX]).file(),
        plain().long(65_000, &[1, 2, 3]).bytes(700, b"<xmp/>").file(),
        plain().short(266, &[7]).short(284, &[3]).file(),
        plain().unsorted().file(),
        [&plain().file()[..], &[0; 99]].concat(),
    ];
    for (number, file) in files.iter().enumerate() {
        assert_eq!(read(file).as_deref(), Ok(&colours()[..]), "file {number}");
    }
}

#[test]
fn what_makes_no_sense_is_damaged() {
    let plain = || Tiff::rgb(5, 3, &colours());
    let files = [
        b"II".to_vec(),
        b"II*\0\xff\xff\xff\xff".to_vec(),
        b"GIF89a".to_vec(),
        plain().without(256).file(),
        plain().without(273).file(),
        plain().short(257, &[0]).file(),
        plain().long(273, &[0]).file(),
        plain().long(273, &[100_000]).file(),
        plain().long(278, &[1]).file(),
        plain().short(262, &[3]).short(277, &[1]).file(),
        plain().long(322, &[0]).long(323, &[16]).file(),
    ];
    for (number, file) in files.iter().enumerate() {
        assert_eq!(read(file), Err(Fault::Corrupt), "file {number}");
    }
}

#[test]
fn what_is_not_read_here_is_named_so() {
    let plain = || Tiff::rgb(5, 3, &colours());
    let files = [
        // Ways of packing: LZMA, WebP, ThunderScan, and one that nobody knows.
        plain().short(259, &[34_925]).file(),
        plain().short(259, &[50_001]).file(),
        plain().short(259, &[32_809]).file(),
        plain().short(259, &[4_711]).file(),
        // Inks that are not those of print, and samples of unequal or complex kinds.
        plain().short(262, &[5]).short(277, &[4]).short(332, &[2]).file(),
        plain().short(262, &[32_845]).file(),
        plain().without(258).short(258, &[5, 6, 5]).file(),
        plain().short(339, &[6]).file(),
        plain().short(277, &[99]).file(),
        plain().short(277, &[2]).file(),
        plain().short(259, &[4]).file(),
    ];
    for (number, file) in files.iter().enumerate() {
        assert_eq!(read(file), Err(Fault::Unsupported), "file {number}");
    }
}

#[test]
fn a_strip_that_needs_too_much_room_is_too_large() {
    let sides = |tiff: Tiff| tiff.without(256).without(257).long(256, &[10_000]).long(257, &[4_000]);
    let wide = sides(Tiff::rgb(1, 1, &[0; 3]).without(258)).short(258, &[64, 64, 64]).without(278);
    assert_eq!(read(&wide.short(259, &[5]).file()), Err(Fault::TooLarge));
    let tiles = sides(Tiff::rgb(1, 1, &[])).tiles([u32::MAX, u32::MAX], vec![vec![0; 3]]);
    assert_eq!(read(&tiles.file()), Err(Fault::TooLarge));
}

#[test]
fn the_first_refusal_ends_it() {
    let file = Tiff::rgb(5, 3, &colours()).file();
    let mut rows = 0;
    let ended = Page::open(&file).unwrap().rows(later(), &mut |_| {
        rows += 1;
        Err(Fault::CropOutside)
    });
    assert_eq!((ended, rows), (Err(Fault::CropOutside), 1));
}

#[test]
fn time_that_is_up_stops_a_page_between_its_pieces() {
    // Not a row comes of these, for the first piece of each is damaged.
    let plain = || Tiff::rgb(5, 3, &[1, 2]).short(338, &[0]);
    let passed = Deadline(Instant::now());
    for packing in [2, 5, 7, 8, 32_773, 50_000] {
        let file = match packing {
            2 => Tiff::new([5, 3], 1, 1, 0, &[1]).short(259, &[2]).file(),
            packing => plain().short(259, &[packing]).file(),
        };
        assert_eq!(read(&file), Err(Fault::Corrupt), "packing {packing}");
        let ended = Page::open(&file).unwrap().rows(passed, &mut |_| Ok(()));
        assert_eq!(ended, Err(Fault::TooSlow), "packing {packing}");
    }
}
