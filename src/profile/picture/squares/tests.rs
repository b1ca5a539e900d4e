//! Pictures as people have them, made here, and what becomes of each.

use std::io::Cursor;

use image::{
    ColorType, Frame, ImageEncoder, ImageFormat, Rgb, Rgba,
    codecs::{gif::GifEncoder, webp::WebPEncoder},
    load_from_memory,
};

use super::*;

const FORMATS: [(ImageFormat, Format); 6] = [
    (ImageFormat::Bmp, Format::Bmp),
    (ImageFormat::Gif, Format::Gif),
    (ImageFormat::Jpeg, Format::Jpeg),
    (ImageFormat::Png, Format::Png),
    (ImageFormat::Tiff, Format::Tiff),
    (ImageFormat::WebP, Format::WebP),
];

pub(super) const RED: Rgb<u8> = Rgb([200, 30, 30]);
pub(super) const GREEN: Rgb<u8> = Rgb([30, 160, 30]);
pub(super) const BLUE: Rgb<u8> = Rgb([40, 40, 200]);
pub(super) const WHITE: Rgb<u8> = Rgb([250, 250, 250]);

/// Red and green above blue and white.
pub(super) fn quarters(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| match (2 * x < width, 2 * y < height) {
        (true, true) => RED,
        (false, true) => GREEN,
        (true, false) => BLUE,
        (false, false) => WHITE,
    })
    .into()
}

pub(super) fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// The square of this side, read as anybody would.
pub(super) fn square(cut: &Cut, side: u32) -> DynamicImage {
    let square = cut.squares.iter().find(|it| it.side == side).unwrap();
    let image = load_from_memory(&square.bytes).unwrap();
    assert_eq!([image.width(), image.height()], [side; 2]);
    image
}

/// Asserts that the quarters are of these colours, as far as a JPEG keeps them.
#[track_caller]
pub(super) fn assert_shows(cut: &Cut, colours: [Rgb<u8>; 4]) {
    let image = square(cut, 128).into_rgb8();
    let seen = [(32, 32), (96, 32), (32, 96), (96, 96)].map(|(x, y)| *image.get_pixel(x, y));
    let same = |(seen, colour): (&Rgb<u8>, &Rgb<u8>)| (0..3).all(|at| seen[at].abs_diff(colour[at]) < 12);
    assert!(seen.iter().zip(&colours).all(same), "{seen:?}");
}

/// A segment of a JPEG.
pub(super) fn segment(kind: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap();
    [&[0xff, kind], &length.to_be_bytes()[..], data].concat()
}

/// A JPEG with one more segment, right behind its first two bytes.
pub(super) fn with_segment(jpeg: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    [&jpeg[..2], &segment(kind, data), &jpeg[2..]].concat()
}

/// EXIF that says only how a picture is turned.
pub(super) fn exif(orientation: u8) -> Vec<u8> {
    [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

/// A chunk of a PNG.
pub(super) fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [kind, data].concat();
    let crc = !checked.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], &checked, &crc.to_be_bytes()].concat()
}

/// A chunk of a WebP.
pub(super) fn riff(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [kind, &u32::try_from(data.len()).unwrap().to_le_bytes()[..], data].concat()
}

#[test]
fn every_format_is_told_by_its_content_and_makes_four_squares() {
    for (made, found) in FORMATS {
        let cut = cut(&file(&quarters(90, 60), made), None).unwrap();
        assert_eq!((cut.format, cut.content_type), (found, "image/jpeg"));
        assert_eq!(cut.squares.iter().map(|it| it.side).collect::<Vec<_>>(), SIDES);
        for side in SIDES {
            square(&cut, side);
        }
        assert_shows(&cut, [RED, GREEN, BLUE, WHITE]);
    }
}

#[test]
fn other_formats_are_not_taken() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>alert(1)</script></svg>";
    let others =
        [&b""[..], svg, b"BMX is a sport, and no bitmap", b"%PDF-1.7\n", b"\0\0\x01\0\x01\0", b"GIF88a", b"\xff\xd8"];
    for other in others {
        assert_eq!(cut(other, None), Err(Fault::Unsupported), "{other:?}");
    }
}

