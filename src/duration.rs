//! Durations in the language's notation: `90s`, `15m`, `1h`, `7d`.

/// Each unit's letter and its seconds, largest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// Returns the seconds of a duration such as `15m`, or `None` if `text` is not a duration or is too long.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let (unit, seconds) = UNITS.into_iter().find(|(letter, _)| text.ends_with(*letter))?;
    text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds)
}

/// A duration in its largest whole unit: 1800 seconds are `30m`.
#[must_use]
pub fn written(seconds: u64) -> String {
    let unit = UNITS.into_iter().find(|(_, size)| seconds > 0 && seconds.is_multiple_of(*size));
    let (letter, size) = unit.unwrap_or(('s', 1));
    format!("{}{letter}", seconds / size)
}

/// A duration in ISO 8601 notation: `PT1H`, `P14D`.
#[must_use]
pub fn iso(seconds: u64) -> String {
    if seconds > 0 && seconds.is_multiple_of(86_400) {
        return format!("P{}D", seconds / 86_400);
    }
    let parts = [(seconds / 3600, 'H'), (seconds % 3600 / 60, 'M'), (seconds % 60, 'S')];
    let written: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    format!("PT{written}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_in_its_largest_unit() {
        for (seconds, text) in
            [(0, "0s"), (1, "1s"), (90, "90s"), (900, "15m"), (7200, "2h"), (86_400, "1d"), (90_000, "25h")]
        {
            assert_eq!(written(seconds), text);
            assert_eq!(parse(text), Some(seconds));
        }
    }

    #[test]
    fn durations_are_iso_8601() {
        for (seconds, text) in [(300, "PT5M"), (5400, "PT1H30M"), (86_400, "P1D"), (90_000, "PT25H"), (45, "PT45S")] {
            assert_eq!(iso(seconds), text);
        }
    }

    #[test]
    fn text_that_is_not_a_duration_is_refused() {
        for text in ["", "m", "15", "15M", "-1s", "1.5h", "15 m", "99999999999999999999d", "18446744073709551615d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
