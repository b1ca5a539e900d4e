//! Samples of a pixel to the channels of a picture: palettes, Y with Cb and Cr, Lab, and opacity.

use super::{
    super::{Fault, raster::Channels},
    layout::{Alpha, Ink, Layout},
    tags::Directory,
};

/// Steps between black and white in which light is looked up: more than 8 bits can tell apart, even where it is dark.
const LIGHTS: usize = 1 << 14;

/// How the samples of a pixel, a byte each, become its channels.
pub(super) struct Paint {
    /// Samples of a pixel as they come, and colours among them.
    samples: usize,
    colours: usize,
    alpha: Option<Alpha>,
    mix: Mix,
}

enum Mix {
    Same,
    Inverse,
    Palette(Vec<[u8; 3]>),
    Difference(Box<Difference>),
    Lab(Box<Lab>),
}

/// The channels that a page has.
pub(super) fn channels(layout: &Layout<'_>) -> Channels {
    match (layout.ink, layout.alpha) {
        (Ink::WhiteIsZero | Ink::BlackIsZero, None) => Channels::Grey,
        (Ink::WhiteIsZero | Ink::BlackIsZero, Some(_)) => Channels::GreyAlpha,
        (Ink::Cmyk, _) => Channels::Cmyk,
        (_, None) => Channels::Rgb,
        (_, Some(_)) => Channels::Rgba,
    }
}

impl Paint {
    /// Prepares for the pixels of a page.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] if a palette has not all colours.
    pub(super) fn of(layout: &Layout<'_>) -> Result<Self, Fault> {
        let directory = &layout.directory;
        let mix = match layout.ink {
            Ink::BlackIsZero | Ink::Rgb | Ink::Cmyk => Mix::Same,
            Ink::WhiteIsZero => Mix::Inverse,
            Ink::Palette => Mix::Palette(palette(directory, layout.bits)?),
            Ink::YCbCr => Mix::Difference(Box::new(Difference::of(directory))),
            Ink::CieLab | Ink::IccLab | Ink::ItuLab => Mix::Lab(Box::new(Lab::of(layout.ink))),
        };
        let colours = layout.ink.samples();
        let place = |it: Alpha| Alpha { index: if layout.apart { colours } else { it.index }, ..it };
        let alpha = layout.alpha.map(place);
        let samples = if layout.apart { layout.planes().len() } else { layout.samples };
        Ok(Self { samples, colours, alpha, mix })
    }

    /// Samples of a pixel that it takes.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Makes channels of a row of samples, in `out` if they differ.
    pub(super) fn paint<'a>(&self, row: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        let colours = self.colours;
        let multiplied = self.alpha.is_some_and(|it| it.multiplied);
        let channels = colours + usize::from(self.alpha.is_some());
        if matches!(self.mix, Mix::Same) && self.samples == channels && !multiplied {
            return row;
        }
        match &self.mix {
            Mix::Same => {
                self.each(row, out, colours, |from, to| to.copy_from_slice(&from[..colours]));
            }
            Mix::Inverse => self.each(row, out, 1, |from, to| to[0] = !from[0]),
            Mix::Palette(palette) => self.each(row, out, 3, |from, to| {
                to.copy_from_slice(palette.get(usize::from(from[0])).unwrap_or(&[0; 3]));
            }),
            Mix::Difference(mix) => {
                self.each(row, out, 3, |from, to| to.copy_from_slice(&mix.rgb([from[0], from[1], from[2]])));
            }
            Mix::Lab(mix) => {
                self.each(row, out, 3, |from, to| to.copy_from_slice(&mix.rgb([from[0], from[1], from[2]])));
            }
        }
        out
    }

    /// Makes the colours of each pixel, which are `colours`, and divides them by what it lets through.
    #[inline(always)]
    fn each(&self, row: &[u8], out: &mut Vec<u8>, colours: usize, mix: impl Fn(&[u8], &mut [u8])) {
        let pixels = row.chunks_exact(self.samples);
        out.resize(pixels.len() * (colours + usize::from(self.alpha.is_some())), 0);
        let Some(Alpha { index, multiplied }) = self.alpha else {
            return pixels.zip(out.chunks_exact_mut(colours)).for_each(|(from, to)| mix(from, to));
        };
        let multiplied = multiplied && !matches!(self.mix, Mix::Palette(_));
        for (from, to) in pixels.zip(out.chunks_exact_mut(colours + 1)) {
            let (to, clear) = to.split_at_mut(colours);
            mix(from, to);
            let alpha = from[index];
            clear[0] = alpha;
            if multiplied && alpha != 0 && alpha != u8::MAX {
                let (half, alpha) = (u32::from(alpha) / 2, u32::from(alpha));
                to.iter_mut().for_each(|it| *it = ((u32::from(*it) * 255 + half) / alpha).min(255) as u8);
            }
        }
    }
}