#[test]
fn a_circle_in_a_wide_picture_stays_a_circle() {
    let wide = GrayImage::from_fn(900, 300, |x, y| {
        let far = (f64::from(x) - 449.5).hypot(f64::from(y) - 149.5);
        [((far - 99.5).clamp(0.0, 1.0) * 255.0) as u8].into()
    });
    let cut = cut(&file(&wide.into(), ImageFormat::Png), None).unwrap();
    for (side, diameter) in [(512, 341), (300, 200), (128, 85), (48, 32)] {
        let square = square(&cut, side).into_luma8();
        let dark = |it: &dyn Fn(u32) -> u8| (0..side).filter(|&at| it(at) < 128).count() as i32;
        let across = dark(&|at| square.get_pixel(at, side / 2)[0]);
        let down = dark(&|at| square.get_pixel(side / 2, at)[0]);
        assert!((across - down).abs() <= 1 && (across - diameter).abs() <= 1, "{across} x {down}");
    }
}

#[test]
fn a_picture_is_turned_upright_in_each_of_the_eight_ways() {
    for value in 1..=8 {
        let upright = Orientation::from_exif(value).unwrap();
        let lying = match upright {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            itself => itself,
        };
        let mut image = quarters(60, 40);
        image.apply_orientation(lying);
        let jpeg = with_segment(&file(&image, ImageFormat::Jpeg), 0xe1, &[b"Exif\0\0", &exif(value)[..]].concat());
        assert_shows(&cut(&jpeg, None).unwrap(), [RED, GREEN, BLUE, WHITE]);
        // A crop is meant as the picture is seen.
        assert_shows(&cut(&jpeg, Some(Crop { left: 34, top: 2, side: 14 })).unwrap(), [GREEN; 4]);
    }
}

#[test]
fn other_formats_than_jpeg_are_turned_upright_too() {
    let image = quarters(60, 40).rotate270();
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_exif_metadata(exif(6)).unwrap();
    image.write_with_encoder(encoder).unwrap();
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(exif(6)).unwrap();
    image.write_with_encoder(encoder).unwrap();
    for file in [png, webp] {
        assert_shows(&cut(&file, None).unwrap(), [RED, GREEN, BLUE, WHITE]);
    }
}

#[test]
fn what_xmp_or_exif_in_text_says_turns_a_picture_too() {
    let image = quarters(60, 40).rotate270();
    let jpeg = file(&image, ImageFormat::Jpeg);
    let png = file(&image, ImageFormat::Png);
    let (header, data) = png.split_at(33);
    let digits: String = exif(6).iter().map(|it| format!("{it:02x}")).collect();
    let raw = format!("Raw profile type exif\0\nexif\n{:8}\n{digits}\n", exif(6).len());
    let mut files = vec![[header, &chunk(b"tEXt", raw.as_bytes()), data].concat()];
    for said in ["tiff:Orientation=\"6\"", "tiff:Orientation='6'", "<tiff:Orientation>6</tiff:Orientation>"] {
        let xmp = format!("XML:com.adobe.xmp\0\0\0\0\0<x {said}>");
        files.push([header, &chunk(b"iTXt", xmp.as_bytes()), data].concat());
        files.push(with_segment(&jpeg, 0xe1, format!("http://ns.adobe.com/xap/1.0/\0<x {said}>").as_bytes()));
    }
    for file in files {
        assert_shows(&cut(&file, None).unwrap(), [RED, GREEN, BLUE, WHITE]);
    }
}

#[test]
fn a_gif_without_colours_is_grey() {
    // One pixel of shade 1, in codes of three bits: clear, 1, end.
    let gif = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0;";
    let seen = *square(&cut(gif, None).unwrap(), 48).into_rgb8().get_pixel(24, 24);
    assert!(seen.0.iter().all(|it| *it < 6), "{seen:?}");
}

#[test]
fn a_crop_that_does_not_lie_within_the_picture_is_refused() {
    let png = file(&quarters(60, 40), ImageFormat::Png);
    let crops = [(0, 0, 0), (0, 0, 41), (21, 0, 40), (0, 1, 40), (60, 0, 1), (u32::MAX, 0, 2), (2, 0, u32::MAX)];
    for (left, top, side) in crops {
        assert_eq!(cut(&png, Some(Crop { left, top, side })), Err(Fault::CropOutside));
    }
    assert_shows(&cut(&png, Some(Crop { left: 59, top: 39, side: 1 })).unwrap(), [WHITE; 4]);
}

