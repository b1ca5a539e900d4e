//! Puts names and figures into English, for every letter alike.
//!
//! What people type comes through [`clean`] and what they link to through [`link`]; nothing else
//! that a stranger chose reaches a subject line or an address a reader may click.

/// Bytes of an address that is still made into a link, as it stands in HTML.
///
/// Addresses in use stay below about 2,000; one that is longer would fill the letter by itself.
const LINK_BYTES_MAX: usize = 2_000;

/// Bytes that escaping adds to an ampersand, which is the longest it adds.
const ESCAPE_BYTES_MAX: usize = 4;

/// Opens a run of text whose direction is its own.
const ISOLATE: char = '\u{2068}';

/// Ends what [`ISOLATE`] began.
const ISOLATE_END: char = '\u{2069}';

/// Makes one line of `text`: white space and control characters become single spaces, what would
/// turn the direction of the text around it is dropped, and at most `chars_max` characters are
/// kept, the last of them an ellipsis where something was cut off.
pub fn clean(text: &str, chars_max: usize) -> String {
    if text.len() <= chars_max && is_plain_line(text.as_bytes()) {
        return text.to_owned();
    }
    let kept = text.chars().filter(|it| !turns(*it)).map(|it| match it {
        it if it.is_whitespace() || it.is_control() => ' ',
        it => it,
    });
    let mut line = String::new();
    let mut chars = 0;
    for it in kept {
        if it == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        line.push(it);
        chars += 1;
        // One more than allowed, and a space that may yet be trimmed: enough to know.
        if chars > chars_max + 1 {
            break;
        }
    }
    line.truncate(line.trim_end().len());
    clipped(line, chars_max)
}

/// Tells whether there is nothing to clean: most names are ASCII, their words parted by single spaces.
fn is_plain_line(text: &[u8]) -> bool {
    let mut before = b' ';
    for &byte in text {
        if !(byte.is_ascii_graphic() || byte == b' ' && before != b' ') {
            return false;
        }
        before = byte;
    }
    text.is_empty() || before != b' '
}

/// Cuts `line` to `chars_max` characters, the last of them an ellipsis where something was cut
/// off, and leaves no joiner behind that would reach for what is gone.
pub fn clipped(mut line: String, chars_max: usize) -> String {
    if line.chars().count() <= chars_max {
        return line;
    }
    let end = line.char_indices().nth(chars_max.saturating_sub(1)).map_or(0, |(at, _)| at);
    line.truncate(end);
    line.truncate(line.trim_end_matches(['\u{200d}', ' ']).len());
    line.push('…');
    line
}

/// Tells whether `it` changes the direction of the text that follows it, or is a mark of byte
/// order astray.
fn turns(it: char) -> bool {
    matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Returns `name` so that it can stand in an English sentence of plain text: one that is written
/// from right to left is isolated, so that the words around it keep their order.
pub fn isolated(name: &str) -> String {
    if name.chars().any(runs_left) { format!("{ISOLATE}{name}{ISOLATE_END}") } else { name.into() }
}

/// Tells whether `it` is of a script that is written from right to left.
///
/// Source: The Unicode Standard, the ranges whose default bidirectional class is R or AL.
fn runs_left(it: char) -> bool {
    matches!(it,
        '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Returns `url` if a letter may link to it: `http` or `https`, without white space, and not
/// longer than an address is.
pub fn link(url: &str) -> Option<&str> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url.bytes().all(|it| it.is_ascii_graphic())
        || !url.chars().any(|it| it.is_whitespace() || it.is_control() || turns(it));
    let escapes = url.bytes().filter(|it| b"&<>\"'".contains(it)).count();
    let bytes = url.len() + escapes * ESCAPE_BYTES_MAX;
    (is_web && is_plain && bytes <= LINK_BYTES_MAX).then_some(url)
}

/// Returns how many of `count` things to show where `cap` are allowed.
///
/// The last one takes the place of "and 1 more", which would be no shorter.
pub fn shown(count: usize, cap: usize) -> usize {
    if count <= cap + 1 { count } else { cap }
}

/// Writes `count` with its thousands apart: `1,000`.
pub fn figure(count: u64) -> String {
    let digits = count.to_string();
    let mut figure = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            figure.push(',');
        }
        figure.push(digit);
    }
    figure
}

/// Counts: `1 update`, `1,000 updates`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", figure(count), if count == 1 { one } else { many })
}

/// Joins `items` as English does: `a`, `a and b`, `a, b and c`.
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests;
