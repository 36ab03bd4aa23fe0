//! The real `git`, run so that it starts no program which a repository's configuration names.
//!
//! A repository's own configuration, attributes and hooks are somebody else's: they come with a folder or an archive. So
//! repositories around a project are only asked for names and objects, by a few commands that run no filter, no
//! driver and no hook, with transports and lazy fetching off. Everything else happens in a bare repository of our own. There
//! the user's own configuration chooses how servers are reached (`core.sshCommand`, `credential.helper`, `http.proxy`).

mod objects;
mod server;
mod settings;
mod unpack;

pub use objects::{Blob, Kind};
pub use server::SERVER;
pub use unpack::submodule;

use crate::credentials;
use crate::input;
use server::Server;
use settings::{LOCAL, SETTINGS, environment};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What a repository of anybody may be asked: commands that read names and objects.
const READING: [&str; 6] = ["cat-file", "check-ref-format", "config", "ls-files", "ls-tree", "rev-parse"];
/// What a repository of our own may be asked besides.
const WRITING: [&str; 12] = [
    "commit-tree",
    "fetch",
    "hash-object",
    "init",
    "ls-remote",
    "mktag",
    "push",
    "read-tree",
    "remote",
    "update-index",
    "var",
    "write-tree",
];

/// The most bytes of an answer that lists things.
const MOST_LISTED: u64 = 64 << 20;
/// How long git may look into a repository of others. A pipe in the place of one of git's files lets it wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes of git's messages that are read.
const MOST_SAID: u64 = 64 << 10;

/// A repository, by a folder in it.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
    whose: Whose,
    /// Its server.
    server: Option<Server>,
    /// How long git may look into a repository of others.
    patience: Duration,
}

/// Whose a repository is, and how git finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Anybody's, around the folder.
    Anybodys,
    /// Anybody's, and the folder is it.
    Named,
    /// A bare one in the folder, which we made.
    Ours,
}

impl Git {
    /// The repository around a folder, whoever wrote its configuration: to be read.
    #[must_use]
    pub fn around(folder: impl Into<PathBuf>) -> Git {
        Git { folder: folder.into(), whose: Whose::Anybodys, server: None, patience: PATIENCE }
    }

    /// A new bare repository in an empty folder, whose server ([`SERVER`]) is at this address; a path counts from `here`.
    ///
    /// # Errors
    /// What git says, or why there is no such server.
    pub fn new_bare(folder: impl Into<PathBuf>, server: &str, here: &Path) -> Result<Git, String> {
        let mut git = Git { whose: Whose::Ours, server: Some(Server::new(server)), ..Git::around(folder) };
        git.run(&["init", "-q", "--bare", "--template=", "--object-format=sha1"])?;
        git.settle(here)?;
        Ok(git)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let asked = arguments.first().copied().unwrap_or_default();
        let mut command = Command::new("git");
        command.args(["--no-pager", "--no-optional-locks"]);
        let local: &[&str] = if self.whose == Whose::Ours { &[] } else { &LOCAL };
        SETTINGS.iter().chain(local).for_each(|setting| {
            command.args(["-c", setting]);
        });
        command.args(arguments).current_dir(&self.folder);
        environment(&mut command);
        if self.whose != Whose::Anybodys {
            // By name: nothing around the folder is found instead of it.
            command.env("GIT_DIR", &self.folder);
        }
        let allowed = std::env::var("GIT_ALLOW_PROTOCOL").ok();
        let transports = self.server.as_ref().map(|server| server.transports(asked, allowed.as_deref()));
        command.env("GIT_ALLOW_PROTOCOL", transports.as_deref().unwrap_or("none"));
        // Where the server is, git learns from the environment: arguments are seen by everybody on the machine.
        let settings = self.server.iter().flat_map(Server::settings);
        let given = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
        let mut count = given;
        for (key, value) in settings {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key).env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        if count > given {
            command.env("GIT_CONFIG_COUNT", count.to_string());
        }
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
        self.answer(arguments, input, MOST_LISTED)
    }

