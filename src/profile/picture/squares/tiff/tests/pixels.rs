//! Samples of every kind, and the colours that they make.

use super::{
    super::{
        super::{Fault, raster::Channels},
        Page,
    },
    read,
    writer::{Form, Tiff},
};

/// Numbers of so many bits, one behind the other.
fn bits(numbers: &[u32], width: usize) -> Vec<u8> {
    let text: String = numbers.iter().map(|it| format!("{it:0width$b}")).collect();
    let byte = |it: &[u8]| u8::from_str_radix(&format!("{:0<8}", String::from_utf8_lossy(it)), 2).unwrap();
    text.as_bytes().chunks(8).map(byte).collect()
}

fn near(found: &[u8], expected: &[u8], by: u8) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(one, other)| one.abs_diff(*other) <= by)
}

#[test]
fn samples_of_every_number_of_bits_are_scaled() {
    for width in 1..16 {
        let most = (1 << width) - 1;
        let row = bits(&[0, most / 3, most, most / 2, most], width);
        let file = Tiff::grey(5, 2, width as u64, &[&row[..], &row].concat()).file();
        let scaled = [0, most / 3, most, most / 2, most].map(|it| ((it * 255 + most / 2) / most) as u8);
        assert!(near(&read(&file).unwrap(), &[scaled, scaled].concat(), 0), "{width} bits");
    }
    for form in Form::ALL {
        let row: Vec<u8> = [0, 128, 129, 32_768, 65_535].into_iter().flat_map(|it| form.number(it, 2)).collect();
        assert_eq!(read(&Tiff::grey(5, 1, 16, &row).form(form).file()).unwrap(), [0, 0, 1, 128, 255]);
    }
}

#[test]
fn white_may_be_zero() {
    assert_eq!(read(&Tiff::new([3, 1], 8, 1, 0, &[0, 1, 255]).file()).unwrap(), [255, 254, 0]);
    assert_eq!(read(&Tiff::new([3, 1], 1, 1, 0, &[0b0100_0000]).file()).unwrap(), [255, 0, 255]);
    assert_eq!(read(&Tiff::new([3, 1], 1, 1, 4, &[0b0100_0000]).file()).unwrap(), [0, 255, 0]);
    // Where nothing is said, scans of text have white paper, and other pictures have dark shadows.
    assert_eq!(read(&Tiff::grey(3, 1, 1, &[0b0100_0000]).without(262).file()).unwrap(), [255, 0, 255]);
    assert_eq!(read(&Tiff::grey(3, 1, 8, &[0, 1, 255]).without(262).file()).unwrap(), [0, 1, 255]);
}

#[test]
fn what_is_white_of_large_numbers_depends_on_the_greatest() {
    for form in Form::ALL {
        let of = |kind, size, numbers: [u64; 3]| {
            let strip: Vec<u8> = numbers.into_iter().flat_map(|it| form.number(it, size)).collect();
            read(&Tiff::grey(3, 1, 8 * size as u64, &strip).form(form).short(339, &[kind]).file()).unwrap()
        };
        assert_eq!(of(1, 4, [0, 100, 255]), [0, 100, 255]);
        assert_eq!(of(1, 4, [0, 32_768, 65_535]), [0, 128, 255]);
        assert_eq!(of(1, 4, [0, 1 << 31, (1 << 32) - 1]), [0, 128, 255]);
        assert_eq!(of(1, 3, [0, 1 << 23, (1 << 24) - 1]), [0, 128, 255]);
        // What is less than nothing is black.
        assert_eq!(of(2, 2, [(-5_i64) as u64, 16_384, 32_767]), [0, 128, 255]);
        assert_eq!(of(2, 4, [(-5_i64) as u64, 100, 255]), [0, 100, 255]);
        let (halves, singles) = ([0x0000, 0x3800, 0x3c00], [0.0, 0.5, 1.0].map(|it: f32| it.to_bits().into()));
        assert_eq!(of(3, 2, halves), [0, 128, 255]);
        assert_eq!(of(3, 3, [0, 0x3e_0000, 0x3f_0000]), [0, 128, 255]);
        assert_eq!(of(3, 4, singles), [0, 128, 255]);
        assert_eq!(of(3, 4, [-3.0, 100.0, 255.0].map(|it: f32| it.to_bits().into())), [0, 100, 255]);
        assert_eq!(of(3, 8, [f64::NAN, 0.5, 1.0].map(f64::to_bits)), [0, 128, 255]);
    }
}

