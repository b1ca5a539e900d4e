//! Draws the picture of who has set none: their initials, or else a head and shoulders, on a colour that stays theirs.
//!
//! A picture depends on nothing but what it is drawn from, so that none needs to be kept.

mod word;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

use crate::secret;
use word::{FACES, Word};

/// Stands for the way pictures are drawn. With every change of that comes another figure here, or readers would not
/// learn of it.
const STYLE: &[u8] = b"1";

/// Colours that white is read on, once around the circle of hues. Each is as light as a contrast of 5 to 1 lets it be.
const COLOURS: [[u8; 3]; 14] = [
    [186, 71, 105],
    [188, 74, 64],
    [179, 83, 1],
    [104, 118, 1],
    [51, 127, 31],
    [4, 127, 87],
    [9, 125, 115],
    [8, 123, 136],
    [5, 120, 159],
    [27, 112, 195],
    [90, 102, 199],
    [127, 92, 191],
    [154, 83, 170],
    [174, 75, 141],
];

/// Shades from a colour to white, both counted: four bits a pixel, which halves the file and shows no steps.
const SHADES: u8 = 16;

/// Draws the picture of `person`, who has these initials, as a PNG of `side` pixels a side; at least one.
///
/// Initials that no font here has, such as Chinese ones or emoji, are drawn as if there were none.
pub fn draw(initials: &str, person: [u8; 16], side: u32) -> Vec<u8> {
    let mut mask = Mask::new(side);
    match FACES.iter().find_map(|face| Word::set(face, initials)) {
        Some(word) => word.draw(&mut mask),
        None => mask.draw_silhouette(),
    }
    mask.png(colour(person))
        .expect("a vector takes all that is written, and a mask has as many pixels as its sides say")
}

/// The etag of what [`draw`] draws, the same for all sides: another as soon as the initials are.
pub fn etag(initials: &str, person: [u8; 16]) -> String {
    let digest = secret::digest(&[STYLE, initials.as_bytes(), &person]);
    format!("\"{}\"", secret::hex(&digest[..digest.len() / 2]))
}

/// The colour of `person`, by the digest: identifiers that were made one after the other have much in common.
fn colour(person: [u8; 16]) -> [u8; 3] {
    let [first, second, ..] = secret::digest(&[&person]);
    COLOURS[usize::from(u16::from_be_bytes([first, second])) % COLOURS.len()]
}

/// How much of each pixel is white, from 0 to 1.
struct Mask {
    side: u32,
    cover: Vec<f32>,
}

impl Mask {
    fn new(side: u32) -> Self {
        Self { side, cover: vec![0.0; side as usize * side as usize] }
    }

    /// Covers the pixel in this column and row. What lies outside is lost.
    fn cover(&mut self, column: f32, row: f32, cover: f32) {
        let side = self.side as f32;
        if (0.0..side).contains(&column) && (0.0..side).contains(&row) {
            let pixel = &mut self.cover[row as usize * self.side as usize + column as usize];
            *pixel = pixel.max(cover.min(1.0));
        }
    }

    /// Draws a head above shoulders: a circle and an ellipse, whose lower half is outside.
    fn draw_silhouette(&mut self) {
        /// Height of the middle of the head, and its radius, in parts of the side.
        const HEAD: (f32, f32) = (0.385, 0.152);
        /// Height of the middle of the shoulders, half their width and half their height.
        const SHOULDERS: (f32, f32, f32) = (1.0, 0.335, 0.4);

        let side = self.side;
        for (row, column) in (0..side).flat_map(|row| (0..side).map(move |column| (row as f32, column as f32))) {
            // Where the middle of the pixel is, and how far outside of each shape, both in parts of the side.
            let (x, y) = ((column + 0.5) / side as f32 - 0.5, (row + 0.5) / side as f32);
            let head = x.hypot(y - HEAD.0) - HEAD.1;
            let (across, down) = (x / SHOULDERS.1, (y - SHOULDERS.0) / SHOULDERS.2);
            let slope = (across / SHOULDERS.1).hypot(down / SHOULDERS.2);
            let shoulders = (across.powi(2) + down.powi(2) - 1.0) / (2.0 * slope).max(f32::EPSILON);
            self.cover(column, row, (0.5 - head.min(shoulders) * side as f32).clamp(0.0, 1.0));
        }
    }

    /// Writes the mask as a picture, white on this colour.
    fn png(&self, colour: [u8; 3]) -> Result<Vec<u8>, EncodingError> {
        let whitest = f32::from(SHADES - 1);
        let palette: Vec<u8> = (0..SHADES).flat_map(|it| mixed(colour, f32::from(it) / whitest)).collect();
        let rows = self.cover.chunks(self.side as usize).flat_map(|row| {
            let shade = |it: &f32| (it * whitest).round() as u8;
            row.chunks(2).map(move |two| shade(&two[0]) << 4 | two.get(1).map_or(0, shade))
        });
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.side, self.side);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Four);
        encoder.set_palette(palette);
        encoder.set_compression(Compression::High);
        encoder.set_filter(Filter::NoFilter);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&rows.collect::<Vec<_>>())?;
        writer.finish()?;
        Ok(file)
    }
}

/// The colour with this part of white in it, as light mixes: edges look smooth, and letters no thinner than they are.
fn mixed(colour: [u8; 3], white: f32) -> [u8; 3] {
    colour.map(|it| (srgb(linear(it) * (1.0 - white) + white) * 255.0).round() as u8)
}

/// The light that a channel stands for, from 0 to 1. Source: IEC 61966-2-1 (sRGB).
fn linear(channel: u8) -> f32 {
    let channel = f32::from(channel) / 255.0;
    if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

/// The channel, from 0 to 1, that stands for this light.
fn srgb(light: f32) -> f32 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests;
