//! Files that were cut or changed at every place: none of them may do any harm.

use super::{
    packed::{deflate, lzw},
    read,
    writer::{Form, Tiff},
};

/// Small files of many kinds.
fn files() -> Vec<Vec<u8>> {
    let pixels: Vec<u8> = (0..96).map(|it| (it * 37 % 256) as u8).collect();
    let rgb = |strip: &[u8]| Tiff::rgb(8, 4, strip).short(338, &[0]);
    let palette: Vec<u16> = (0..48).map(|it| it * 1_000).collect();
    let mut files: Vec<_> = Form::ALL.map(|it| rgb(&pixels).form(it).file()).to_vec();
    files.extend([
        rgb(&lzw(&pixels, false)).short(259, &[5]).short(317, &[2]).file(),
        rgb(&lzw(&pixels, true)).short(259, &[5]).file(),
        rgb(&deflate(&pixels)).short(259, &[8]).short(317, &[2]).file(),
        rgb(&[&[95][..], &pixels].concat()).short(259, &[32_773]).file(),
        rgb(&[]).strips(pixels.chunks(24).map(<[u8]>::to_vec).collect()).long(278, &[1]).file(),
        rgb(&[]).strips(pixels.chunks(32).map(<[u8]>::to_vec).collect()).short(284, &[2]).file(),
        Tiff::grey(8, 4, 8, &[]).tiles([4, 4], pixels.chunks(16).map(<[u8]>::to_vec).take(2).collect()).file(),
        Tiff::new([8, 4], 4, 1, 3, &pixels[..16]).short(320, &palette).file(),
        Tiff::new([8, 4], 8, 3, 6, &pixels[..48]).short(530, &[2, 2]).long(532, &[16, 235, 128, 240, 128, 240]).file(),
        Tiff::new([8, 4], 8, 3, 8, &pixels).file(),
        Tiff::grey(6, 4, 32, &pixels).short(339, &[3]).file(),
        Tiff::grey(8, 4, 12, &pixels[..48]).file(),
        Tiff::new([40, 4], 1, 1, 0, &[0x26, 0xd0, 0x35, 0x10, 0x00, 0x10, 0x01]).short(259, &[4]).file(),
        Tiff::new([40, 4], 1, 1, 0, &[0x00, 0x14, 0x9a, 0x00, 0x1a, 0x5b]).short(259, &[3]).long(292, &[1]).file(),
        rgb(&pixels).long(254, &[1]).then(rgb(&pixels)),
    ]);
    files
}

#[test]
fn a_cut_file_is_never_a_whole_picture_of_other_pixels() {
    for (number, file) in files().iter().enumerate() {
        let whole = read(file);
        for length in 0..file.len() {
            let cut = read(&file[..length]);
            assert!(cut.is_err() || cut == whole, "file {number} cut to {length}");
        }
    }
}

#[test]
fn a_changed_byte_does_no_harm() {
    for file in files() {
        for at in 0..file.len() {
            for change in [0xff, 0x01, 0x80, 0x10] {
                let mut changed = file.clone();
                changed[at] ^= change;
                // The caller looks at the sides before it asks for rows.
                let small = super::Page::open(&changed).is_ok_and(|it| it.sides().iter().all(|it| *it <= 10_000));
                if small {
                    let _ = read(&changed);
                }
            }
        }
    }
}
