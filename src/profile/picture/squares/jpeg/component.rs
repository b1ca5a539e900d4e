//! A component of a JPEG, such as its luminance: what is kept of its blocks, and the pixels that they become.

use super::{
    Crop, Fault, HALFWAY, Plane,
    bits::{Bits, Table},
    cosine::{BLOCK, Cosine, Frequencies, NOWHERE, rounded},
};

/// A component, and its pixels as they come.
pub(super) struct Component {
    /// What scans call it.
    pub(super) id: u8,
    /// Its blocks in a unit: beside one another, and above.
    pub(super) sampling: [usize; 2],
    /// Which table tells the steps of its frequencies.
    pub(super) table: usize,
    /// The blocks that show some of the picture: beside one another, and above.
    pub(super) blocks: [usize; 2],
    /// The lowest frequency of the block before.
    pub(super) prediction: i32,
    /// What one step of each frequency is worth, in the order of the file. None is 0, unless they were not told yet.
    pub(super) steps: [f32; NOWHERE],
    pub(super) cosine: Cosine,
    /// Blocks beside one another, with those that fill up the last unit.
    stride: usize,
    /// The first block that is kept, and the one behind the last: beside one another, and above.
    kept: [[usize; 2]; 2],
    /// Pixels that are kept: beside one another, and above.
    sides: [usize; 2],
    /// The crop, in these pixels.
    square: [f64; 4],
    pixels: Vec<u8>,
    /// Of a progressive JPEG: the frequencies so far, of the blocks that are kept.
    frequencies: Vec<i16>,
    /// Of a progressive JPEG: which frequencies are not 0, of every block.
    known: Vec<u64>,
}

impl Component {
    /// A component of which the frame's header says this. Nothing is kept as yet.
    pub(super) fn new(id: u8, sampling: [usize; 2], table: usize) -> Self {
        Self {
            id,
            sampling,
            table,
            blocks: [0; 2],
            prediction: 0,
            steps: [0.0; NOWHERE],
            cosine: Cosine::new(1),
            stride: 0,
            kept: [[0; 2]; 2],
            sides: [0; 2],
            square: [0.0; 4],
            pixels: Vec::new(),
            frequencies: Vec::new(),
            known: Vec::new(),
        }
    }

    /// Makes room for what shows `square` of a picture that has `sides`, `units` and the most blocks `most` in a unit.
    ///
    /// The size is the least that leaves [`HALFWAY`] pixels to the square, or all of them.
    pub(super) fn keep(&mut self, square: Crop, sides: [u32; 2], units: [usize; 2], most: [usize; 2], twice: bool) {
        let share = [0, 1].map(|it| self.sampling[it] as f64 / most[it] as f64);
        let least = f64::from(square.side) * share[0].min(share[1]);
        let size = [1, 2, 4].into_iter().find(|it| f64::from(HALFWAY) <= least * f64::from(*it) / 8.0).unwrap_or(8);
        self.cosine = Cosine::new(size as usize);
        let size = size as usize;
        let mut exact = [[0.0; 2]; 2];
        for way in 0..2 {
            let pixels = (sides[way] as usize * self.sampling[way]).div_ceil(most[way]);
            self.blocks[way] = pixels.div_ceil(BLOCK);
            let start = f64::from([square.left, square.top][way]) * share[way];
            let end = start + f64::from(square.side) * share[way];
            self.kept[0][way] = start as usize / BLOCK;
            self.kept[1][way] = (end.ceil() as usize).div_ceil(BLOCK).min(self.blocks[way]);
            let offset = self.kept[0][way] * size;
            self.sides[way] = (self.kept[1][way] * size).min((pixels * size).div_ceil(BLOCK)) - offset;
            let scale = size as f64 / BLOCK as f64;
            let from = start * scale - offset as f64;
            exact[0][way] = from;
            exact[1][way] = ((end - start) * scale).min(self.sides[way] as f64 - from);
        }
        self.square = [exact[0][0], exact[0][1], exact[1][0], exact[1][1]];
        self.stride = units[0] * self.sampling[0];
        self.pixels = vec![0; self.sides[0] * self.sides[1]];
        if twice {
            let kept = [0, 1].map(|way| self.kept[1][way] - self.kept[0][way]);
            self.frequencies = vec![0; kept[0] * kept[1] * size * size];
            self.known = vec![0; self.stride * units[1] * self.sampling[1]];
        }
    }

