//! Letters, set side by side as large as the picture lets them be.

use std::f32::consts::TAU;

use ab_glyph::{Font, FontRef, GlyphId, Outline, OutlineCurve, OutlinedGlyph, Point, PxScaleFactor, point};

use super::Mask;

/// A font, and what is added to its strokes on every side, in ems.
pub(super) struct Face {
    font: &'static [u8],
    thicker: f32,
}

/// The fonts, the one to take first. Together they have Latin, Greek, Cyrillic, Armenian and Georgian.
pub(super) const FACES: [Face; 2] = [
    // Its strokes as they are would be thinner than a pixel in the smallest picture.
    Face { font: epaint_default_fonts::UBUNTU_LIGHT, thicker: 0.016 },
    Face { font: epaint_default_fonts::HACK_REGULAR, thicker: 0.004 },
];

/// The largest em, in parts of the side. It is what one letter gets: wider words get less.
const EM_MAX: f32 = 0.54;

/// How far letters may be from the middle, in parts of the side. A circle cut out of the square ends at a half.
const REACH_MAX: f32 = 0.365;

/// What two letters that leave a gap, as A and V do, may be moved together by, in ems.
const KERN_MAX: f32 = 0.1;

/// What counts as the same height when the gap between two letters is measured, in ems.
const LEVEL: f32 = 0.09;

/// Places that are looked at on each stroke: so many that two of the longest are less than a [`LEVEL`] apart.
const PLACES: u8 = 8;

/// Directions in which a stroke is made thicker. With fewer, round ends get corners in the largest picture.
const DIRECTIONS: u8 = 20;

/// Letters side by side, in units of their font: to the right of where the first begins, up from the line.
pub(super) struct Word {
    letters: Vec<Letter>,
    units_per_em: f32,
    /// Half the height of a capital.
    waist: f32,
    /// What is added to every stroke on every side, in ems.
    thicker: f32,
}

struct Letter {
    left: f32,
    outline: Outline,
}

impl Word {
    /// Sets `text` in `face`. None when there is nothing to set, or something that the font does not have.
    pub(super) fn set(face: &Face, text: &str) -> Option<Self> {
        let font = FontRef::try_from_slice(face.font).ok()?;
        let units_per_em = font.units_per_em()?;
        let thicker = face.thicker * units_per_em;
        let upright = font.glyph_id('H');
        let bounds = font.outline(upright)?.bounds;
        // The least that two letters are apart: as far as two upright strokes.
        let apart = 2.0 * (font.h_side_bearing_unscaled(upright) + thicker);

        let mut letters: Vec<Letter> = Vec::new();
        let mut left = 0.0;
        for character in text.chars().filter(|it| !it.is_whitespace()) {
            let id = font.glyph_id(character);
            let advance = font.h_advance_unscaled(id);
            // What a font does not have it draws as a box; what does not advance belongs onto the letter before.
            if id == GlyphId(0) || advance == 0.0 {
                return None;
            }
            let mut letter = Letter { left, outline: font.outline(id)? };
            if let Some(before) = letters.last() {
                let spare = before.gap(&letter, LEVEL * units_per_em) - apart;
                letter.left -= spare.clamp(0.0, KERN_MAX * units_per_em);
            }
            left = letter.left + advance + 2.0 * thicker;
            letters.push(letter);
        }
        let waist = bounds.min.y.midpoint(bounds.max.y);
        (!letters.is_empty()).then_some(Self { letters, units_per_em, waist, thicker: face.thicker })
    }

    /// Draws the word in the middle of the mask.
    pub(super) fn draw(&self, mask: &mut Mask) {
        let side = mask.side as f32;
        let middle = self.middle();
        let far = self.points().map(|it| (it.x - middle.x).hypot(it.y - middle.y)).fold(0.0, f32::max);
        let em = (EM_MAX * side).min(REACH_MAX * side / (far / self.units_per_em + self.thicker));
        let unit = em / self.units_per_em;
        let scale = PxScaleFactor { horizontal: unit, vertical: unit };
        for letter in &self.letters {
            let (x, y) = (side / 2.0 + (letter.left - middle.x) * unit, side / 2.0 + middle.y * unit);
            for direction in 0..DIRECTIONS {
                let (down, right) = (TAU * f32::from(direction) / f32::from(DIRECTIONS)).sin_cos();
                let at = point(x + right * em * self.thicker, y + down * em * self.thicker);
                let glyph = GlyphId(0).with_scale_and_position(em, at);
                let drawn = OutlinedGlyph::new(glyph, letter.outline.clone(), scale);
                let corner = drawn.px_bounds().min;
                drawn.draw(|column, row, cover| mask.cover(corner.x + column as f32, corner.y + row as f32, cover));
            }
        }
    }

    /// What is put in the middle of the picture: halfway between the letters' own middle and that of a capital, so that
    /// neither an accent nor a tail moves the word by its whole length.
    fn middle(&self) -> Point {
        let (left, right) = ends(self.points().map(|it| it.x));
        let (bottom, top) = ends(self.points().map(|it| it.y));
        point(left.midpoint(right), bottom.midpoint(top).midpoint(self.waist))
    }

    /// Points that the word lies between.
    fn points(&self) -> impl Iterator<Item = Point> {
        self.letters.iter().flat_map(Letter::points)
    }
}

impl Letter {
    /// Points that the letter lies between: ends of its strokes, and what bends them.
    fn points(&self) -> impl Iterator<Item = Point> {
        self.outline.curves.iter().flat_map(corners).map(|it| point(self.left + it.x, it.y))
    }

    /// The least gap between this letter and the next, as it is seen: between parts at about the same height.
    fn gap(&self, next: &Self, level: f32) -> f32 {
        let near = |(here, there): &(Point, Point)| (here.y - there.y).abs() < level;
        let pairs = self.places().flat_map(|here| next.places().map(move |there| (here, there)));
        pairs.filter(near).map(|(here, there)| there.x - here.x).fold(f32::INFINITY, f32::min)
    }

    /// Points on its outline, all along.
    fn places(&self) -> impl Iterator<Item = Point> {
        let along = |curve| {
            let [from, .., to] = corners(curve);
            let step = point((to.x - from.x) / f32::from(PLACES), (to.y - from.y) / f32::from(PLACES));
            (0..PLACES).map(f32::from).map(move |it| point(from.x + it * step.x, from.y + it * step.y))
        };
        self.outline.curves.iter().flat_map(along).map(|it| point(self.left + it.x, it.y))
    }
}

/// The least and the greatest of some numbers.
fn ends(numbers: impl Iterator<Item = f32>) -> (f32, f32) {
    numbers.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), it| (least.min(it), most.max(it)))
}

/// The points that a curve is made of; it lies between them.
fn corners(curve: &OutlineCurve) -> [Point; 4] {
    match *curve {
        OutlineCurve::Line(from, to) => [from, from, to, to],
        OutlineCurve::Quad(from, bend, to) => [from, bend, bend, to],
        OutlineCurve::Cubic(from, first, second, to) => [from, first, second, to],
    }
}
