//! How one reader writes dates and times. The words are English; the zone, the order of a date and the hours of a clock are
//! the reader's.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The regions in which English puts the month before the day.
///
/// Source: Unicode CLDR 48, the full dates of English.
const MONTH_FIRST: [&str; 10] = ["AS", "CA", "GU", "MH", "MP", "PH", "PR", "UM", "US", "VI"];

/// The regions in which a clock has twelve hours.
///
/// Source: Unicode CLDR 48, the hours that each region prefers.
const TWELVE_HOURS: [&str; 105] = [
    "AE", "AG", "AL", "AR", "AS", "AU", "BB", "BD", "BH", "BM", "BN", "BO", "BS", "BT", "CA", "CL", "CO", "CR", "CU",
    "CY", "DJ", "DM", "DO", "DZ", "EC", "EG", "EH", "ER", "ET", "FJ", "FM", "GD", "GH", "GM", "GR", "GT", "GU", "GY",
    "HK", "HN", "IN", "IQ", "JM", "JO", "KH", "KI", "KN", "KP", "KR", "KW", "KY", "LB", "LC", "LR", "LS", "LY", "MH",
    "MO", "MP", "MR", "MW", "MX", "MY", "NA", "NH", "NI", "NZ", "OM", "PA", "PE", "PG", "PH", "PK", "PR", "PS", "PW",
    "PY", "QA", "SA", "SB", "SD", "SG", "SL", "SO", "SS", "SV", "SY", "SZ", "TC", "TD", "TN", "TO", "TT", "TW", "UM",
    "US", "UY", "VC", "VE", "VG", "VI", "VU", "WS", "YE", "ZM",
];

/// How a reader writes dates and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    zone: TimeZone,
    is_month_first: bool,
    has_twelve_hours: bool,
}

impl Reader {
    /// A reader of whom nothing is known: `Monday, 23 November 2026, 08:14 UTC`.
    pub const UNKNOWN: Self = Self { zone: TimeZone::UTC, is_month_first: false, has_twelve_hours: false };

    /// A reader of whom nothing but the zone is known, if that, an IANA name. In UTC when it is not, or is no zone any more.
    pub fn new(zone: Option<&str>) -> Self {
        let zone = zone.and_then(|it| TimeZone::get(it).ok());
        zone.map_or(Self::UNKNOWN, |zone| Self { zone, ..Self::UNKNOWN })
    }

    /// A reader with what their profile says: `locale`, a tag of BCP 47, whose region decides, and `time_format`, as the
    /// profile keeps it, which counts for more. Both may be empty.
    pub fn of(zone: Option<&str>, locale: &str, time_format: &str) -> Self {
        let region = region(locale);
        let is_in = |regions: &[&str]| region.is_some_and(|it| regions.contains(&it));
        let has_twelve_hours = match time_format {
            "12_HOURS" => true,
            "24_HOURS" => false,
            _ => is_in(&TWELVE_HOURS),
        };
        Self { is_month_first: is_in(&MONTH_FIRST), has_twelve_hours, ..Self::new(zone) }
    }

    /// Spells a date out: `Monday, 23 November 2026`, or `Monday, November 23, 2026`.
    pub fn day(&self, date: Date) -> String {
        let form = if self.is_month_first { "%A, %B %-d, %Y" } else { "%A, %-d %B %Y" };
        date.strftime(form).to_string()
    }

    /// Spells an instant out as the reader's clock shows it: `Monday, 23 November 2026, 09:14 CET`.
    pub fn instant(&self, at: Timestamp) -> String {
        let Local { date, time, abbreviation } = self.local(at);
        format!("{}, {time} {abbreviation}", self.day(date))
    }

    /// Spells out from when to when something happened, saying what the two have in common once:
    /// `Monday, 23 November 2026, 09:14–11:02 CET`.
    pub fn span(&self, first: Timestamp, last: Timestamp) -> String {
        if first == last {
            return self.instant(first);
        }
        let (begin, end) = (self.local(first), self.local(last));
        let (date, before, after) = (begin.date, &begin.abbreviation, &end.abbreviation);
        if date != end.date {
            return format!("{} – {}", self.instant(first), self.instant(last));
        }
        let day = self.day(date);
        if before != after {
            return format!("{day}, {} {before}–{} {after}", begin.time, end.time);
        }
        if begin.time == end.time {
            return format!("{day}, {} {after}", end.time);
        }
        // Of two times before noon, or after it, the last one says so.
        let begin = match (begin.time.split_once(' '), end.time.split_once(' ')) {
            (Some((time, one)), Some((_, other))) if one == other => time,
            _ => &begin.time,
        };
        format!("{day}, {begin}–{} {after}", end.time)
    }

