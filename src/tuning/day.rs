//! The day, and what is past it. No clock is asked: the same sources and the same command say the same.

use crate::diagnostic::{Code, Diagnostic};
use crate::git::Git;
use crate::project::Loaded;
use crate::sema::Rule;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The day that findings count from, as `YYYY-MM-DD`: the one that was asked for, else that of `SOURCE_DATE_EPOCH`, else that of
/// the last commit around the project. `None`: there is none, or nothing of the project has a day.
///
/// # Errors
/// `SOURCE_DATE_EPOCH` is set to something else than seconds since 1970.
pub fn today(asked: Option<&str>, loaded: &Loaded) -> Result<Option<String>, String> {
    if let Some(day) = asked {
        return Ok(Some(day.to_owned()));
    }
    let of_rule = |rule: &Rule| {
        let exceptions = rule.exceptions.iter().any(|e| e.until.is_some());
        exceptions || rule.disabled.as_ref().is_some_and(|d| d.until.is_some())
    };
    if !loaded.rules().any(of_rule) {
        return Ok(None);
    }
    if let Some(seconds) = std::env::var_os("SOURCE_DATE_EPOCH") {
        let day = seconds.to_str().and_then(of_seconds);
        let why = || "SOURCE_DATE_EPOCH must be a number of seconds since 1970; unset it, or pass `--today`".to_owned();
        return day.map(Some).ok_or_else(why);
    }
    let commit = loaded.root.as_deref().map(|root| Git::around(root).line(&["cat-file", "commit", "HEAD"]));
    Ok(commit.and_then(Result::ok).and_then(|commit| committed(&commit)))
}

/// The day of a commit: its committer's line ends with the seconds since 1970 and a time zone.
fn committed(commit: &str) -> Option<String> {
    let line = commit.lines().find_map(|line| line.strip_prefix("committer "))?;
    of_seconds(line.rsplit(' ').nth(1)?)
}

/// The day of some seconds since 1970, in UTC.
fn of_seconds(text: &str) -> Option<String> {
    let time = Timestamp::from_second(text.trim().parse().ok()?).ok()?;
    Some(time.to_zoned(TimeZone::UTC).date().to_string())
}

/// Expired exceptions and `disable` entries of the project's own files. Those of a pack are its author's to review.
pub(super) fn past(rule: &Rule, loaded: &Loaded, today: Option<&str>) -> Vec<Diagnostic> {
    let Some(today) = today else { return vec![] };
    let is_past = |until: &str| until < today;
    let mut found = vec![];
    for exception in &rule.exceptions {
        let (Some(until), Some(span)) = (&exception.until, exception.until_span) else { continue };
        if is_past(until) && loaded.pack_of(span.file).is_none() {
            let message = format!("exception `{}` expired on {until}", exception.title);
            found.push(
                Diagnostic::new(Code::Expired, message)
                    .at(span, format!("it is {today}, and the exception still applies")),
            );
        }
    }
    if let Some(disabled) = &rule.disabled
        && let Some(until) = disabled.until.as_ref().filter(|until| is_past(until))
        && loaded.pack_of(disabled.span.file).is_none()
    {
        let message = format!("`{}` was disabled until {until}", rule.name);
        found.push(
            Diagnostic::new(Code::Expired, message)
                .at(disabled.span, format!("it is {today}, and the rule is still disabled")),
        );
    }
    found.into_iter().map(|d| d.help("if it is still needed, set a later day; if not, remove it")).collect()
}

#[cfg(test)]
mod tests {
    use super::of_seconds;

    #[test]
    fn seconds_are_days_in_utc() {
        assert_eq!(of_seconds("1795219199\n").as_deref(), Some("2026-11-20"));
        assert_eq!(of_seconds("1795219200").as_deref(), Some("2026-11-21"));
        assert_eq!(of_seconds("soon"), None);
        assert_eq!(of_seconds("9223372036854775807"), None);
    }
}