#[test]
fn too_many_pixels_are_refused_by_the_header_alone() {
    let png = |width: u32, height: u32| {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", &[])].concat()
    };
    let with = |format, at: usize, sides: &[u8]| {
        let mut file = file(&quarters(8, 8), format);
        file[at..at + sides.len()].copy_from_slice(sides);
        file
    };
    let jpeg = file(&quarters(8, 8), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|it| it == b"\xff\xc0").unwrap();
    let large = [
        png(20_000, 20_000),
        png(10_001, 1),
        png(6_400, 6_400),
        with(ImageFormat::Jpeg, frame + 5, &[0xff; 4]),
        with(ImageFormat::Jpeg, frame + 5, &[0x19, 0, 0x19, 0]),
        with(ImageFormat::Gif, 6, &[0xff; 4]),
        with(ImageFormat::Bmp, 18, &[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]),
    ];
    for file in large {
        assert_eq!(cut(&file, None), Err(Fault::TooLarge), "{:x?}", &file[..24]);
    }
}

#[test]
fn the_smallest_and_the_longest_pictures_make_four_squares() {
    for (width, height) in [(1, 1), (10_000, 1), (1, 10_000), (2_100, 2_050)] {
        let cut = cut(&file(&quarters(width, height), ImageFormat::Png), None).unwrap();
        for side in SIDES {
            square(&cut, side);
        }
    }
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    for (format, _) in FORMATS {
        // Rows of a BMP that need not be filled up.
        let file = file(&quarters(92, 60), format);
        // The last word of a TIFF says where the next page is, and need not be there when there is none.
        let last = if format == ImageFormat::Tiff { file.len() - 4 } else { file.len() };
        let ends = (64..last).step_by(last / 60).chain(last - 8..last);
        for end in ends {
            let fault = cut(&file[..end], None).err();
            assert_eq!(fault, Some(Fault::Corrupt), "{format:?} to {end} of {}", file.len());
        }
        for end in 0..64 {
            assert!(cut(&file[..end], None).is_err());
        }
    }
}

#[test]
fn a_jpeg_whose_data_makes_no_sense_is_not_painted_grey() {
    let mut jpeg = file(&quarters(90, 60), ImageFormat::Jpeg);
    let middle = jpeg.len() - 100;
    jpeg[middle..middle + 64].copy_from_slice(&[0xff, 0].repeat(32));
    assert_eq!(cut(&jpeg, None), Err(Fault::Corrupt));
}

#[test]
fn a_decoder_that_panics_makes_a_damaged_picture() {
    // An animation whose frame says ten pixels a side and has one, with an alpha channel.
    let pixel = b"\x30\x01\0\x9d\x01\x2a\x01\0\x01\0\x0f\xc0\xfe\x25\xa4\0\x03\x70\0\xfe\xe6\xb5\0\0";
    let frame = [&b"\0\0\0\0\0\0\x09\0\0\x09\0\0\0\0\0\0"[..], &riff(b"ALPH", &[0; 102]), &riff(b"VP8 ", pixel)];
    let header = riff(b"VP8X", b"\x12\0\0\0\x09\0\0\x09\0\0");
    let file = [&b"WEBP"[..], &header, &riff(b"ANIM", &[0; 6]), &riff(b"ANMF", &frame.concat())].concat();
    assert_eq!(cut(&riff(b"RIFF", &file), None), Err(Fault::Corrupt));
}

