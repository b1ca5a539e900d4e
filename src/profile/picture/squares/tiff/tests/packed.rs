//! Ways of packing that keep bytes as they are, and what is done to samples before.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

use super::{
    super::super::Fault,
    read,
    writer::{Form, Tiff},
};

/// Packs with LZW as `old` programs do or as all others, with the table emptied when it is full.
pub(super) fn lzw(bytes: &[u8], old: bool) -> Vec<u8> {
    let mut bits = String::new();
    let (mut table, mut width, mut string): (Vec<Vec<u8>>, usize, Vec<u8>) = (Vec::new(), 9, Vec::new());
    let mut put = |code: usize, width: usize| {
        let code = format!("{code:0width$b}");
        if old { bits.extend(code.chars().rev()) } else { bits.push_str(&code) }
    };
    let code = |table: &[Vec<u8>], string: &[u8]| match string {
        [byte] => Some(usize::from(*byte)),
        _ => table.iter().position(|it| it == string).map(|it| it + 258),
    };
    put(256, 9);
    for byte in bytes {
        string.push(*byte);
        if code(&table, &string).is_none() {
            let known = &string[..string.len() - 1];
            put(code(&table, known).unwrap(), width);
            table.push(std::mem::replace(&mut string, vec![*byte]));
            let next = 258 + table.len();
            if next == (1 << width) + usize::from(old) {
                width += 1;
            }
            if next == 4094 {
                put(256, width);
                (table, width) = (Vec::new(), 9);
            }
        }
    }
    put(code(&table, &string).unwrap(), width);
    let byte = |it: &[u8]| {
        let mut digits = it.to_vec();
        digits.resize(8, b'0');
        if old {
            digits.reverse();
        }
        u8::from_str_radix(&String::from_utf8(digits).unwrap(), 2).unwrap()
    };
    bits.as_bytes().chunks(8).map(byte).collect()
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes in which strings recur, some of them over themselves, and some do not.
fn mixed() -> Vec<u8> {
    let noise = (0..9_000_u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 21) as u8);
    let runs = (0..9_000_u32).map(|it| (it / 700) as u8);
    let waves = (0..9_000_u32).map(|it| (it % 7 * 9) as u8);
    runs.chain(noise).chain(waves).collect()
}

fn of(packing: u16, packed: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    read(&Tiff::grey(100, length as u32 / 100, 8, packed).short(259, &[packing]).file())
}

#[test]
fn both_kinds_of_lzw_are_read() {
    for bytes in [mixed(), vec![7; 100], vec![0; 50_000], mixed()[..2_000].to_vec()] {
        for old in [false, true] {
            assert!(of(5, &lzw(&bytes, old), bytes.len()).as_deref() == Ok(&bytes), "{} old {old}", bytes.len());
        }
    }
}

#[test]
fn lzw_that_ends_early_or_names_what_is_not_there_is_damaged() {
    let packed = lzw(&mixed(), false);
    assert_eq!(of(5, &packed[..packed.len() - 9], 27_000), Err(Fault::Corrupt));
    // An end where pixels belong; a string before any; and one that comes two too early.
    for codes in [[256, 1, 257, 1], [256, 258, 1, 1], [256, 1, 259, 1]] {
        let bits: u64 = codes.iter().fold(0, |bits, it| bits << 9 | it);
        assert_eq!(of(5, &(bits << 28).to_be_bytes(), 100), Err(Fault::Corrupt));
    }
}

#[test]
fn deflate_is_read_under_both_its_numbers() {
    for packing in [8, 32_946] {
        assert!(of(packing, &deflate(&mixed()), 27_000).as_deref() == Ok(&mixed()));
    }
    let packed = deflate(&mixed());
    // The checksum says nothing about pixels that are there.
    assert!(of(8, &packed[..packed.len() - 4], 27_000).is_ok());
    assert_eq!(of(8, &packed[..packed.len() / 2], 27_000), Err(Fault::Corrupt));
    assert_eq!(of(8, &packed, 27_100), Err(Fault::Corrupt));
}

#[test]
fn zstandard_is_read() {
    // One frame of 100 bytes: a block that is one byte repeated, and it is the last.
    let packed = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 100, 0x23, 0x03, 0x00, 42];
    assert_eq!(of(50_000, &packed, 100).unwrap(), [42; 100]);
    assert_eq!(of(50_000, &packed[..8], 100), Err(Fault::Corrupt));
}