    /// Reads the lowest frequency of the next block.
    pub(super) fn lowest(&mut self, table: &Table, bits: &mut Bits) -> Result<i32, Fault> {
        let size = bits.symbol(table)?;
        if 15 < size {
            return Err(Fault::Corrupt);
        }
        self.prediction = self.prediction.wrapping_add(bits.value(u32::from(size)));
        Ok(self.prediction)
    }

    /// Whether a scan was about it.
    pub(super) fn begun(&self) -> bool {
        self.steps[0] != 0.0
    }

    /// Which of the blocks that are kept is at `at`, if it is.
    fn place(&self, at: [usize; 2]) -> Option<[usize; 2]> {
        let within = (0..2).all(|way| (self.kept[0][way]..self.kept[1][way]).contains(&at[way]));
        within.then(|| [at[0] - self.kept[0][0], at[1] - self.kept[0][1]])
    }

    /// Which frequencies of a block are not 0.
    pub(super) fn known(&mut self, at: [usize; 2]) -> &mut u64 {
        &mut self.known[at[1] * self.stride + at[0]]
    }

    /// Changes a frequency of a block, where it counts.
    pub(super) fn set(&mut self, at: [usize; 2], frequency: usize, change: impl FnOnce(&mut i16)) {
        let place = usize::from(self.cosine.places[frequency]);
        if let Some([x, y]) = self.place(at)
            && place != NOWHERE
        {
            let block = y * (self.kept[1][0] - self.kept[0][0]) + x;
            change(&mut self.frequencies[block * self.cosine.size * self.cosine.size + place]);
        }
    }

    /// Draws a block, where it counts. One that is `flat` has no frequency but the lowest.
    pub(super) fn draw(&mut self, at: [usize; 2], block: &Frequencies, flat: bool) {
        let Some([x, y]) = self.place(at) else { return };
        let size = self.cosine.size;
        let mut drawn = [0; NOWHERE];
        if flat {
            drawn = [rounded(block[0] / BLOCK as f32); NOWHERE];
        } else {
            self.cosine.pixels(block, &mut drawn);
        }
        let [wide, high] = self.sides;
        let rows = self.pixels.chunks_exact_mut(wide).skip(y * size).take(size.min(high - y * size));
        for (row, drawn) in rows.zip(drawn.chunks_exact(size)) {
            let end = wide.min((x + 1) * size);
            row[x * size..end].copy_from_slice(&drawn[..end - x * size]);
        }
    }

    /// Draws all blocks of a progressive JPEG.
    pub(super) fn draw_all(&mut self) {
        let frequencies = std::mem::take(&mut self.frequencies);
        self.known = Vec::new();
        let area = self.cosine.size * self.cosine.size;
        let mut steps = [0.0; NOWHERE + 1];
        for (place, step) in self.cosine.places.iter().zip(self.steps) {
            steps[usize::from(*place)] = step;
        }
        let across = self.kept[1][0] - self.kept[0][0];
        for (at, values) in frequencies.chunks_exact(area).enumerate() {
            let mut block = [0.0; NOWHERE + 1];
            for ((frequency, value), step) in block.iter_mut().zip(values).zip(steps) {
                *frequency = f32::from(*value) * step;
            }
            let flat = values[1..].iter().all(|it| *it == 0);
            self.draw([self.kept[0][0] + at % across, self.kept[0][1] + at / across], &block, flat);
        }
    }

    /// The pixels, and where in them the crop is.
    pub(super) fn plane(self) -> Plane {
        Plane { sides: self.sides.map(|it| it as u32), square: self.square, bytes: self.pixels }
    }
}
