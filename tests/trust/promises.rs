//! `SECURITY.md`: each promise names the tests that show it, and the program's own text holds no other way out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of Rust below a folder of the repository.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// The names of all tests that are run.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in ["src", "tests"].into_iter().flat_map(sources) {
        let text = fs::read_to_string(&file).expect("UTF-8");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| **line == "#[test]") {
            let about = lines[at + 1..].iter().take_while(|line| line.starts_with("#[")).count();
            let ignored = lines[at..=at + about].iter().any(|line| line.starts_with("#[ignore"));
            let name = lines[at + 1 + about].strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            found.extend(name.filter(|_| !ignored).map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_promise_names_tests_that_there_are() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).expect("the page");
    let known = tests();
    assert!(known.len() > 500, "{}", known.len());
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise "));
    let mut promises = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [promise, shown_by] = cells.as_slice() else { panic!("two cells: {row}") };
        let named: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test shows: {promise}");
        let missing: Vec<&&str> = named.iter().filter(|name| !known.contains(**name)).collect();
        assert!(missing.is_empty(), "no test of this name is run: {missing:?}, for: {promise}");
        promises += 1;
    }
    assert!(promises > 20, "{promises} promises");
    // What stands outside of the tables promises nothing.
    assert!(known.contains("every_promise_names_tests_that_there_are") && !known.contains("tests"));
}

#[test]
fn the_program_starts_git_alone_and_has_no_way_to_open_a_connection() {
    let mut starts = vec![];
    for file in sources("src") {
        let text = fs::read_to_string(&file).expect("UTF-8");
        let shipped = text.split("#[cfg(test)]").next().expect("a beginning");
        let shipped = shipped.split("#[cfg(all(test").next().expect("a beginning");
        for line in shipped.lines().filter(|line| line.contains("Command::new(")) {
            starts.push((file.file_name().expect("a name").to_owned(), line.trim().to_owned()));
        }
        for way in ["TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs", "UnixStream", "UnixListener"] {
            assert!(!shipped.contains(way), "{way} in {}", file.display());
        }
    }
    assert_eq!(starts, [("git.rs".into(), "let mut command = Command::new(\"git\");".to_owned())]);
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).expect("the lock");
    let crates: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(crates.contains(&"regex"));
    // Whatever speaks over a network or loads a library stands on one of these.
    for name in
        ["socket2", "mio", "tokio", "rustls", "native-tls", "openssl", "curl-sys", "ureq", "hyper", "libloading"]
    {
        assert!(!crates.contains(&name), "{name}");
    }
}
