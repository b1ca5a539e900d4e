//! What something costs at several sizes, how fast that grows, and how it is shown.

use std::fmt::Write;

/// The exponent of a cost for a unit above which it grows. Source: the promise that what all of it costs grows with the work,
/// with an exponent of 1.05 at most.
const EXPONENT_MAX: f64 = 0.05;

/// The picture, in pixels, and what is left free around what it shows.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 56.0;

/// What a unit costs at one size.
#[derive(Clone, Copy)]
pub struct Point {
    /// How many there are of what grows.
    pub size: i64,
    /// Pages of 8 KiB that the database has looked at, for a unit.
    pub pages: f64,
    /// Microseconds that it has worked, for a unit.
    pub worked: f64,
    /// Microseconds until it was there, for a unit.
    pub took: f64,
    /// Seconds until there were as many.
    pub filled: f64,
}

/// What a unit costs at several sizes.
pub struct Curve {
    pub name: &'static str,
    pub unit: &'static str,
    pub points: Vec<Point>,
}

impl Curve {
    /// The exponent by which the pages of a unit grow with the size: least squares on logarithms.
    pub fn exponent(&self) -> f64 {
        self.fit(|it| it.pages)
    }

    /// Whether a unit costs more where there are many. Then more pages are looked at, and the database works for longer: pages
    /// alone grow with the levels of indexes, which few pages hold; time alone grows where memory does not hold what is read.
    pub fn grows(&self) -> bool {
        EXPONENT_MAX < self.exponent() && EXPONENT_MAX < self.fit(|it| it.worked)
    }

    fn fit(&self, cost: fn(&Point) -> f64) -> f64 {
        slope(&self.points.iter().map(|it| (it.size as f64, cost(it))).collect::<Vec<_>>())
    }

    /// A table in Markdown.
    pub fn table(&self) -> String {
        let mut table = format!(
            "## {}\n\nFor {}, the pages grow with an exponent of {:.3}, the database's time with one of {:.3}.\n\n\
            | size | pages | database µs | µs until it was there | filled in s |\n|---:|---:|---:|---:|---:|\n",
            self.name,
            self.unit,
            self.exponent(),
            self.fit(|it| it.worked)
        );
        for Point { size, pages, worked, took, filled } in &self.points {
            writeln!(table, "| {size} | {pages:.1} | {worked:.0} | {took:.0} | {filled:.0} |").unwrap();
        }
        table
    }

    /// A picture: pages for a unit over sizes, both by their logarithms, ten times from line to line.
    pub fn picture(&self) -> String {
        let decades = |of: fn(&Point) -> f64| {
            let logs = self.points.iter().map(|it| of(it).max(1.0).log10());
            let (low, high) = logs.fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(it), high.max(it)));
            (low.floor(), high.ceil().max(low.floor() + 1.0))
        };
        let (sizes, pages) = (decades(|it| it.size as f64), decades(|it| it.pages));
        let x = |size: f64| MARGIN + (size.log10() - sizes.0) / (sizes.1 - sizes.0) * (WIDTH - 2.0 * MARGIN);
        let y = |cost: f64| {
            HEIGHT - MARGIN - (cost.max(1.0).log10() - pages.0) / (pages.1 - pages.0) * (HEIGHT - 2.0 * MARGIN)
        };
        let (left, right, top, bottom) = (MARGIN, WIDTH - MARGIN, MARGIN, HEIGHT - MARGIN);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
            font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
            <text x=\"{left}\" y=\"20\" font-size=\"13\">{}: pages for {}, exponent {:.3}</text>\n",
            self.name,
            self.unit,
            self.exponent()
        );
        for decade in decades_of(sizes) {
            let at = x(10_f64.powi(decade));
            line(&mut svg, &format!("M{at:.1} {top}V{bottom}"), "#ddd");
            text(&mut svg, (at, bottom + 16.0), "middle", &format!("10^{decade}"));
        }
        for decade in decades_of(pages) {
            let at = y(10_f64.powi(decade));
            line(&mut svg, &format!("M{left} {at:.1}H{right}"), "#ddd");
            text(&mut svg, (left - 6.0, at), "end", &format!("10^{decade}"));
        }
        let path: Vec<_> =
            self.points.iter().map(|it| format!("{:.1} {:.1}", x(it.size as f64), y(it.pages))).collect();
        line(&mut svg, &format!("M{}", path.join("L")), "#06c");
        for it in &self.points {
            let at = (x(it.size as f64), y(it.pages));
            writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#06c\"/>", at.0, at.1).unwrap();
            text(&mut svg, (at.0, at.1 - 8.0), "middle", &format!("{:.1}", it.pages));
        }
        svg + "</svg>\n"
    }
}

/// Draws a line in `colour`.
fn line(svg: &mut String, path: &str, colour: &str) {
    writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\"/>").unwrap();
}

/// Writes a word, whose `anchor` is at a point.
fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, word: &str) {
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{word}</text>").unwrap();
}

/// The powers of ten from one to another.
fn decades_of((from, to): (f64, f64)) -> impl Iterator<Item = i32> {
    (0..=12).filter(move |it| from <= f64::from(*it) && f64::from(*it) <= to)
}

/// How steeply the logarithm of what comes second grows with that of what comes first; 0 for a single point.
fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let middle = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (middle(|it| it.0), middle(|it| it.1));
    let along: f64 = logs.iter().map(|it| (it.0 - x) * (it.1 - y)).sum();
    let across: f64 = logs.iter().map(|it| (it.0 - x).powi(2)).sum();
    if across > 0.0 { along / across } else { 0.0 }
}

#[test]
fn an_exponent_is_that_of_the_law_that_the_points_follow() {
    let points = |of: fn(f64) -> f64| [1e3, 1e4, 1e5, 1e6].map(|it| (it, of(it)));
    for (points, exponent) in
        [(points(|_| 7.0), 0.0), (points(|it| 3.0 * it), 1.0), (points(|it| 2.0 * it.sqrt()), 0.5)]
    {
        assert!((slope(&points) - exponent).abs() < 1e-9, "{points:?}");
    }
    // One more step for each ten times as many, from three on, as in a tree, is no growth.
    assert!(slope(&[(1e4, 12.0), (1e5, 13.0), (1e6, 13.0), (1e7, 14.0)]) < EXPONENT_MAX);
    // A walk along what waits is.
    assert!(slope(&[(1e4, 12.0), (1e5, 14.0), (1e6, 19.0), (1e7, 60.0)]) > EXPONENT_MAX);
    assert_eq!(slope(&[(1e4, 12.0)]), 0.0);
}
