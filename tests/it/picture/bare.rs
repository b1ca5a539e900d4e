//! What is kept of a picture has pixels and nothing else: no metadata, no comment, nothing after the end.

use squares::{Cut, cut};

use super::corpus::{samples, with_each};

/// Segments of a JPEG before its data: JFIF's header, tables, the frame, the restart interval, the scan.
const SEGMENTS: [u8; 7] = [0xe0, 0xdb, 0xc0, 0xc2, 0xc4, 0xdd, 0xda];

/// Bytes of JFIF's header without a thumbnail, its length among them.
const JFIF_BYTES: usize = 16;

/// Chunks of a PNG that pixels are made of, and the one that says they are sRGB.
const CHUNKS: [&[u8; 4]; 6] = [b"IHDR", b"PLTE", b"tRNS", b"sRGB", b"IDAT", b"IEND"];

/// What a file carries that is no picture: both a script and an archive would run or open if they were still there.
const PAYLOAD: &[u8] = b"<html><script>alert('payload')</script></html>PK\x03\x04\x14\0payload";

/// Asserts that every square of `cut` has nothing but pixels.
pub fn assert_bare(name: &str, cut: &Cut) {
    for square in &cut.squares {
        match cut.content_type {
            "image/jpeg" => assert_bare_jpeg(name, &square.bytes),
            "image/png" => assert_bare_png(name, &square.bytes),
            other => panic!("{name} is kept as {other}"),
        }
    }
}

fn assert_bare_jpeg(name: &str, file: &[u8]) {
    assert!(file.starts_with(b"\xff\xd8"), "{name}");
    let mut at = 2;
    while at < file.len() {
        assert_eq!(file[at], 0xff, "{name}");
        let marker = file[at + 1];
        if marker == 0xd9 {
            assert_eq!(at + 2, file.len(), "{name} has something after its end");
            return;
        }
        assert!(SEGMENTS.contains(&marker), "{name} has a segment {marker:02x}");
        let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        assert!(marker != 0xe0 || length == JFIF_BYTES, "{name} has a header of {length} bytes");
        at += 2 + length;
        if marker == 0xda {
            // The data goes on to the next marker that is neither a stuffed byte nor a restart.
            let ends = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7);
            at += file[at..].windows(2).position(ends).unwrap();
        }
    }
    panic!("{name} has no end");
}

fn assert_bare_png(name: &str, file: &[u8]) {
    let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n").unwrap();
    while let Some(length) = rest.first_chunk() {
        let kind = &rest[4..8];
        assert!(CHUNKS.iter().any(|it| &it[..] == kind), "{name} has a chunk {}", kind.escape_ascii());
        rest = &rest[12 + u32::from_be_bytes(*length) as usize..];
        assert!(kind != b"IEND" || rest.is_empty(), "{name} has something after its end");
    }
    assert!(rest.is_empty(), "{name} has something after its end");
}

#[test]
fn what_hides_behind_a_picture_or_beside_it_is_gone() {
    // One of a format, and those that carry a comment.
    let chosen = ["pillow-rgb.bmp", "pillow-comment.gif", "pillow-comment.jpg", "pillow-text.png", "pillow-lossy.webp"];
    let others = ["pillow-rgb-raw.tif", "pillow-turned-6.jpg", "pillow-turned-6.png", "pillow-profile-srgb.jpg"];
    let names: Vec<_> = chosen.iter().chain(&others).map(|it| format!("made/{it}")).collect();
    let found: Vec<_> = samples().iter().filter(|it| names.contains(&it.name)).collect();
    assert_eq!(found.len(), names.len());
    with_each(&found, |it| {
        let polyglot = [&it.bytes[..], PAYLOAD].concat();
        let (plain, polyglot) = (cut(&it.bytes, None).unwrap(), cut(&polyglot, None).unwrap());
        assert_bare(&it.name, &plain);
        assert_eq!(plain, polyglot, "{}", it.name);
    });
}