#[test]
fn palettes_have_colours_of_16_bits_and_sometimes_of_8() {
    let colours: Vec<u16> = [0, 100, 200, 255, 1, 2, 3, 4, 255, 254, 253, 252].to_vec();
    let wide: Vec<u16> = colours.iter().map(|it| it * 257).collect();
    for palette in [&colours, &wide] {
        let tiff = Tiff::new([4, 1], 2, 1, 3, &[0b0001_1011]).short(320, palette);
        assert!(matches!(Page::open(&tiff.clone().file()).unwrap().channels(), Channels::Rgb));
        assert_eq!(read(&tiff.clone().file()).unwrap(), [0, 1, 255, 100, 2, 254, 200, 3, 253, 255, 4, 252]);
        assert_eq!(read(&tiff.short(320, &palette[..11]).file()), Err(Fault::Corrupt));
    }
}

#[test]
fn opacity_is_told_and_divided_out() {
    let pixels = [100, 50, 0, 100, 9, 9, 9, 0, 1, 2, 3, 255];
    let of = |extra: Option<u16>| {
        let tiff = Tiff::new([3, 1], 8, 4, 2, &pixels);
        let file = extra.map_or(tiff.clone(), |it| tiff.short(338, &[it])).file();
        (matches!(Page::open(&file).unwrap().channels(), Channels::Rgba), read(&file).unwrap())
    };
    assert_eq!(of(Some(2)), (true, pixels.to_vec()));
    assert_eq!(of(None), (true, pixels.to_vec()));
    assert_eq!(of(Some(1)), (true, vec![255, 128, 0, 100, 9, 9, 9, 0, 1, 2, 3, 255]));
    assert_eq!(of(Some(0)), (false, vec![100, 50, 0, 9, 9, 9, 1, 2, 3]));

    let grey = Tiff::new([2, 1], 8, 2, 0, &[255, 7, 0, 8]);
    assert!(matches!(Page::open(&grey.clone().short(338, &[2]).file()).unwrap().channels(), Channels::GreyAlpha));
    assert_eq!(read(&grey.clone().short(338, &[2]).file()).unwrap(), [0, 7, 255, 8]);
    assert_eq!(read(&grey.file()).unwrap(), [0, 255]);

    // It may come behind one that means nothing, and stand apart from the colours.
    let apart = [1, 2, 3, 77, 255].map(|it| vec![it]).to_vec();
    let tiff = Tiff::new([1, 1], 8, 5, 2, &[]).strips(apart).short(284, &[2]).short(338, &[0, 2]);
    assert_eq!(read(&tiff.file()).unwrap(), [1, 2, 3, 255]);
}

