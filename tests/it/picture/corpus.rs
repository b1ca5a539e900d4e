//! Pictures that no code of ours made: what Pillow takes of them is taken here, and looks as Pillow shows it.
//!
//! `bin/dev/setup corpus` fetches those that come with libpng, libtiff and Pillow, and programs that write the same
//! scene in every kind of file. `tests/pictures/corpus.py` has them written and rendered. `PICTURES_FULL=1` takes all
//! that others made, and else a part of it is taken.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use image::{Rgba, RgbaImage, load_from_memory};
use serde_json::Value;
use squares::{Cut, Fault, cut};

use super::bare::assert_bare;

/// The side of the square that is compared, in pixels.
const SIDE: u32 = 128;

/// How far a square may be from Pillow's on average, in levels of 255: what a JPEG of our quality costs a picture of few
/// and hard colours, or noise. One that is turned wrongly, or whose colours are, is further than 20.
const ERROR_MAX: f64 = 7.0;

/// Of how many files of a kind one is taken where minutes matter.
const SHARE: usize = 16;

/// Of how many of the files that are made here one is tried where minutes matter: each takes a quarter of a second in a
/// build for tests.
const MADE_SHARE: usize = 4;

/// What Pillow takes and we do not, and why. The file's name stands after the folder that it is from.
const REFUSED: [(&str, Fault, &str); 5] = [
    ("made/pillow-rgb-lzma.tif", Fault::Unsupported, LZMA),
    ("pillow-images/hopper_lzma.tif", Fault::Unsupported, LZMA),
    ("libpng1.6-testpngs-crashers/badcrc.png", Fault::Corrupt, "the checksum of its pixels is wrong"),
    ("libpng1.6-testpngs-crashers/huge_IDAT.png", Fault::Corrupt, "its pixels are said to go on beyond the file"),
    ("pillow-images/hopper_bad_exif.jpg", Fault::Corrupt, "its data is damaged: Pillow shows stripes"),
];

const LZMA: &str = "hardly a program but libtiff itself reads or writes LZMA in TIFF";

/// What is shown otherwise than by Pillow, on purpose, and why.
const OTHERWISE: [(&str, &str); 9] = [
    ("libpng1.6-pngsuite/basn0g01.png", BEFORE),
    ("libpng1.6-pngsuite/basn0g02.png", BEFORE),
    ("libpng1.6-pngsuite/basn3p01.png", BEFORE),
    ("libpng1.6-pngsuite/basn3p02.png", BEFORE),
    ("pillow-images/app13.jpg", "of its sixteen pixels, four share a colour, and it is made large in another way"),
    ("pillow-images-bmp-b/badrle.bmp", "its runs lead out of its rows, and every program ends them elsewhere"),
    ("pillow-images-bmp-g/pal4rle.bmp", FOUR_BITS),
    ("pillow-images-bmp-q/pal4rletrns.bmp", FOUR_BITS),
    ("pillow-images/rgb32bf-abgr.bmp", "all of it lets everything through, which nobody means: it is shown as opaque"),
];

/// Why these few pixels differ: hard edges between black and white, made four times as large.
const BEFORE: &str = "its gamma is 1, and it is made large before it becomes sRGB";

const FOUR_BITS: &str = "Pillow takes runs of four bits for something else; ours is as its makers show it";

pub fn full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "how long these tests run is not a setting of a program")]
    std::env::var("PICTURES_FULL").is_ok()
}

/// A file of the corpus.
pub struct Sample {
    /// Where it is from, and what it is called there.
    pub name: String,
    pub bytes: Vec<u8>,
    /// Where the data of its only picture lies.
    pub data: Option<[usize; 2]>,
    /// Why Pillow does not take it.
    fault: Option<String>,
    /// What Pillow shows of it.
    rendering: Option<Vec<u8>>,
}

impl Sample {
    fn read(line: &str) -> Self {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| line[field].as_str().map(ToOwned::to_owned);
        let path = PathBuf::from(text("path").unwrap());
        let place = |at: usize| usize::try_from(line["data"][at].as_u64().unwrap()).unwrap();
        Self {
            name: format!("{}/{}", text("from").unwrap(), path.file_name().unwrap().to_str().unwrap()),
            bytes: std::fs::read(&path).unwrap(),
            data: line["data"].is_array().then(|| [place(0), place(1)]),
            fault: text("fault"),
            rendering: text("rendering").map(|it| std::fs::read(it).unwrap()),
        }
    }