    /// What git prints after it read `input`, up to `most` bytes.
    fn answer(&self, arguments: &[&str], input: &[u8], most: u64) -> Result<Vec<u8>, String> {
        let asked = arguments.first().copied().unwrap_or_default();
        let allowed = READING.contains(&asked) || self.whose == Whose::Ours && WRITING.contains(&asked);
        if !allowed {
            return Err(format!("`git {asked}` is not run here"));
        }
        let fail = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => "`git` is not installed, or not in the path".to_owned(),
            _ => format!("git cannot be run: {error}"),
        };
        // Files, so that a long answer never waits for a long question or a long message.
        let mut stdin = tempfile::tempfile().map_err(fail)?;
        stdin.write_all(input).and_then(|()| stdin.rewind()).map_err(fail)?;
        let stderr = tempfile::tempfile().map_err(fail)?;
        let messages = stderr.try_clone().map_err(fail)?;
        let mut command = self.command(arguments);
        command.stdin(Stdio::from(stdin)).stdout(Stdio::piped()).stderr(Stdio::from(stderr));
        let mut child = command.spawn().map_err(fail)?;
        let (send, received) = mpsc::channel();
        let stdout = child.stdout.take();
        std::thread::spawn(move || {
            let mut answer = vec![];
            let read = stdout.map_or(Ok(0), |out| out.take(most.saturating_add(1)).read_to_end(&mut answer));
            // Whoever asked may have lost patience.
            let _ = send.send(read.map(|_| answer));
        });
        let read = match self.server.as_ref().is_some_and(|server| server.takes_time(asked)) {
            true => received.recv().ok(),
            false => received.recv_timeout(self.patience).ok(),
        };
        if read.as_ref().is_none_or(|read| read.as_ref().is_ok_and(|answer| answer.len() as u64 > most)) {
            let _ = child.kill();
        }
        let status = child.wait().map_err(fail)?;
        let Some(read) = read else {
            let (seconds, folder) = (self.patience.as_secs(), self.folder.display());
            return Err(format!(
                "`git {asked}` gave no answer for {seconds} seconds: is there a pipe or a device in the repository of {folder}?"
            ));
        };
        let answer = read.map_err(fail)?;
        if answer.len() as u64 > most {
            return Err(format!("the repository holds too much: `git {asked}` has more than {most} bytes to say"));
        }
        if status.success() { Ok(answer) } else { Err(self.said(messages)) }
    }

    /// One line that git prints.
    ///
    /// # Errors
    /// What git says.
    pub fn line(&self, arguments: &[&str]) -> Result<String, String> {
        let answer = String::from_utf8(self.run(arguments)?).map_err(|_| "git's answer is not UTF-8".to_owned())?;
        Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Git's own words, in one line, without hints and credentials.
    fn said(&self, mut messages: File) -> String {
        let mut bytes = vec![];
        let _ = messages.rewind().and_then(|()| messages.take(MOST_SAID).read_to_end(&mut bytes));
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("hint:")).take(6).collect();
        if lines.is_empty() {
            return "git failed and did not say why".to_owned();
        }
        let secrets = self.server.iter().flat_map(Server::addresses).flat_map(credentials::secrets);
        let said = credentials::strip(&lines.join("; "));
        secrets.fold(said, |said, secret| said.replace(&secret, "…"))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_in_the_place_of_one_of_gits_files_is_told_and_waited_for_no_longer() {
        let place = tempfile::tempdir().expect("a folder");
        let git = |arguments: &[&str]| Command::new("git").args(arguments).current_dir(place.path()).output();
        assert!(git(&["init", "-q"]).expect("git").status.success());
        for file in ["HEAD", "config", "packed-refs"] {
            let path = place.path().join(".git").join(file);
            let kept = std::fs::read(&path).ok();
            let _ = std::fs::remove_file(&path);
            assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
            let around = Git { patience: Duration::from_millis(200), ..Git::around(place.path()) };
            let why = around.line(&["rev-parse", "--verify", "refs/heads/main"]).expect_err(file);
            assert!(why.contains("gave no answer"), "{file}: {why}");
            std::fs::remove_file(&path).expect("removed");
            if let Some(bytes) = kept {
                std::fs::write(&path, bytes).expect("written");
            }
        }
    }

    #[test]
    fn a_server_that_is_a_folder_here_gets_no_more_time_than_others() {
        let place = tempfile::tempdir().expect("a folder");
        let hub = place.path().join("hub.git");
        let made = Command::new("git").args(["init", "-q", "--bare"]).arg(&hub).output().expect("git");
        assert!(made.status.success());
        let own = tempfile::tempdir().expect("a folder");
        let mut git = Git::new_bare(own.path(), &hub.display().to_string(), place.path()).expect("a server");
        git.patience = Duration::from_millis(200);
        // One that nobody could see before.
        assert!(Command::new("mkfifo").arg(hub.join("packed-refs")).status().expect("mkfifo").success());
        for arguments in [&["ls-remote", SERVER][..], &["fetch", SERVER], &["push", SERVER, ":refs/heads/main"]] {
            let why = git.run(arguments).expect_err("it waits");
            assert!(why.contains("gave no answer"), "{arguments:?}: {why}");
        }
        // The other halves wait no longer.
        drop(File::options().read(true).write(true).open(hub.join("packed-refs")).expect("opened"));
    }
}
