//! What is drawn, looked at as pixels.

use std::collections::BTreeSet;

use image::{RgbImage, load_from_memory};
use squares::SIDES;

use super::*;

/// What initials look like: narrow, wide, with accents, tails and gaps, and in every script there is a font for.
const INITIALS: [&str; 14] = ["AL", "M", "I", "WWW", "ÅÖ", "ŞĞ", "QJ", "jgy", "A.B", "J P", "Ж", "ΩΣ", "ԱԲ", "გდ"];

fn person(number: u8) -> [u8; 16] {
    let mut person = [7; 16];
    person[15] = number;
    person
}

fn drawn(initials: &str, side: u32) -> RgbImage {
    load_from_memory(&draw(initials, person(1), side)).unwrap().into_rgb8()
}

/// How much of each pixel is white, as [`draw`] has it.
fn mask(initials: &str, side: u32) -> Mask {
    let mut mask = Mask::new(side);
    FACES.iter().find_map(|face| Word::set(face, initials)).unwrap().draw(&mut mask);
    mask
}

/// Columns and rows of the pixels that are at least half white.
fn white(mask: &Mask) -> impl Iterator<Item = (f32, f32)> {
    let side = mask.side as usize;
    (0..side * side).filter(|&at| 0.5 <= mask.cover[at]).map(move |at| ((at % side) as f32, (at / side) as f32))
}

#[test]
fn white_can_be_read_on_every_colour() {
    // Source: WCAG 2.2, success criterion 1.4.3.
    for colour in COLOURS {
        let [red, green, blue] = colour.map(linear);
        let contrast = 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
        assert!((4.5..5.5).contains(&contrast), "{colour:?}: {contrast}");
    }
}

#[test]
fn initials_lie_in_the_circle_that_is_cut_out_of_the_square() {
    for initials in INITIALS {
        let mask = mask(initials, 300);
        let far = white(&mask).map(|(x, y)| (x - 149.5).hypot(y - 149.5)).fold(0.0, f32::max);
        assert!((40.0..112.0).contains(&far), "{initials}: {far}");
    }
}

#[test]
fn capitals_stand_in_the_middle() {
    for initials in ["HH", "M", "T", "WWW"] {
        let mask = mask(initials, 300);
        let (mut left, mut right, mut top, mut bottom) = (f32::MAX, 0.0_f32, f32::MAX, 0.0_f32);
        for (x, y) in white(&mask) {
            (left, right, top, bottom) = (left.min(x), right.max(x), top.min(y), bottom.max(y));
        }
        assert!((left + right - 299.0).abs() < 3.0 && (top + bottom - 299.0).abs() < 3.0, "{initials}");
    }
}

#[test]
fn letters_are_moved_together_where_they_leave_a_gap_and_never_touch() {
    // Columns without anything in them between the first and the last letter.
    let empty = |initials| {
        let mask = mask(initials, 300);
        let taken: BTreeSet<u32> = white(&mask).map(|(x, _)| x as u32).collect();
        taken.last().unwrap() + 1 - taken.first().unwrap() - taken.len() as u32
    };
    assert!(empty("HH") > 5);
    assert_eq!((empty("AV"), empty("LY")), (0, 0));
    for pair in ["AV", "LY", "LT", "TA", "HH", "OO", "WA", "AL"] {
        let mask = mask(pair, 300);
        // Each letter is of one piece: what can be reached from the leftmost pixel is not all there is.
        let mut left: BTreeSet<(i32, i32)> = white(&mask).map(|(x, y)| (x as i32, y as i32)).collect();
        let mut next = vec![left.pop_first().unwrap()];
        while let Some((x, y)) = next.pop() {
            next.extend([(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)].into_iter().filter(|it| left.remove(it)));
        }
        assert!(!left.is_empty(), "{pair}");
    }
}

#[test]
fn every_side_is_a_small_picture_of_its_own() {
    for initials in INITIALS.into_iter().chain([""]) {
        for side in SIDES {
            let file = draw(initials, person(1), side);
            let image = load_from_memory(&file).unwrap().into_rgb8();
            assert_eq!(image.dimensions(), (side, side));
            assert_eq!(image.get_pixel(0, 0).0, colour(person(1)));
            assert!(image.pixels().any(|it| it.0 == [255; 3]));
            assert!(file.len() < 200 + 9 * side as usize, "{initials} at {side}: {} bytes", file.len());
        }
    }
}

#[test]
fn initials_that_no_font_has_are_drawn_as_head_and_shoulders() {
    let silhouette = draw("", person(1), 128);
    for initials in [" ", "日本", "👩‍🚀", "A日", "\u{301}", "A\u{304}", "\u{200d}", "\u{fffd}\u{10ffff}", "\n"]
    {
        assert_eq!(draw(initials, person(1), 128), silhouette, "{initials:?}");
    }
    for initials in INITIALS {
        assert_ne!(draw(initials, person(1), 128), silhouette, "{initials:?}");
    }
    let image = drawn("", 128);
    for (x, y, pixel) in image.enumerate_pixels() {
        assert_eq!(pixel, image.get_pixel(127 - x, y), "the same on the left as on the right");
    }
    // From above: nothing, the head, the gap, the shoulders.
    let seen = [10, 50, 74, 110].map(|y| image.get_pixel(64, y).0 == [255; 3]);
    assert_eq!(seen, [false, true, false, true]);
}

#[test]
fn a_person_keeps_their_colour_and_people_differ() {
    let corner =
        |initials, number| load_from_memory(&draw(initials, person(number), 48)).unwrap().into_rgb8()[(0, 0)].0;
    assert_eq!(corner("AL", 1), corner("日本", 1));
    let colours: BTreeSet<_> = (0..200).map(|it| colour(person(it))).collect();
    assert_eq!(colours.len(), COLOURS.len());
}

#[test]
fn the_etag_is_another_when_the_picture_is() {
    let of = |initials, number| etag(initials, person(number));
    assert_eq!(of("AL", 1), of("AL", 1));
    assert_eq!(BTreeSet::from([of("AL", 1), of("AM", 1), of("", 1), of("AL", 2)]).len(), 4);
    assert!(of("AL", 1).starts_with('"') && of("AL", 1).ends_with('"'));
}
