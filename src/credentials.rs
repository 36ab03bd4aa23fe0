//! Credentials in URLs: git may get them, and nobody else. They are taken out of all that is printed, and no project file
//! holds them.

use std::ops::Range;

/// Schemes in which a name without a password says who connects, and is no secret.
const NAMED: [&str; 4] = ["ssh", "git+ssh", "ssh+git", "sftp"];
/// Shorter secrets are not looked for in what git says: they would be found in any word.
const SHORT: usize = 4;

/// `text` without the credentials of the URLs in it.
#[must_use]
pub fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = find(text, at) {
        out.push_str(text.get(at..found.start).unwrap_or(""));
        at = found.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// A repository as git takes it, for messages: as [`strip`], and without the password of an address that is no URL.
#[must_use]
pub fn shown(repository: &str) -> String {
    let stripped = strip(repository);
    match before_host(&stripped) {
        Some(who) if who.contains(':') => stripped.get(who.len() + 1..).unwrap_or("").to_owned(),
        _ => stripped,
    }
}

/// What stands before the `@` of `user@host:path`.
fn before_host(address: &str) -> Option<&str> {
    let no_url = !address.contains("://");
    address.rsplit_once('@').map(|(who, _)| who).filter(|who| no_url && !who.contains(['/', '\\']))
}

/// Where the first credentials behind `from` stand, with the `@` or up to the end of the query that holds them.
#[must_use]
pub fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let mut begin = from;
    while let Some(at) = text.get(begin..).and_then(|rest| rest.find("://")).map(|at| begin + at) {
        let scheme = text.get(..at).unwrap_or("");
        let scheme = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+.-".contains(c)).next().unwrap_or("");
        begin = at + 3;
        let rest = text.get(begin..).unwrap_or("");
        let rest = rest.split(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).next().unwrap_or("");
        if scheme.is_empty() {
            continue;
        }
        if let Some(found) = of_user(scheme, rest).or_else(|| of_query(rest)) {
            return Some(begin + found.start..begin + found.end);
        }
    }
    None
}

/// `user:password@`, `token@`, and of `ssh://user:password@` the password alone.
fn of_user(scheme: &str, url: &str) -> Option<Range<usize>> {
    let authority = url.split(['/', '?', '#', '\\']).next().unwrap_or("");
    let at = authority.rfind('@').or_else(|| {
        // A password with a `/` in it: what stands behind the colon is no port.
        let (_, port) = authority.split_once(':')?;
        let no_port = !port.is_empty() && !port.bytes().all(|b| b.is_ascii_digit()) && !authority.starts_with('[');
        url.rfind('@').filter(|_| no_port)
    })?;
    let who = url.get(..at).unwrap_or("");
    let named = NAMED.iter().any(|name| scheme.eq_ignore_ascii_case(name));
    match who.find(':') {
        _ if who.is_empty() => None,
        None if named => None,
        Some(colon) if named => Some(colon..at),
        _ => Some(0..at + 1),
    }
}

/// The values of a query that holds a secret.
fn of_query(url: &str) -> Option<Range<usize>> {
    let (before, query) = url.split_once('?')?;
    let query = query.split('#').next().unwrap_or("");
    let secret = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.to_ascii_lowercase();
        !value.is_empty() && ["token", "password", "passwd", "secret", "key", "sig"].iter().any(|w| name.contains(w))
    };
    let start = before.len();
    query.split('&').any(secret).then_some(start..start + 1 + query.len())
}

/// What of a repository's address must not be printed, the longest first: as it is written, and as it is meant.
#[must_use]
pub fn secrets(repository: &str) -> Vec<String> {
    let mut found: Vec<&str> = vec![];
    let mut at = 0;
    while let Some(place) = find(repository, at) {
        at = place.end;
        found.push(repository.get(place).unwrap_or(""));
    }
    found.extend(before_host(repository).filter(|who| who.contains(':')));
    let parts = found.iter().flat_map(|text| {
        let who = text.trim_start_matches(':').trim_end_matches('@');
        let password = who.split_once(':').map(|(_, password)| password);
        let values =
            text.strip_prefix('?').into_iter().flat_map(|q| q.split('&')).filter_map(|p| Some(p.split_once('=')?.1));
        [Some(who), password].into_iter().flatten().chain(values)
    });
    let mut all: Vec<String> = parts.flat_map(|part| [part.to_owned(), decoded(part)]).collect();
    all.retain(|secret| secret.len() >= SHORT);
    all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    all.dedup();
    all
}

/// A text with its `%40` as `@`.
#[must_use]
pub fn decoded(text: &str) -> String {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).and_then(|d| std::str::from_utf8(d).ok()).filter(|_| *first == b'%');
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => (bytes.push(byte), rest = behind.get(2..).unwrap_or_default()),
            None => (bytes.push(*first), rest = behind),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_credentials_is_shown() {
        for (url, expected) in [
            ("https://user:hunter22@host/x.git", "https://host/x.git"),
            ("https://user:hunter22@host:8443/x", "https://host:8443/x"),
            ("https://ghp_hunter22@host/x", "https://host/x"),
            ("https://user:p@hunter22@host/x", "https://host/x"),
            ("https://user:p%40hunter22@host/x", "https://host/x"),
            ("https://user:p/hunter22@host/x", "https://host/x"),
            ("https://:hunter22@host/x", "https://host/x"),
            ("HTTP://user:hunter22@[::1]:80/x", "HTTP://[::1]:80/x"),
            ("ssh://git:hunter22@host/x", "ssh://git@host/x"),
            ("ssh://git@host:22/x", "ssh://git@host:22/x"),
            ("git:hunter22@host:x/y.git", "host:x/y.git"),
            ("git@host:x/y.git", "git@host:x/y.git"),
            ("https://host/x?private_token=hunter22&a=b#c", "https://host/x#c"),
            ("codecommit::https://user:hunter22@host/x", "codecommit::https://host/x"),
            ("https://host/a@b", "https://host/a@b"),
            ("https://host:8443/a@b", "https://host:8443/a@b"),
            ("../repo@2", "../repo@2"),
            ("C:\\x@y", "C:\\x@y"),
        ] {
            assert_eq!(shown(url), expected);
            assert_eq!(secrets(url).is_empty(), shown(url) == url, "{url}: {:?}", secrets(url));
        }
        assert_eq!(secrets("https://u:p%40ss@h/x"), ["u:p%40ss", "u:p@ss", "p%40ss", "p@ss"]);
    }

    #[test]
    fn credentials_are_found_wherever_they_stand_in_a_text() {
        let said = "fatal: unable to access 'https://u:hunter22@h/x/': no; see http://a:b@c or https://d/e@f";
        assert_eq!(strip(said), "fatal: unable to access 'https://h/x/': no; see http://c or https://d/e@f");
        assert_eq!(find("nothing://here", 0), None);
        assert_eq!(find("://u:p@h", 0), None);
    }
}
