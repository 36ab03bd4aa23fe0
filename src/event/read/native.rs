//! Paths that recorders write in other ways than Windows shows them.

use std::borrow::Cow;

/// A path as Windows shows it: without the prefix of a device (`\\?\C:\x`, `\??\C:\x`), with the folder that `\SystemRoot` is,
/// and with a drive where a volume has only a number. Which drive that is, no log says: `?:\x` is below `:\x` and below no
/// drive's own `C:\x`.
pub(super) fn native(path: Cow<str>) -> Cow<str> {
    let rest = |prefix: &str| {
        let head = path.get(..prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then(|| path.get(prefix.len()..)).flatten()
    };
    let on_drive = |rest: &&str| {
        let mut chars = rest.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':')
    };
    let written = if let Some(rest) = rest(r"\\?\").or_else(|| rest(r"\??\")).filter(on_drive) {
        rest.to_owned()
    } else if let Some(rest) = rest(r"\SystemRoot\") {
        format!(r"C:\Windows\{rest}")
    } else if let Some(rest) = rest(r"\Device\HarddiskVolume") {
        let below = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if below.len() == rest.len() || !below.starts_with('\\') {
            return path;
        }
        format!("?:{below}")
    } else {
        return path;
    };
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::native;

    #[test]
    fn paths_of_devices_and_drivers_are_written_as_windows_shows_them() {
        for (written, shown) in [
            (r"\\?\C:\x\a.exe", r"C:\x\a.exe"),
            (r"\??\d:\a.exe", r"d:\a.exe"),
            (r"\SystemRoot\System32\smss.exe", r"C:\Windows\System32\smss.exe"),
            (r"\systemroot\a", r"C:\Windows\a"),
            (r"\Device\HarddiskVolume3\ProgramData\a.exe", r"?:\ProgramData\a.exe"),
            (r"\device\harddiskvolume12\a", r"?:\a"),
        ] {
            assert_eq!(native(written.into()), shown, "{written}");
        }
        for same in [
            r"C:\x\a.exe",
            r"\\srv\share\a.exe",
            r"\\?\UNC\srv\share\a",
            r"\??\pipe\x",
            r"\SystemRootX\a",
            r"\Device\HarddiskVolume\a",
            r"\Device\HarddiskVolume3",
            r"\Device\Mup\srv\a",
            "/usr/bin/tar",
            "System",
            "",
            "é",
        ] {
            assert_eq!(native(same.into()), same);
        }
    }
}
