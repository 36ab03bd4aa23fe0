//! Words and phrases of a search, looked for in an event's text as the index would find them.
//!
//! Splunk cuts text at *major* breakers, and the pieces again at *minor* breakers (defaults of segmenters.conf). A word or
//! phrase is found where it stands between breakers of either sort or the ends of the text, ignoring case. That holds for
//! quoted phrases too: quotes keep words together, they do not turn a search into a search for fragments. A star stands for
//! characters up to the next major breaker. The dash U+2013 and its kin are no breakers.

/// Single characters that break.
const BREAKERS: &str = "[]<>(){}|!;,'\"*\n\r \t&?+/:=@.-$#%\\_";
/// Those of them that are major.
const MAJOR: &str = "[]<>(){}|!;,'\"*\n\r \t&?+";
/// Longer strings that break: URL-encoded punctuation (and the double dash, whose parts break anyway).
const ENCODED: [&str; 15] =
    ["%21", "%26", "%2526", "%3b", "%7c", "%20", "%2b", "%3d", "%2520", "%5d", "%5b", "%3a", "%0a", "%2c", "%28"];

/// Whether `needle`, which may hold stars, stands in `text` between breakers.
pub(super) fn contains(text: &str, needle: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let needle: Vec<char> = needle.to_lowercase().chars().collect();
    let breaks = breaks(&text);
    let open_left = needle.first() == Some(&'*') || needle.first().is_some_and(|c| BREAKERS.contains(*c));
    (0..text.len()).any(|start| {
        let left = open_left || start == 0 || breaks.get(start - 1) == Some(&true);
        left && here(&text, &breaks, start, &needle)
    })
}

/// Which characters belong to a breaker.
fn breaks(text: &[char]) -> Vec<bool> {
    let mut out: Vec<bool> = text.iter().map(|c| BREAKERS.contains(*c)).collect();
    for start in 0..text.len() {
        for code in ENCODED {
            let same = code.chars().enumerate().all(|(i, c)| text.get(start + i) == Some(&c));
            if same {
                out.iter_mut().skip(start).take(code.len()).for_each(|b| *b = true);
            }
        }
    }
    out
}

fn here(text: &[char], breaks: &[bool], at: usize, needle: &[char]) -> bool {
    let Some((first, rest)) = needle.split_first() else {
        return at >= text.len() || breaks.get(at) == Some(&true);
    };
    if *first == '*' {
        let run = text.iter().skip(at).take_while(|c| !MAJOR.contains(**c)).count();
        return rest.is_empty() || (0..=run).any(|skip| here(text, breaks, at + skip, rest));
    }
    if text.get(at) != Some(first) {
        return false;
    }
    let open_right = rest.is_empty() && BREAKERS.contains(*first);
    open_right || here(text, breaks, at + 1, rest)
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_word_is_found_between_breakers_and_not_inside_a_token() {
        assert!(contains(r#"7z.exe a x.7z -sdel *txt"#, "sdel"));
        assert!(contains(r#"7z.exe a "-SDEL" x.7z"#, "sdel"));
        assert!(!contains("7z.exe a x.7z -sdelx", "sdel"));
        assert!(contains(r"C:\Program Files\7-Zip\7z.exe a", "7z.exe"));
        assert!(!contains(r"C:\tools\p7z.exe a", "7z.exe"));
    }

    #[test]
    fn a_long_dash_is_no_breaker() {
        assert!(contains("certutil -encode a b", "encode"));
        assert!(!contains("certutil \u{2013}encode a b", "encode"));
    }

    #[test]
    fn a_phrase_keeps_its_words_together() {
        assert!(contains("C:\\Program Files\\x", "program files"));
        assert!(!contains("C:\\Program xFiles\\x", "program files"));
        assert!(contains("a -p b", " -p"));
        assert!(!contains("MyProgram Files", "program files"));
    }

    #[test]
    fn a_star_opens_a_word_but_does_not_cross_a_major_breaker() {
        assert!(contains("failed login", "fail*"));
        assert!(!contains("unfailed login", "fail*"));
        assert!(contains("a cat.exe b", "c*exe"));
        assert!(!contains("cat dog.exe", "c*exe"));
    }

    #[test]
    fn url_encoded_blanks_break() {
        assert!(contains("q=one%20two", "two"));
        assert!(!contains("q=one%99two", "two"));
    }
}