/// The colours of a palette: all red ones first, each of 16 bits. Some programs write 8.
fn palette(directory: &Directory<'_>, bits: usize) -> Result<Vec<[u8; 3]>, Fault> {
    let values = directory.values(320).ok_or(Fault::Corrupt)?;
    let count = 1 << bits;
    if values.len() < 3 * count {
        return Err(Fault::Corrupt);
    }
    let wide = (0..3 * count).any(|it| values.get(it).is_some_and(|it| 255 < it));
    let value = |index| {
        let value = values.get(index).unwrap_or(0).min(0xffff);
        (if wide { (value + 128) / 257 } else { value }) as u8
    };
    Ok((0..count).map(|it| [value(it), value(count + it), value(2 * count + it)]).collect())
}

/// Y, Cb and Cr: brightness, and how much bluer and redder than that it is. Source: TIFF 6.0, section 21.
struct Difference {
    /// What each value of a sample adds, in parts of 65,536.
    bright: [i32; 256],
    red: [i32; 256],
    blue: [i32; 256],
    green: [[i32; 256]; 2],
}

impl Difference {
    fn of(directory: &Directory<'_>) -> Self {
        let values = |tag, otherwise: &[f64]| -> Vec<f64> {
            let told = directory.values(tag);
            let told = |it: usize| told.and_then(|values| values.real(it));
            let told: Option<Vec<_>> = (0..otherwise.len()).map(told).collect();
            told.unwrap_or_else(|| otherwise.to_vec())
        };
        let luma = values(529, &[0.299, 0.587, 0.114]);
        let mut range = values(532, &[0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
        if range.chunks(2).any(|it| (it[1] - it[0]).abs() < 1.0) {
            range = vec![0.0, 255.0, 128.0, 255.0, 128.0, 255.0];
        }
        let green = if luma[1].abs() < 1e-3 { 1.0 } else { luma[1] };
        let table = |at: usize, most: f64, factor: f64| {
            let part = |it: usize| (it as f64 - range[at]) * most / (range[at + 1] - range[at]) * factor;
            std::array::from_fn(|it| (part(it) * 65_536.0).clamp(-3e7, 3e7) as i32)
        };
        let (red, blue) = (2.0 - 2.0 * luma[0], 2.0 - 2.0 * luma[2]);
        Self {
            bright: table(0, 255.0, 1.0),
            blue: table(2, 127.0, blue),
            red: table(4, 127.0, red),
            green: [table(2, 127.0, -luma[2] * blue / green), table(4, 127.0, -luma[0] * red / green)],
        }
    }

    #[inline(always)]
    fn rgb(&self, samples: [u8; 3]) -> [u8; 3] {
        let [y, cb, cr] = samples.map(usize::from);
        let bright = self.bright[y] + (1 << 15);
        let sums = [bright + self.red[cr], bright + self.green[0][cb] + self.green[1][cr], bright + self.blue[cb]];
        sums.map(|it| (it >> 16).clamp(0, 255) as u8)
    }
}

/// CIE L*a*b* of 1976 by the white of print, D50. Source: TIFF 6.0, section 23; ICC.1:2010; IEC 61966-2-1.
struct Lab {
    /// By the value of a sample: the cube roots of what they stand for, the last two as differences to the first.
    lightness: [f32; 256],
    a: [f32; 256],
    b: [f32; 256],
    /// Bytes by the light, which is linear.
    bytes: Vec<u8>,
}

impl Lab {
    fn of(ink: Ink) -> Self {
        // In the encoding of fax machines the ranges are others.
        let (a, b) = match ink {
            Ink::ItuLab => ((170.0 / 255.0, 128.0), (200.0 / 255.0, 96.0)),
            _ => ((1.0, 128.0), (1.0, 128.0)),
        };
        let signed = ink == Ink::CieLab;
        let table = |(factor, zero): (f32, f32), by: f32| {
            std::array::from_fn(|it| if signed { f32::from(it as u8 as i8) } else { (it as f32 - zero) * factor } / by)
        };
        let byte = |it: usize| {
            let light = it as f32 / (LIGHTS - 1) as f32;
            let value = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
            (value * 255.0 + 0.5) as u8
        };
        Self {
            lightness: std::array::from_fn(|it| (it as f32 * 100.0 / 255.0 + 16.0) / 116.0),
            a: table(a, 500.0),
            b: table(b, 200.0),
            bytes: (0..LIGHTS).map(byte).collect(),
        }
    }

    fn rgb(&self, samples: [u8; 3]) -> [u8; 3] {
        let [l, a, b] = samples.map(usize::from);
        let root = self.lightness[l];
        let cube = |it: f32| if 6.0 / 29.0 < it { it * it * it } else { (it - 4.0 / 29.0) * (108.0 / 841.0) };
        let [x, y, z] = [cube(root + self.a[a]) * 0.964_2, cube(root), cube(root - self.b[b]) * 0.824_9];
        // From the white of print to that of screens, and to their primaries.
        let lights = [
            3.133_856 * x - 1.616_866_7 * y - 0.490_614_6 * z,
            -0.978_768_4 * x + 1.916_141_5 * y + 0.033_454 * z,
            0.071_945_3 * x - 0.228_991_4 * y + 1.405_242_7 * z,
        ];
        lights.map(|it| self.bytes[((it * (LIGHTS - 1) as f32 + 0.5) as usize).min(LIGHTS - 1)])
    }
}
