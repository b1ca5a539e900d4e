//! From the colours of a file to sRGB, which is what everybody takes a picture for that does not say what it is.
//!
//! This is done to the squares, which are at most a third of a megapixel together, and not to all pixels of the file. A
//! profile that is broken, too large, of a kind that is not known, or about other channels than the picture has is passed
//! over: the picture is then what it would be without one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use moxcms::{
    Chromaticity, ColorPrimaries, ColorProfile, DataColorSpace, Layout, ParsingOptions, ToneReprCurve,
    Transform8BitExecutor, TransformOptions,
};

use super::raster::Channels;

/// Bytes of a colour profile. Those of presses have up to about three million.
pub(super) const PROFILE_BYTES_MAX: usize = 4 << 20;

/// Bytes of a table in a colour profile: as many as the whole may have.
const PROFILE_TABLE_BYTES_MAX: usize = PROFILE_BYTES_MAX;

/// Entries of a curve in a colour profile. The longest in use have 4096.
const PROFILE_CURVE_MAX: usize = 1 << 14;

/// How far from that of sRGB a gamma is that makes a difference which can be seen.
const GAMMA_NEAR: f32 = 0.01;

/// The gamma of sRGB, as a PNG says it.
const GAMMA_USUAL: f32 = 1.0 / 2.2;

/// Which colours the numbers of a file stand for.
pub(super) enum Space {
    /// Those of sRGB, or the file does not say.
    Unsaid,
    /// What an ICC profile says.
    Profile(Vec<u8>),
    /// Numbers that are this power of light, and where white, red, green and blue lie on the chart of 1931, if that is
    /// told.
    Gamma(f32, Option<[[f32; 2]; 4]>),
}

/// How pixels become sRGB.
pub(super) enum Conversion {
    /// They are.
    None,
    /// What every shade of grey becomes.
    Grey(Box<[u8; 256]>),
    /// Red, green and blue, with alpha or without.
    Rgb(Arc<Transform8BitExecutor>),
    /// Inks, by their profile.
    Inks(Arc<Transform8BitExecutor>),
    /// Inks of which nothing is known.
    NaiveInks,
}

impl Conversion {
    /// The conversion of pixels that have `channels`.
    pub(super) fn new(space: &Space, channels: Channels) -> Self {
        // What reads profiles is as likely to panic as any decoder, but no picture is lost by that.
        let told = catch_unwind(AssertUnwindSafe(|| Self::told(&profile(space)?, channels))).ok().flatten();
        told.unwrap_or(if channels == Channels::Cmyk { Self::NaiveInks } else { Self::None })
    }

    fn told(profile: &ColorProfile, channels: Channels) -> Option<Self> {
        let to = |layout, into| {
            profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), into, TransformOptions::default()).ok()
        };
        match (channels, profile.color_space) {
            (Channels::Grey | Channels::GreyAlpha, DataColorSpace::Gray) => {
                let shades: Vec<u8> = (0..=u8::MAX).collect();
                shades_by(&*to(Layout::Gray, Layout::Rgb)?, &shades)
            }
            // What has no colours often carries the profile of the screen it was made at.
            (Channels::Grey | Channels::GreyAlpha, DataColorSpace::Rgb) => {
                let shades: Vec<u8> = (0..=u8::MAX).flat_map(|it| [it; 3]).collect();
                shades_by(&*to(Layout::Rgb, Layout::Rgb)?, &shades)
            }
            (Channels::Rgb, DataColorSpace::Rgb) => Some(Self::Rgb(to(Layout::Rgb, Layout::Rgb)?)),
            (Channels::Rgba, DataColorSpace::Rgb) => Some(Self::Rgb(to(Layout::Rgba, Layout::Rgba)?)),
            (Channels::Cmyk, DataColorSpace::Cmyk) => Some(Self::Inks(to(Layout::Rgba, Layout::Rgb)?)),
            _ => None,
        }
    }

    /// Converts pixels, alpha not multiplied in. Inks come out as red, green and blue.
    pub(super) fn apply(&self, channels: Channels, mut pixels: Vec<u8>) -> (Channels, Vec<u8>) {
        match self {
            Self::None => {}
            Self::Grey(shades) => {
                let shade = |it: &mut u8| *it = shades[usize::from(*it)];
                pixels.iter_mut().step_by(channels.count()).for_each(shade);
            }
            Self::Rgb(transform) => {
                if let Some(converted) = converted(&**transform, &pixels, pixels.len()) {
                    pixels = converted;
                }
            }
            Self::Inks(transform) => {
                let converted = converted(&**transform, &pixels, pixels.len() / 4 * 3);
                return (Channels::Rgb, converted.unwrap_or_else(|| naive(&pixels)));
            }
            Self::NaiveInks => return (Channels::Rgb, naive(&pixels)),
        }
        (channels, pixels)
    }
}

/// Reads what a file says of its colours. None when that is nothing, or cannot be used.
fn profile(space: &Space) -> Option<ColorProfile> {
    match space {
        Space::Unsaid => None,
        Space::Profile(bytes) => {
            let options = ParsingOptions {
                max_profile_size: PROFILE_BYTES_MAX,
                max_allowed_clut_size: PROFILE_TABLE_BYTES_MAX,
                max_allowed_trc_size: PROFILE_CURVE_MAX,
            };
            ColorProfile::new_from_slice_with_options(bytes, options).ok()
        }
        Space::Gamma(gamma, chart) => {
            // Beyond these, a file is more likely to be wrong than to be meant.
            if !(0.2..=1.0).contains(gamma) || (chart.is_none() && (gamma - GAMMA_USUAL).abs() < GAMMA_NEAR) {
                return None;
            }
            let mut profile = ColorProfile::new_srgb();
            profile.cicp = None;
            if let Some(chart) = chart {
                if chart.iter().any(|[x, y]| !(0.0..=1.0).contains(x) || !(0.01..=1.0).contains(y)) {
                    return None;
                }
                let [white, red, green, blue] = chart.map(|[x, y]| Chromaticity::new(x, y));
                profile.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
            }
            if GAMMA_NEAR <= (gamma - GAMMA_USUAL).abs() {
                let curve = ToneReprCurve::Parametric(vec![1.0 / gamma]);
                profile.red_trc = Some(curve.clone());
                profile.green_trc = Some(curve.clone());
                profile.blue_trc = Some(curve);
            }
            Some(profile)
        }
    }
}

/// What the shades of grey from black to white become. What is grey stays so, whatever a profile makes of it.
fn shades_by(transform: &Transform8BitExecutor, shades: &[u8]) -> Option<Conversion> {
    let converted = converted(transform, shades, 3 * 256)?;
    let shades = std::array::from_fn(|it| converted[3 * it + 1]);
    Some(Conversion::Grey(Box::new(shades)))
}

/// What pixels become, in `bytes` bytes.
fn converted(transform: &Transform8BitExecutor, pixels: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let mut converted = vec![0; bytes];
    let done = catch_unwind(AssertUnwindSafe(|| transform.transform(pixels, &mut converted).is_ok()));
    done.is_ok_and(|it| it).then_some(converted)
}

/// Takes inks for perfect ones on white paper, as everybody does who knows no better.
fn naive(pixels: &[u8]) -> Vec<u8> {
    let light = |ink: u8| u32::from(u8::MAX - ink);
    let pixels = pixels.as_chunks().0.iter();
    pixels.flat_map(|&[c, m, y, k]| [c, m, y].map(|it| ((light(it) * light(k) + 127) / 255) as u8)).collect()
}

#[cfg(test)]
mod tests;