#[test]
fn pack_bits_are_runs_of_one_and_runs_of_many() {
    let packed = [&[128, 0xce, 5, 2, 1, 2, 3, 128, 0xd3, 9][..], &[0, 4]].concat();
    let expected = [&[5; 51][..], &[1, 2, 3], &[9; 46]].concat();
    assert_eq!(of(32_773, &packed, 100).unwrap(), expected);
    assert_eq!(of(32_773, &packed[..9], 100), Err(Fault::Corrupt));
    assert_eq!(of(32_773, &[99, 1, 2, 3], 100), Err(Fault::Corrupt));
    assert_eq!(of(32_773, &[128; 9_000], 100), Err(Fault::Corrupt));
}

#[test]
fn the_lowest_bit_may_be_the_first() {
    let turned = |bytes: &[u8]| bytes.iter().map(|it| it.reverse_bits()).collect::<Vec<_>>();
    for (packing, packed) in [(1, mixed()), (5, lzw(&mixed(), false)), (8, deflate(&mixed()))] {
        let file = Tiff::grey(100, 270, 8, &turned(&packed)).short(259, &[packing]).short(266, &[2]).file();
        assert!(read(&file).as_deref() == Ok(&mixed()), "{packing}");
    }
}

#[test]
fn differences_are_added_up() {
    for form in Form::ALL {
        for bytes in [1, 2, 4, 8] {
            for samples in [1, 2, 3, 4, 5] {
                // Two rows of four pixels, which end where they began: the sums run over.
                let most = u64::MAX >> (64 - 8 * bytes);
                let step = most / 3 + 1;
                let first = |sample: u64| sample * (most / 5);
                let row = (0..4).flat_map(|x| (0..samples).map(move |it| if x == 0 { first(it) } else { step }));
                let packed: Vec<u8> = row.clone().chain(row).flat_map(|it| form.number(it, bytes)).collect();
                let tiff = |predictor, strip: &[u8]| {
                    let extra = vec![0; samples as usize - 1];
                    let tiff = Tiff::new([4, 2], 8 * bytes as u64, samples, 1, &deflate(strip)).form(form);
                    tiff.short(259, &[8]).short(317, &[predictor]).short(338, &extra).file()
                };
                let sums = |it: u64| (0..4).map(move |x| first(it).wrapping_add(step.wrapping_mul(x)) & most);
                let row = (0..4).flat_map(|x| (0..samples).map(move |it| sums(it).nth(x).unwrap()));
                let plain: Vec<u8> = row.clone().chain(row).flat_map(|it| form.number(it, bytes)).collect();
                assert_eq!(read(&tiff(2, &packed)), read(&tiff(1, &plain)), "{form:?} {bytes} {samples}");
            }
        }
    }
}

#[test]
fn the_bytes_of_fractions_are_put_together() {
    for form in Form::ALL {
        let values = [0.0_f32, 0.25, 0.5, 1.0];
        let bytes = values.map(f32::to_be_bytes);
        let mut apart: Vec<u8> = (0..4).flat_map(|byte| bytes.map(|it| it[byte])).collect();
        for at in (1..16).rev() {
            apart[at] = apart[at].wrapping_sub(apart[at - 1]);
        }
        let file = Tiff::grey(4, 1, 32, &deflate(&apart)).form(form).short(259, &[8]).short(317, &[3]).short(339, &[3]);
        assert_eq!(read(&file.file()).unwrap(), [0, 64, 128, 255], "{form:?}");
    }
}

#[test]
fn a_predictor_that_cannot_be_undone_is_unsupported() {
    let tiff = |bits| Tiff::grey(8, 1, bits, &deflate(&[0; 64])).short(259, &[8]);
    assert_eq!(read(&tiff(4).short(317, &[2]).file()), Err(Fault::Unsupported));
    assert_eq!(read(&tiff(8).short(317, &[3]).file()), Err(Fault::Unsupported));
    assert_eq!(read(&tiff(8).short(317, &[9]).file()), Err(Fault::Unsupported));
    // Of a way of packing that has none, the tag is left over.
    assert_eq!(read(&Tiff::grey(8, 1, 8, &[1; 8]).short(317, &[2]).file()).unwrap(), [1; 8]);
}