    /// Whether the scripts here made it.
    pub fn is_made(&self) -> bool {
        self.name.starts_with("made/")
    }
}

/// All of them; made once in a run.
pub fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pictures-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let python = root.join(".dev/tools/venv/bin/python");
        assert!(root.join(".dev/corpus").exists(), "there are no pictures: run bin/dev/setup corpus");
        let mut script = Command::new(python);
        script.arg("-B").arg(root.join("tests/pictures/corpus.py")).arg(&folder).arg(root.join(".dev/corpus"));
        let output = script.arg(if full() { 1 } else { SHARE }.to_string()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = std::fs::read_to_string(folder.join("corpus.jsonl")).unwrap();
        let samples = lines.lines().map(Sample::read).collect();
        std::fs::remove_dir_all(folder).unwrap();
        samples
    })
}

/// Those that are tried: all, or as many as there is time for.
pub fn tried() -> Vec<&'static Sample> {
    let mut made = 0;
    let chosen = |it: &&Sample| {
        made += usize::from(it.is_made());
        full() || !it.is_made() || made % MADE_SHARE == 0
    };
    samples().iter().filter(chosen).collect()
}

/// Does the same with each on all cores, and returns what came of it, in their order.
pub fn with_each<T: Sync, U: Send>(all: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, U)> = thread::scope(|scope| {
        let turns = || {
            let turn = || {
                let at = next.fetch_add(1, Ordering::Relaxed);
                Some((at, work(all.get(at)?)))
            };
            std::iter::from_fn(turn).collect::<Vec<_>>()
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(turns)).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, it)| it).collect()
}

/// How far the square is from `rendering`, on average over pixels and channels.
fn error(cut: &Cut, rendering: &[u8]) -> f64 {
    let square = cut.squares.iter().find(|it| it.side == SIDE).unwrap();
    let square = over_magenta(load_from_memory(&square.bytes).unwrap().into_rgba8());
    assert_eq!(square.len(), rendering.len());
    let apart: u64 = square.iter().zip(rendering).map(|(ours, theirs)| u64::from(ours.abs_diff(*theirs))).sum();
    apart as f64 / rendering.len() as f64
}

fn over_magenta(square: RgbaImage) -> Vec<u8> {
    let laid = |Rgba([red, green, blue, alpha]): &Rgba<u8>| {
        [(*red, 255_u8), (*green, 0), (*blue, 255)].map(|(colour, ground)| {
            let alpha = u32::from(*alpha);
            ((u32::from(colour) * alpha + u32::from(ground) * (255 - alpha) + 127) / 255) as u8
        })
    };
    square.pixels().flat_map(laid).collect()
}

#[test]
fn what_others_write_is_taken_upright_and_undistorted() {
    let samples = tried();
    let refused = |name: &str| REFUSED.iter().find(|(it, ..)| *it == name);
    let judged = with_each(&samples, |it| {
        // Nobody has to take what Pillow does not, unless it was made here to be taken.
        let must = it.fault.is_none() || it.is_made();
        match (cut(&it.bytes, None), refused(&it.name)) {
            (Ok(_), Some(_)) => Err(format!("{} is taken, and not as listed", it.name)),
            (Ok(cut), None) => {
                assert_bare(&it.name, &cut);
                let error = it.rendering.as_ref().map_or(0.0, |rendering| error(&cut, rendering));
                let otherwise = OTHERWISE.iter().any(|(name, _)| *name == it.name);
                // What is listed must need it.
                if (error <= ERROR_MAX) != otherwise {
                    Ok(Some(error))
                } else {
                    Err(format!("{} is {error:.1} off", it.name))
                }
            }
            (Err(fault), Some((_, listed, _))) if fault == *listed => Ok(None),
            (Err(fault), _) if must => Err(format!("{} is refused: {fault:?}", it.name)),
            (Err(_), _) => Ok(None),
        }
    });
    let mut errors: Vec<f64> = judged.iter().flatten().flatten().copied().collect();
    errors.sort_by(f64::total_cmp);
    let theirs = samples.iter().filter(|it| it.fault.is_none()).count();
    println!(
        "{} files, {theirs} by Pillow, {} by us; median error {:.2}",
        samples.len(),
        errors.len(),
        errors[errors.len() / 2]
    );
    let wrong: Vec<_> = judged.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), samples.len());
}
