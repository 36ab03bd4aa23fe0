//! The real `git`, asked as a program: without its prompts, its hooks' environment or the user's aliases.

use crate::pack::archive::is_plain;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Variables by which a hook that runs us would point git at another repository.
const FOREIGN: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
];

/// A folder in which git runs.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
}

impl Git {
    /// In this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Git {
        Git { folder: folder.into() }
    }

    /// Where it runs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        // Neither hooks nor a monitor: no repository that this meets runs a program of its own.
        let own = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "core.quotePath=false"];
        own.iter().for_each(|setting| {
            command.args(["-c", setting]);
        });
        command.args(arguments);
        command.current_dir(&self.folder).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        FOREIGN.iter().for_each(|name| {
            command.env_remove(name);
        });
        command
    }

    /// What git prints.
    ///
    /// # Errors
    /// What git says: its last message.
    pub fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        self.feed(arguments, &[])
    }

    /// What git prints after it read `input`.
    ///
    /// # Errors
    /// What git says.
    pub fn feed(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let fail = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => "`git` is not installed, or not in the path".to_owned(),
            _ => format!("git cannot be run: {error}"),
        };
        // A file, so that a long answer never waits for a long question.
        let mut stdin = tempfile::tempfile().map_err(fail)?;
        stdin.write_all(input).and_then(|()| io::Seek::rewind(&mut stdin)).map_err(fail)?;
        let output = self.command(arguments).stdin(Stdio::from(stdin)).output().map_err(fail)?;
        if output.status.success() { Ok(output.stdout) } else { Err(said(&output.stderr)) }
    }

    /// One line that git prints.
    ///
    /// # Errors
    /// What git says.
    pub fn line(&self, arguments: &[&str]) -> Result<String, String> {
        Ok(String::from_utf8_lossy(&self.run(arguments)?).trim_end().to_owned())
    }

    /// The files of a commit below a folder, all if it is empty, in order.
    ///
    /// # Errors
    /// What git says.
    pub fn tree(&self, commit: &str, below: &str) -> Result<Vec<Blob>, String> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", commit];
        if !below.is_empty() {
            arguments.extend(["--", below]);
        }
        let listed = self.run(&arguments)?;
        let blob = |line: &[u8]| {
            let line = String::from_utf8(line.to_vec()).ok()?;
            let (head, path) = line.split_once('\t')?;
            let mut words = head.split(' ');
            let (mode, kind, object) = (words.next()?, words.next()?, words.next()?);
            let plain = kind == "blob" && mode.starts_with("100");
            Some(Blob { plain, object: object.to_owned(), path: path.to_owned() })
        };
        Ok(listed.split(|byte| *byte == 0).filter_map(blob).collect())
    }

    /// What some blobs hold, in their order.
    ///
    /// # Errors
    /// What git says.
    pub fn contents(&self, blobs: &[&Blob]) -> Result<Vec<Vec<u8>>, String> {
        let asked: String = blobs.iter().map(|b| format!("{}\n", b.object)).collect();
        let answer = self.feed(&["cat-file", "--batch"], asked.as_bytes())?;
        let mut rest = answer.as_slice();
        let mut out = vec![];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, behind) = rest.split_at(end);
            let size = String::from_utf8_lossy(head).rsplit(' ').next().and_then(|n| n.parse::<usize>().ok());
            let bytes = size.and_then(|size| behind.get(1..=size)).ok_or("git answered with no blob")?;
            out.push(bytes.to_vec());
            rest = behind.get(bytes.len() + 2..).unwrap_or_default();
        }
        if out.len() == blobs.len() { Ok(out) } else { Err("git did not answer for every blob".to_owned()) }
    }

    /// The plain files of a commit below a folder, all if it is empty, unpacked into `to`.
    ///
    /// # Errors
    /// What git or the system says.
    pub fn unpack(&self, commit: &str, below: &str, to: &Path) -> Result<(), String> {
        let tree = self.tree(commit, below)?;
        let files: Vec<&Blob> = tree.iter().filter(|b| b.plain && is_plain(&b.path)).collect();
        for (file, bytes) in files.iter().zip(self.contents(&files)?) {
            let place = to.join(&file.path);
            let folder = place.parent().unwrap_or(to);
            let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&place, bytes));
            written.map_err(|error| format!("{}: {error}", place.display()))?;
        }
        Ok(())
    }
}

/// A file in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Neither a link nor a submodule.
    pub plain: bool,
    /// Its object's name.
    pub object: String,
    /// Its path from the repository's top.
    pub path: String,
}

/// Git's own words, in one line, without hints.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("hint:")).take(6).collect();
    if lines.is_empty() { "git failed and did not say why".to_owned() } else { lines.join("; ") }
}
