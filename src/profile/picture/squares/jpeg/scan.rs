//! The scans of a JPEG: from bits to the frequencies of its blocks, and to pixels as soon as a block is complete.

use super::{
    Component, Deadline, Fault, Frame,
    bits::{Bits, Table},
    cosine::{Frequencies, NOWHERE},
};

/// A scan: whose blocks it is about, and which part of them.
pub(super) struct Scan<'a> {
    /// Which components, and the tables for the lowest frequency and the others of each.
    pub(super) parts: Vec<(usize, [Option<&'a Table>; 2])>,
    /// The first and the last frequency.
    pub(super) frequencies: [usize; 2],
    /// Whether it adds a bit to what earlier scans have brought.
    pub(super) refines: bool,
    /// Bits that later scans bring.
    pub(super) low: u32,
    /// Units between two restart markers; 0 when there are none.
    pub(super) restart: usize,
}

impl Scan<'_> {
    /// Reads the scan from `data`, which begins behind its header; returns where the marker after it is.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupt`] unless every bit is there and makes sense, [`Fault::TooSlow`] when time is up.
    pub(super) fn read(&self, frame: &mut Frame, data: &[u8], until: Deadline) -> Result<usize, Fault> {
        let mut bits = Bits::new(data);
        let alone = self.parts.len() == 1;
        let [across, down] = if alone { frame.components[self.parts[0].0].blocks } else { frame.units };
        let (mut left, mut number) = (self.restart, 0);
        // Blocks to come that this scan leaves as they are.
        let mut idle = 0;
        frame.components.iter_mut().for_each(|it| it.prediction = 0);
        for y in 0..down {
            until.check()?;
            for x in 0..across {
                if self.restart != 0 && left == 0 {
                    self.pause(frame, &mut bits, number, idle)?;
                    (left, number) = (self.restart, (number + 1) % 8);
                }
                left = left.saturating_sub(1);
                for (component, tables) in &self.parts {
                    let component = &mut frame.components[*component];
                    let [wide, high] = if alone { [1; 2] } else { component.sampling };
                    for at in 0..wide * high {
                        let at = [x * wide + at % wide, y * high + at / wide];
                        self.block(component, *tables, &mut bits, at, &mut idle)?;
                    }
                }
                if !bits.honest() {
                    return Err(Fault::Corrupt);
                }
            }
        }
        if idle == 0 { bits.end() } else { Err(Fault::Corrupt) }
    }

    fn pause(&self, frame: &mut Frame, bits: &mut Bits, number: u8, idle: u32) -> Result<(), Fault> {
        frame.components.iter_mut().for_each(|it| it.prediction = 0);
        if idle == 0 { bits.restart(number) } else { Err(Fault::Corrupt) }
    }

    fn block(
        &self,
        component: &mut Component,
        [lowest, others]: [Option<&Table>; 2],
        bits: &mut Bits,
        at: [usize; 2],
        idle: &mut u32,
    ) -> Result<(), Fault> {
        match (lowest, others) {
            (Some(lowest), Some(others)) => whole(component, lowest, others, bits, at),
            (None, Some(others)) if self.refines => self.refine(component, others, bits, at, idle),
            (None, Some(others)) => self.others(component, others, bits, at, idle),
            (Some(lowest), None) => {
                let value = component.lowest(lowest, bits)? << self.low;
                component.set(at, 0, |it| *it = value as i16);
                Ok(())
            }
            (None, None) => {
                let bit = (bits.take(1) << self.low) as i16;
                component.set(at, 0, |it| *it |= bit);
                Ok(())
            }
        }
    }

    /// Reads the first bits of some frequencies of a block.
    fn others(
        &self,
        component: &mut Component,
        table: &Table,
        bits: &mut Bits,
        at: [usize; 2],
        idle: &mut u32,
    ) -> Result<(), Fault> {
        if *idle != 0 {
            *idle -= 1;
            return Ok(());
        }
        let [mut frequency, last] = self.frequencies;
        while frequency <= last {
            let (value, zeros) = match bits.short(table) {
                Some(short) => short,
                None => match bits.symbol(table)? {
                    0xf0 => (0, 15),
                    symbol if symbol & 15 == 0 => {
                        *idle = (1 << (symbol >> 4)) - 1 + bits.take(u32::from(symbol >> 4));
                        break;
                    }
                    symbol => (bits.value(u32::from(symbol & 15)), usize::from(symbol >> 4)),
                },
            };
            frequency += zeros;
            if last < frequency {
                return Err(Fault::Corrupt);
            }
            if value != 0 {
                *component.known(at) |= 1 << frequency;
                component.set(at, frequency, |it| *it = (value << self.low) as i16);
            }
            frequency += 1;
        }
        Ok(())
    }

    /// Reads one more bit of frequencies that are there, and the first of others.
    fn refine(
        &self,
        component: &mut Component,
        table: &Table,
        bits: &mut Bits,
        at: [usize; 2],
        idle: &mut u32,
    ) -> Result<(), Fault> {
        let [mut frequency, last] = self.frequencies;
        let unit = 1_i16 << self.low;
        while *idle == 0 && frequency <= last {
            let symbol = bits.symbol(table)?;
            let mut zeros = symbol >> 4;
            let value = match symbol & 15 {
                0 if zeros < 15 => {
                    *idle = (1 << zeros) + bits.take(u32::from(zeros));
                    break;
                }
                0 => 0,
                1 if bits.take(1) == 1 => unit,
                1 => -unit,
                _ => return Err(Fault::Corrupt),
            };
            while frequency <= last {
                if *component.known(at) >> frequency & 1 == 1 {
                    one_more_bit(component, bits, at, frequency, unit);
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                frequency += 1;
            }
            if value != 0 {
                if last < frequency {
                    return Err(Fault::Corrupt);
                }
                *component.known(at) |= 1 << frequency;
                component.set(at, frequency, |it| *it = value);
            }
            frequency += 1;
        }
        if *idle != 0 {
            *idle -= 1;
            let there = *component.known(at);
            for frequency in (frequency..=last).filter(|it| there >> it & 1 == 1) {
                one_more_bit(component, bits, at, frequency, unit);
            }
        }
        Ok(())
    }
}

fn one_more_bit(component: &mut Component, bits: &mut Bits, at: [usize; 2], frequency: usize, unit: i16) {
    if bits.take(1) == 1 {
        component.set(at, frequency, |it| {
            if *it & unit == 0 {
                *it = it.wrapping_add(unit * it.signum());
            }
        });
    }
}

/// Reads a block of a JPEG that has all of it in one place.
fn whole(
    component: &mut Component,
    lowest: &Table,
    others: &Table,
    bits: &mut Bits,
    at: [usize; 2],
) -> Result<(), Fault> {
    let value = component.lowest(lowest, bits)?;
    let mut block: Frequencies = [0.0; NOWHERE + 1];
    block[0] = value as f32 * component.steps[0];
    let mut flat = true;
    let mut frequency = 1;
    while frequency < NOWHERE {
        let (value, zeros) = match bits.short(others) {
            Some(short) => short,
            None => match bits.symbol(others)? {
                0 => break,
                0xf0 => (0, 15),
                symbol if symbol & 15 == 0 => return Err(Fault::Corrupt),
                symbol => (bits.value(u32::from(symbol & 15)), usize::from(symbol >> 4)),
            },
        };
        frequency += zeros;
        let step = *component.steps.get(frequency).ok_or(Fault::Corrupt)?;
        let place = usize::from(component.cosine.places[frequency]);
        block[place] = value as f32 * step;
        flat &= place == NOWHERE;
        frequency += 1;
    }
    component.draw(at, &block, flat);
    Ok(())
}
