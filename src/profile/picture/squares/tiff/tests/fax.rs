//! The codings of fax machines, bit by bit.

use super::{super::super::Fault, read, writer::Tiff};

/// The end of a line.
const END: &str = "000000000001";

/// Bytes of bits that are written as text, with spaces where they help.
fn bytes(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|it| *it != b' ').collect();
    let byte = |it: &[u8]| u8::from_str_radix(&format!("{:0<8}", String::from_utf8_lossy(it)), 2).unwrap();
    bits.chunks(8).map(byte).collect()
}

fn fax(packing: u16, width: u32, height: u32, bits: &str) -> Tiff {
    Tiff::new([width, height], 1, 1, 0, &bytes(bits)).short(259, &[packing])
}

/// Rows as text, `#` for black.
fn rows(found: Result<Vec<u8>, Fault>, width: usize) -> Result<Vec<String>, Fault> {
    let pixel = |it: &u8| if *it == 0 { '#' } else { '.' };
    found.map(|it| it.chunks(width).map(|row| row.iter().map(pixel).collect()).collect())
}

fn drawn(tiff: Tiff, width: usize) -> Vec<String> {
    rows(read(&tiff.file()), width).unwrap()
}

#[test]
fn rows_of_run_lengths_begin_with_a_byte_or_a_word() {
    // 2 white, 3 black, 5 white; then no white, 10 black.
    let [first, second] = ["0111 10 1100", "00110101 0000100"];
    let bytes = format!("{first} 000000 {second} 0");
    assert_eq!(drawn(fax(2, 10, 2, &bytes), 10), ["..###.....", "##########"]);
    let words = format!("{first} 000000 {second} 0");
    assert_eq!(drawn(fax(32_771, 10, 2, &words), 10), ["..###.....", "##########"]);
    assert_eq!(read(&fax(2, 10, 2, "0111 10 1100").file()), Err(Fault::Corrupt));
}

#[test]
fn long_runs_are_several_codes() {
    // 2560 + 64 + 1 white, 1 black.
    let row = "000000011111 11011 000111 010";
    let expected = format!("{}#", ".".repeat(2_625));
    assert_eq!(drawn(fax(2, 2_626, 1, row), 2_626), [expected]);
}

#[test]
fn group_3_has_ends_of_lines_and_bits_to_fill_them_up() {
    let [first, second] = ["0111 10 1100", "00110101 0000100"];
    let expected = ["..###.....", "##########"];
    assert_eq!(drawn(fax(3, 10, 2, &format!("{END} {first} {END} {second} {END}")), 10), expected);
    assert_eq!(drawn(fax(3, 10, 2, &format!("0000 {END} {first} 000000 {END} {second}")), 10), expected);
    // There are machines that leave them out.
    assert_eq!(drawn(fax(3, 10, 2, &format!("{first} {second}")), 10), expected);
}

#[test]
fn group_3_may_have_two_dimensions() {
    // The first row by itself; the second one pixel further, and its end as above.
    let bits = format!("{END} 1 0111 10 1100 {END} 0 011 1 1");
    assert_eq!(drawn(fax(3, 10, 2, &bits).long(292, &[1]), 10), ["..###.....", "...##....."]);
}

#[test]
fn a_row_of_group_3_with_a_bad_code_is_white_from_there() {
    let bits = format!("{END} 0111 10 000000001 10101 {END} 00110101 0000100");
    assert_eq!(drawn(fax(3, 10, 2, &bits), 10), ["..###.....", "##########"]);
    let short = format!("{END} 0111 10 {END} 00110101 0000100");
    assert_eq!(drawn(fax(3, 10, 2, &short), 10), ["..###.....", "##########"]);
}

#[test]
fn group_4_says_how_a_row_differs_from_the_one_above() {
    // 2 white, 3 black, and white to the end. Then one and two to the right; two and three to the left of that; all
    // passed over; and from white paper black from the very first pixel.
    let bits = "001 0111 10 1   011 000011 1   000010 0000010 1   0001 1   001 00110101 10 1";
    let expected = ["..###.....", "...####...", ".###......", "..........", "###......."];
    assert_eq!(drawn(fax(4, 10, 5, bits), 10), expected);
}

#[test]
fn a_change_above_at_the_first_pixel_counts_even_if_there_are_two() {
    // A row that begins with black of no length, as one machine writes it, and one that passes all of it over.
    let bits = "1   001 00110101 0000110111 001 0111 10 1   0001 0001 1";
    assert_eq!(drawn(fax(4, 10, 3, bits), 10), ["..........", "..###.....", ".........."]);
}

#[test]
fn rows_behind_the_end_that_is_said_are_white() {
    let group4 = format!("001 0111 10 1 {END} {END}");
    assert_eq!(drawn(fax(4, 10, 3, &group4), 10), ["..###.....", "..........", ".........."]);
    let group3 = format!("{END} 0111 10 1100 {}", END.repeat(6));
    assert_eq!(drawn(fax(3, 10, 3, &group3), 10), ["..###.....", "..........", ".........."]);
    // But not if there is nothing at all, or the end is not said.
    assert_eq!(read(&fax(4, 10, 3, &END.repeat(2)).file()), Err(Fault::Corrupt));
    assert_eq!(read(&fax(4, 10, 9, "001 0111 10 1").file()), Err(Fault::Corrupt));
    assert_eq!(read(&fax(3, 10, 3, &format!("{END} 0111 10 1100")).file()), Err(Fault::Corrupt));
}

#[test]
fn pixels_that_are_sent_as_they_are_are_unsupported() {
    assert_eq!(read(&fax(4, 10, 1, "0000001111 0101").file()), Err(Fault::Unsupported));
}

#[test]
fn the_first_bit_of_a_fax_is_often_the_lowest() {
    let turned: Vec<u8> = bytes("001 0111 10 1").iter().map(|it| it.reverse_bits()).collect();
    let tiff = fax(4, 10, 1, "").strips(vec![turned]).short(266, &[2]);
    assert_eq!(drawn(tiff, 10), ["..###....."]);
}

#[test]
fn a_row_has_no_more_changes_than_pixels_and_runs_of_nothing() {
    let nothing = "00110101 0000110111";
    let row = |times: usize| format!("{} 0111 10 1100", nothing.repeat(times));
    assert_eq!(drawn(fax(2, 10, 1, &row(10)), 10), ["..###....."]);
    assert_eq!(read(&fax(2, 10, 1, &row(11)).file()), Err(Fault::Corrupt));
    let row = |times: usize| format!("{} 001 0111 10 1", format!("001 {nothing}").repeat(times));
    assert_eq!(drawn(fax(4, 10, 1, &row(10)), 10), ["..###....."]);
    assert_eq!(read(&fax(4, 10, 1, &row(11)).file()), Err(Fault::Corrupt));
    // One to the left of a change above that is one to the right: below black of no length, that goes on for ever.
    let stuck = |times: usize| format!("001 000111 0000110111 1 {} 1 1", "010".repeat(times));
    assert_eq!(drawn(fax(4, 10, 2, &stuck(20)), 10), ["..........", ".#########"]);
    assert_eq!(read(&fax(4, 10, 2, &stuck(30)).file()), Err(Fault::Corrupt));
}

#[test]
fn a_fax_has_one_bit() {
    assert_eq!(read(&Tiff::rgb(1, 1, &[0; 3]).short(259, &[3]).file()), Err(Fault::Unsupported));
}
