//! Times of events: microseconds since 1970, in UTC.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Reads a time as logs write it: ISO 8601 with `T` or a blank, with a zone or, without one, in UTC; or a day alone.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    // Longer texts are no times; what is cheap to refuse is refused before it is parsed.
    if text.len() > 40 || !text.starts_with(|c: char| c.is_ascii_digit()) || !text.contains('-') {
        return None;
    }
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
        // Splunk's exports name the zone.
        let text = text.strip_suffix(" UTC").unwrap_or(text);
        let civil = text.parse::<DateTime>().ok().or_else(|| Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0)))?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    timestamp.map(Timestamp::as_microsecond)
}

/// Whether a time lies within the years of the calendar.
#[must_use]
pub fn is_known(microseconds: i64) -> bool {
    Timestamp::from_microsecond(microseconds).is_ok()
}

/// A time as ISO 8601 with microseconds, `2026-11-20T08:30:00.500000Z`; empty beyond the years of the calendar.
#[must_use]
pub fn format(microseconds: i64) -> String {
    Timestamp::from_microsecond(microseconds).map_or_else(|_| String::new(), |t| format!("{t:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_from_1970() {
        assert_eq!(parse("1970-01-02"), Some(86_400_000_000));
        assert_eq!(parse("2024-02-29T00:00:01.5Z"), Some(1_709_164_801_500_000));
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn zones_count_and_none_is_utc() {
        let noon = parse("2026-03-19T12:00:00Z");
        for text in [
            "2026-03-19 12:00:00.000",
            "2026-03-19T12:00:00",
            "2026-03-19T12:00:00.0000000Z",
            "2026-03-19T14:00:00+02:00",
            "2026-03-19T07:00:00.000-0500",
            "2026-03-19 12:00:00Z",
            "2026-03-19 12:00:00.000 UTC",
        ] {
            assert_eq!(parse(text), noon, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for time in [0, 1, -1, 1_773_901_779_334_000] {
            assert_eq!(parse(&format(time)), Some(time));
        }
        assert_eq!(format(1_773_901_779_334_000), "2026-03-19T06:29:39.334000Z");
        assert_eq!(format(i64::MAX), "");
    }
}
