//! Pictures that say which colours they mean, and those that say nonsense about it.

use image::codecs::{jpeg::JpegEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{DynamicImage, GrayImage, ImageEncoder, ImageFormat, Rgb, RgbImage, codecs::png::PngEncoder};
use moxcms::ColorProfile;

use super::super::{
    cut,
    tests::{chunk, file, square, with_segment},
};

/// Display P3, as phones have it.
fn display_p3() -> Vec<u8> {
    ColorProfile::new_display_p3().encode().unwrap()
}

/// The brightest red that sRGB has, and a soft green, in the numbers of Display P3; and what they are in sRGB.
const PATCHES: [[[u8; 3]; 2]; 2] = [[[234, 51, 35], [255, 0, 0]], [[120, 180, 110], [100, 182, 102]]];

fn patch(colour: [u8; 3]) -> DynamicImage {
    RgbImage::from_pixel(40, 40, Rgb(colour)).into()
}

#[track_caller]
fn assert_is(file: &[u8], colour: [u8; 3], within: u8) {
    for square in cut(file, None).unwrap().squares {
        assert!(!square.bytes.windows(4).any(|it| it == b"acsp"), "a profile goes on");
    }
    let seen = *square(&cut(file, None).unwrap(), 48).into_rgb8().get_pixel(24, 24);
    assert!((0..3).all(|it| seen[it].abs_diff(colour[it]) <= within), "{seen:?}, not {colour:?}");
}

/// A PNG with a chunk behind its header.
fn png_with(colour: [u8; 3], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let png = file(&patch(colour), ImageFormat::Png);
    [&png[..33], &chunk(kind, data), &png[33..]].concat()
}

#[test]
fn pictures_of_phones_come_out_in_the_colours_that_they_show() {
    for [told, meant] in PATCHES {
        let image = patch(told);
        let mut files = vec![Vec::new(); 4];
        let [png, jpeg, webp, tiff] = &mut files[..] else { unreachable!("there are four") };
        let mut encoder = PngEncoder::new(&mut *png);
        encoder.set_icc_profile(display_p3()).unwrap();
        image.write_with_encoder(encoder).unwrap();
        let mut encoder = JpegEncoder::new_with_quality(&mut *jpeg, 100);
        encoder.set_icc_profile(display_p3()).unwrap();
        image.write_with_encoder(encoder).unwrap();
        let mut encoder = WebPEncoder::new_lossless(&mut *webp);
        encoder.set_icc_profile(display_p3()).unwrap();
        image.write_with_encoder(encoder).unwrap();
        let mut at = std::io::Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut at);
        if encoder.set_icc_profile(display_p3()).is_ok() {
            image.write_with_encoder(encoder).unwrap();
            *tiff = at.into_inner();
        } else {
            files.pop();
        }
        for file in files {
            assert_is(&file, meant, 4);
        }
    }
}

#[test]
fn a_profile_in_several_segments_is_put_together() {
    let profile = display_p3();
    let parts: Vec<_> = profile.chunks(profile.len().div_ceil(3)).collect();
    let jpeg = file(&patch(PATCHES[0][0]), ImageFormat::Jpeg);
    let with = |order: &[usize]| {
        order.iter().fold(jpeg.clone(), |jpeg, part| {
            let data = [&b"ICC_PROFILE\0"[..], &[*part as u8 + 1, 3], parts[*part]].concat();
            with_segment(&jpeg, 0xe2, &data)
        })
    };
    assert_is(&with(&[2, 1, 0]), PATCHES[0][1], 6);
    assert_is(&with(&[1, 0, 2]), PATCHES[0][1], 6);
    // One of the parts is missing, or twice there.
    assert_is(&with(&[1, 0]), PATCHES[0][0], 6);
    assert_is(&with(&[1, 0, 0]), PATCHES[0][0], 6);
}

#[test]
fn a_profile_that_makes_no_sense_is_passed_over() {
    let profile = display_p3();
    let mut endless = profile.clone();
    endless[128..132].copy_from_slice(&[0xff; 4]);
    let grey = ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
    let lab = ColorProfile::new_lab().encode().unwrap();
    for profile in [&b""[..], b"acsp", &profile[..profile.len() / 2], &endless, &grey, &lab, &vec![7; 5 << 20]] {
        let mut png = Vec::new();
        let mut encoder = PngEncoder::new(&mut png);
        encoder.set_icc_profile(profile.to_vec()).unwrap();
        patch([200, 100, 60]).write_with_encoder(encoder).unwrap();
        assert_is(&png, [200, 100, 60], 4);
    }
}

#[test]
fn grey_heeds_its_profile_and_stays_grey() {
    let image: DynamicImage = GrayImage::from_pixel(40, 40, [128].into()).into();
    // Half of the light's square root, and what that is as sRGB; the profile of a screen for what has no colours.
    for (profile, meant) in [(ColorProfile::new_gray_with_gamma(1.0), 188), (ColorProfile::new_display_p3(), 128)] {
        let mut png = Vec::new();
        let mut encoder = PngEncoder::new(&mut png);
        encoder.set_icc_profile(profile.encode().unwrap()).unwrap();
        image.write_with_encoder(encoder).unwrap();
        let square = square(&cut(&png, None).unwrap(), 48);
        assert_eq!(square.color(), image::ColorType::L8);
        assert!(
            square.to_luma8().get_pixel(24, 24)[0].abs_diff(meant) < 3,
            "{:?}",
            square.to_luma8().get_pixel(24, 24)
        );
    }
}

#[test]
fn a_png_may_tell_its_gamma_and_chart() {
    let told = |gamma: u32| gamma.to_be_bytes();
    // Light itself.
    assert_is(&png_with([55, 128, 188], b"gAMA", &told(100_000)), [129, 188, 222], 4);
    // What sRGB is for those who do not know it, and what cannot be meant.
    assert_is(&png_with([55, 128, 188], b"gAMA", &told(45_455)), [55, 128, 188], 3);
    assert_is(&png_with([55, 128, 188], b"gAMA", &told(1)), [55, 128, 188], 3);
    // The chart of Display P3.
    let chart = [31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000];
    let chart: Vec<u8> = chart.iter().flat_map(|it: &u32| it.to_be_bytes()).collect();
    let png = png_with(PATCHES[0][0], b"cHRM", &chart);
    let png = [&png[..33], &chunk(b"gAMA", &told(45_455)), &png[33..]].concat();
    assert_is(&png, PATCHES[0][1], 5);
    // That it is sRGB goes before what that means.
    let png = [&png[..33], &chunk(b"sRGB", &[0]), &png[33..]].concat();
    assert_is(&png, PATCHES[0][0], 4);
}
