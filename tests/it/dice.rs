//! Chance that can be had again.

/// Numbers that are the same for the same seed. Source: G. Marsaglia, "Xorshift RNGs", 2003.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}
