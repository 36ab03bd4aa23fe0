//! Names that become the names of files, on every system.

/// The longest name of a rule, target or macro, in characters: some file systems take 255 bytes, and documents put words
/// around it.
pub const LONGEST: usize = 100;

/// Whether Windows takes a name for a device's, whatever extension it has.
#[must_use]
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or("").trim_end_matches(' ').to_ascii_lowercase();
    // <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>: digits that stand above the line count, too.
    let numbers = |kind: &str| stem.strip_prefix(kind).map(str::chars);
    let port = |kind: &str| {
        numbers(kind).is_some_and(|mut n| matches!((n.next(), n.next()), (Some('1'..='9' | '¹' | '²' | '³'), None)))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$") || port("com") || port("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_with_any_extension() {
        for name in ["con", "NUL", "com1", "lpt9", "aux.yml", "conin$", "prn .kql", "com²"] {
            assert!(is_device(name), "{name}");
        }
        for name in ["console", "com", "com0", "com10", "null", "lpt", "a.con", "_nul"] {
            assert!(!is_device(name), "{name}");
        }
    }
}