#[test]
fn what_is_transparent_stays_so_without_an_edge_of_another_colour() {
    let colour = Rgba([220, 60, 20, 255]);
    let disc = |size: u32| {
        let middle = f64::from(size - 1) / 2.0;
        RgbaImage::from_fn(size, size, |x, y| {
            let far = (f64::from(x) - middle).hypot(f64::from(y) - middle);
            if far < 0.4 * f64::from(size) { colour } else { Rgba([0; 4]) }
        })
    };
    for size in [2_100, 600, 30] {
        let png = file(&disc(size).into(), ImageFormat::Png);
        let whole = cut(&png, None).unwrap();
        assert_eq!(whole.content_type, "image/png");
        for side in SIDES {
            let square = square(&whole, side).into_rgba8();
            assert_eq!(square.get_pixel(0, 0)[3], 0);
            assert_eq!(*square.get_pixel(side / 2, side / 2), colour);
            // Of a colour that hardly shows, hardly anything is left.
            let edge = square.pixels().filter(|it| (24..255).contains(&it[3])).collect::<Vec<_>>();
            let furthest = edge.iter().map(|it| it[0].abs_diff(220).max(it[1].abs_diff(60))).max();
            assert!(furthest.is_some_and(|it| it < 16), "{furthest:?} from {size} to {side}");
        }
        // Nothing in this part of it lets anything through.
        let inside = cut(&png, Some(Crop { left: size / 3, top: size / 3, side: size / 3 })).unwrap();
        assert_eq!(inside.content_type, "image/jpeg");
    }
}

#[test]
fn depth_does_not_matter_and_grey_stays_grey() {
    let image = quarters(60, 40);
    let deep = [
        file(&image.to_rgb16().into(), ImageFormat::Png),
        file(&image.to_rgba16().into(), ImageFormat::Tiff),
        file(&image.to_rgb32f().into(), ImageFormat::Tiff),
    ];
    for file in deep {
        assert_shows(&cut(&file, None).unwrap(), [RED, GREEN, BLUE, WHITE]);
    }
    for grey in [image.to_luma8().into(), image.to_luma_alpha8().into(), image.to_luma16().into()] {
        let cut = cut(&file(&grey, ImageFormat::Png), None).unwrap();
        assert_eq!(square(&cut, 48).color(), ColorType::L8);
    }
}

#[test]
fn of_an_animation_the_first_picture_is_taken() {
    let mut gif = Vec::new();
    let colours = [Rgba([200, 30, 30, 255]), Rgba([40, 40, 200, 255])];
    let frames = colours.map(|it| Frame::new(RgbaImage::from_pixel(40, 40, it)));
    GifEncoder::new(&mut gif).encode_frames(frames).unwrap();
    assert_shows(&cut(&gif, None).unwrap(), [RED; 4]);
}

#[test]
fn only_pixels_go_on() {
    let secret = b"secret <script> PK\x03\x04";
    let jpeg = file(&quarters(60, 40), ImageFormat::Jpeg);
    let jpeg = with_segment(&jpeg, 0xe1, &[b"Exif\0\0", &exif(1)[..], secret].concat());
    let jpeg = [&with_segment(&jpeg, 0xfe, secret)[..], secret].concat();
    for square in cut(&jpeg, None).unwrap().squares {
        assert!(!square.bytes.windows(6).any(|it| it == b"secret"));
        let mut kinds = Vec::new();
        let mut at = 2;
        while kinds.last() != Some(&0xda) {
            kinds.push(square.bytes[at + 1]);
            at += 2 + usize::from(u16::from_be_bytes([square.bytes[at + 2], square.bytes[at + 3]]));
        }
        // JFIF's header, tables, the frame, the scan.
        assert!(kinds.iter().all(|it| [0xe0, 0xdb, 0xc0, 0xc4, 0xda].contains(it)), "{kinds:x?}");
        assert!(square.bytes.ends_with(b"\xff\xd9"));
    }

    let png = file(&RgbaImage::from_pixel(9, 9, Rgba([1, 2, 3, 128])).into(), ImageFormat::Png);
    let (header, data) = png.split_at(33);
    let png = [header, &chunk(b"tEXt", &[b"Comment\0", &secret[..]].concat()), data, secret].concat();
    for square in cut(&png, None).unwrap().squares {
        let mut rest = &square.bytes[8..];
        while let Some(length) = rest.first_chunk() {
            assert!([b"IHDR", b"IDAT", b"IEND"].iter().any(|it| it[..] == rest[4..8]));
            rest = &rest[12 + u32::from_be_bytes(*length) as usize..];
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn no_change_of_a_byte_gets_a_panic_out() {
    // Marsaglia's xorshift, always from the same seed.
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize % below
    };
    for (format, _) in FORMATS {
        let file = file(&quarters(24, 16), format);
        for _ in 0..6 {
            let mut changed = file.clone();
            for _ in 0..2 {
                changed[next(file.len())] = next(256) as u8;
            }
            let _ = cut(&changed, None);
        }
    }
}