    /// Reads the reader's clock, whose zone's abbreviation may be only its offset, and then says against what: `UTC-03`,
    /// `UTC+05:45`.
    fn local(&self, at: Timestamp) -> Local {
        let form = if self.has_twelve_hours { "%-I:%M %p" } else { "%H:%M" };
        let at = at.to_zoned(self.zone.clone());
        let mut abbreviation = at.strftime("%Z").to_string();
        if abbreviation.starts_with(['+', '-']) {
            let offset = at.strftime("%:z").to_string();
            abbreviation = format!("UTC{}", offset.strip_suffix(":00").unwrap_or(&offset));
        }
        Local { date: at.date(), time: at.strftime(form).to_string(), abbreviation }
    }
}

/// What a reader's clock shows.
struct Local {
    date: Date,
    /// The time of day: `09:14`, or `9:14 AM`.
    time: String,
    /// The zone's abbreviation at that time: `CET`.
    abbreviation: String,
}

/// The region of a locale: two letters after the language, and the script where there is one.
fn region(locale: &str) -> Option<&str> {
    let mut parts = locale.split('-').skip(1).skip_while(|it| it.len() == 4);
    parts.next().filter(|it| it.len() == 2 && it.bytes().all(|it| it.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    #[test]
    fn instants_are_written_in_the_zone_they_are_read_in() {
        for (instant_utc, name, written) in [
            ("2026-11-23T08:14:00Z", "Europe/Berlin", "Monday, 23 November 2026, 09:14 CET"),
            ("2026-07-01T22:30:00Z", "Europe/Berlin", "Thursday, 2 July 2026, 00:30 CEST"),
            ("2026-11-23T08:14:00Z", "Asia/Kathmandu", "Monday, 23 November 2026, 13:59 UTC+05:45"),
            ("2026-11-23T01:14:00Z", "America/Sao_Paulo", "Sunday, 22 November 2026, 22:14 UTC-03"),
            ("2026-11-23T08:14:00Z", "UTC", "Monday, 23 November 2026, 08:14 UTC"),
        ] {
            assert_eq!(Reader::new(Some(name)).instant(at(instant_utc)), written);
        }
    }

    #[test]
    fn a_span_says_what_both_ends_share_once() {
        for (first, last, here, there) in [
            (
                "2026-11-23T08:14:00Z",
                "2026-11-23T08:14:40Z",
                "Monday, 23 November 2026, 09:14 CET",
                "Monday, November 23, 2026, 9:14 AM CET",
            ),
            (
                "2026-11-23T08:14:00Z",
                "2026-11-23T10:02:00Z",
                "Monday, 23 November 2026, 09:14–11:02 CET",
                "Monday, November 23, 2026, 9:14–11:02 AM CET",
            ),
            (
                "2026-11-23T08:14:00Z",
                "2026-11-23T11:02:00Z",
                "Monday, 23 November 2026, 09:14–12:02 CET",
                "Monday, November 23, 2026, 9:14 AM–12:02 PM CET",
            ),
            (
                "2026-10-25T00:14:00Z",
                "2026-10-25T10:02:00Z",
                "Sunday, 25 October 2026, 02:14 CEST–11:02 CET",
                "Sunday, October 25, 2026, 2:14 AM CEST–11:02 AM CET",
            ),
            (
                "2026-11-23T08:14:00Z",
                "2026-11-24T08:14:00Z",
                "Monday, 23 November 2026, 09:14 CET – Tuesday, 24 November 2026, 09:14 CET",
                "Monday, November 23, 2026, 9:14 AM CET – Tuesday, November 24, 2026, 9:14 AM CET",
            ),
        ] {
            let berlin = Some("Europe/Berlin");
            assert_eq!(Reader::new(berlin).span(at(first), at(last)), here);
            assert_eq!(Reader::of(berlin, "en-US", "").span(at(first), at(last)), there);
        }
    }

    #[test]
    fn the_region_decides_and_what_the_reader_says_of_times_counts_for_more() {
        let (day, month) = ("Monday, 23 November 2026, ", "Monday, November 23, 2026, ");
        for (locale, time_format, date, time) in [
            ("", "", day, "00:05 UTC"),
            ("en", "", day, "00:05 UTC"),
            ("de-DE", "", day, "00:05 UTC"),
            ("en-AU", "", day, "12:05 AM UTC"),
            ("en-US", "", month, "12:05 AM UTC"),
            ("es-419", "", day, "00:05 UTC"),
            ("zh-Hant-TW", "", day, "12:05 AM UTC"),
            ("en-US-u-hc-h23", "", month, "12:05 AM UTC"),
            ("en-US", "24_HOURS", month, "00:05 UTC"),
            ("de-DE", "12_HOURS", day, "12:05 AM UTC"),
        ] {
            let written = Reader::of(None, locale, time_format).instant(at("2026-11-23T00:05:00Z"));
            assert_eq!(written, format!("{date}{time}"), "{locale} {time_format}");
        }
    }
}
