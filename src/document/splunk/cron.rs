//! When a scheduled search runs: cron has no seven minutes.

/// Frequencies that cron tells evenly, in seconds.
const EVEN: [u64; 20] = [
    60,
    2 * 60,
    3 * 60,
    4 * 60,
    5 * 60,
    6 * 60,
    10 * 60,
    12 * 60,
    15 * 60,
    20 * 60,
    30 * 60,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    8 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
];
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// The next frequency that cron has and that is no less often; a minute at least.
#[must_use]
pub fn even(seconds: u64) -> u64 {
    EVEN.into_iter().rfind(|even| *even <= seconds).unwrap_or(60)
}

/// Runs of a frequency that [`even`] gave. Searches of one frequency do not all begin at the same minute: `id` says when
/// this one does, always the same.
#[must_use]
pub fn schedule(every: u64, id: &str) -> String {
    let first: u64 = id.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let minute = first % (every / 60).clamp(1, 60);
    // By night, where a run reads much.
    let hour = first / 60 % (every / HOUR).clamp(1, 6);
    match every {
        60 => "* * * * *".to_owned(),
        DAY => format!("{minute} {hour} * * *"),
        week if week > DAY => format!("{minute} {hour} * * {}", first / 360 % 7),
        HOUR => format!("{minute} * * * *"),
        hours if hours > HOUR => format!("{minute} {hour}-23/{} * * *", hours / HOUR),
        minutes => format!("{minute}-59/{} * * * *", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The runs of a week, in minutes, by cron's own rules.
    fn runs(cron: &str) -> Vec<u64> {
        let fields: Vec<&str> = cron.split(' ').collect();
        assert_eq!(fields.len(), 5, "{cron}");
        let values = |field: &str, most: u64| -> Vec<u64> {
            let (range, step) = field.split_once('/').unwrap_or((field, "1"));
            let (from, to) = match range.split_once('-') {
                Some((from, to)) => (from.parse().expect(cron), to.parse().expect(cron)),
                None if range == "*" => (0, most),
                None => (range.parse().expect(cron), range.parse().expect(cron)),
            };
            assert!(from <= to && to <= most, "{cron}");
            (from..=to).step_by(step.parse().expect(cron)).collect()
        };
        let (minutes, hours, days) = (values(fields[0], 59), values(fields[1], 23), values(fields[4], 6));
        let all = days.iter().flat_map(|d| hours.iter().map(move |h| d * 1440 + h * 60));
        all.flat_map(|start| minutes.iter().map(move |m| start + m)).collect()
    }

    #[test]
    fn every_run_follows_the_one_before_it_after_the_frequency() {
        for every in EVEN {
            let mut starts = BTreeSet::new();
            for id in 0..200 {
                let runs = runs(&schedule(every, &format!("{id:08}-0000-4000-8000-000000000000")));
                assert_eq!(runs.len() as u64, 7 * DAY / every, "{every}");
                assert!(runs.windows(2).all(|pair| pair[1] - pair[0] == every / 60), "{every}: {runs:?}");
                starts.insert(runs[0]);
            }
            let most = usize::try_from(every / 60).expect("a number").min(30);
            assert!(starts.len() >= most, "{every}: runs begin at {starts:?} alone");
        }
    }

    #[test]
    fn a_frequency_that_cron_lacks_is_the_next_more_frequent_one() {
        let wanted = [(0, 60), (90, 60), (7 * 60, 6 * 60), (3600, 3600), (5 * HOUR, 4 * HOUR), (9 * DAY, 7 * DAY)];
        for (seconds, is) in wanted {
            assert_eq!(even(seconds), is, "{seconds}");
        }
    }
}