#[test]
fn inks_of_print_go_on_as_they_are() {
    let file = Tiff::new([1, 1], 8, 4, 5, &[1, 2, 3, 4]).file();
    assert!(matches!(Page::open(&file).unwrap().channels(), Channels::Cmyk));
    assert_eq!(read(&file).unwrap(), [1, 2, 3, 4]);
    let five = Tiff::new([1, 1], 8, 5, 5, &[1, 2, 3, 4, 5]).short(332, &[1]).short(338, &[2]).file();
    assert_eq!(read(&five).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn pixels_share_colours_with_their_neighbours() {
    for wide in [1_usize, 2, 4] {
        for high in [1_usize, 2, 4] {
            // 5 × 3 pixels: each as bright as its place says, all blocks of other colours.
            let (across, down) = (5_usize.div_ceil(wide), 3_usize.div_ceil(high));
            let block = |column: usize, row: usize| {
                let bright = (0..high).flat_map(move |y| {
                    (0..wide).map(move |x| (10 * (row * high + y) + 30 * (column * wide + x)) as u8)
                });
                bright.chain([128, if column.is_multiple_of(2) { 128 } else { 255 }]).collect::<Vec<_>>()
            };
            let strip: Vec<u8> = (0..down).flat_map(|row| (0..across).flat_map(move |it| block(it, row))).collect();
            let tiff = Tiff::new([5, 3], 8, 3, 6, &strip).short(530, &[wide as u16, high as u16]);
            let pixels = read(&tiff.file()).unwrap();
            for (place, pixel) in pixels.chunks(3).enumerate() {
                let (x, y) = (place % 5, place / 5);
                let bright = (10 * y + 30 * x) as u8;
                let redder = if (x / wide).is_multiple_of(2) { 0 } else { 178 };
                let expected = [bright + redder.min(255 - bright), bright.saturating_sub(redder / 2 + 2), bright];
                assert!(near(&[pixel[0], pixel[2]], &[expected[0], expected[2]], 1), "{wide} × {high} at {x}, {y}");
                assert!(pixel[1] <= bright && (redder != 0 || pixel[1] == bright), "{wide} × {high} at {x}, {y}");
            }
        }
    }
}

#[test]
fn black_and_white_of_video_are_not_at_the_ends() {
    let ends = [16, 235, 128, 240, 128, 240];
    let strip = [16, 128, 128, 235, 128, 128];
    let tiff = Tiff::new([2, 1], 8, 3, 6, &strip).short(530, &[1, 1]);
    assert_eq!(read(&tiff.clone().long(532, &ends).file()).unwrap(), [0, 0, 0, 255, 255, 255]);
    assert_eq!(read(&tiff.clone().file()).unwrap(), [16, 16, 16, 235, 235, 235]);
    // Ends that are the same cannot be meant.
    assert_eq!(read(&tiff.long(532, &[9; 6]).file()).unwrap(), [16, 16, 16, 235, 235, 235]);
    assert_eq!(read(&Tiff::new([2, 1], 8, 1, 6, &[1, 2]).file()).unwrap(), [1, 2]);
}

#[test]
fn lab_becomes_the_colours_of_screens() {
    // White, black, middle grey, and the red, green and blue of screens.
    let expected = [[255; 3], [0; 3], [119; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255]].concat();
    let lab: [[i16; 3]; 6] = [[100, 0, 0], [0, 0, 0], [50, 0, 0], [54, 81, 70], [88, -79, 81], [30, 68, -112]];
    let bytes = |zeros: i16| -> Vec<u8> {
        lab.iter().flat_map(|it| [(it[0] * 51 + 10) / 20, it[1] + zeros, it[2] + zeros]).map(|it| it as u8).collect()
    };
    for (photometric, zeros) in [(8, 0), (9, 128)] {
        let found = read(&Tiff::new([6, 1], 8, 3, photometric, &bytes(zeros)).file()).unwrap();
        assert!(near(&found, &expected, 12), "{photometric}: {found:?}");
        for form in Form::ALL {
            let words: Vec<u8> = bytes(zeros).into_iter().flat_map(|it| form.number(u64::from(it) << 8, 2)).collect();
            let file = Tiff::new([6, 1], 16, 3, photometric, &words).form(form).file();
            assert_eq!(read(&file).unwrap(), found);
        }
    }
    let fax = Tiff::new([2, 1], 8, 3, 10, &[255, 128, 96, 0, 128, 96]).bytes(34675, b"profile").file();
    assert_eq!(read(&fax).unwrap(), [255, 255, 255, 0, 0, 0]);
    // Their profile would not fit what they have become.
    assert_eq!(Page::open(&fax).unwrap().colour_profile(), None);
    assert_eq!(read(&Tiff::new([2, 1], 32, 3, 8, &[0; 24]).file()), Err(Fault::Unsupported));
}
