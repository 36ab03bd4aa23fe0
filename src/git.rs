//! The real `git`, run so that it starts no program which a repository's configuration names.
//!
//! A repository's own configuration, attributes and hooks are somebody else's: they come with a folder or an archive. So
//! repositories around a project are only asked for names and objects, by a few commands that run no filter, no
//! driver and no hook, with transports and lazy fetching off. Everything else happens in a bare repository of our own. There
//! the user's own configuration chooses how servers are reached (`core.sshCommand`, `credential.helper`, `http.proxy`).

use crate::credentials;
use crate::file_names::is_plain;
use crate::input;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What a repository of anybody may be asked: commands that read names and objects.
const READING: [&str; 5] = ["cat-file", "check-ref-format", "ls-files", "ls-tree", "rev-parse"];
/// What a repository of our own may be asked besides.
const WRITING: [&str; 11] = [
    "commit-tree",
    "fetch",
    "hash-object",
    "init",
    "ls-remote",
    "mktag",
    "push",
    "read-tree",
    "update-index",
    "var",
    "write-tree",
];

/// Settings of every call: what else would start a program, or another git that would.
const SETTINGS: [&str; 30] = [
    "core.alternateRefsCommand=false",
    "core.attributesFile=/dev/null",
    "core.editor=false",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "diff.external=",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "gc.recentObjectsHook=",
    "gpg.openpgp.program=false",
    "gpg.program=false",
    "gpg.ssh.defaultKeyCommand=",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "interactive.diffFilter=",
    "log.showSignature=false",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "push.gpgSign=false",
    "push.recurseSubmodules=no",
    "receive.autogc=false",
    "receive.denyCurrentBranch=refuse",
    "safe.bareRepository=explicit",
    "sequence.editor=false",
    "submodule.recurse=false",
    "tag.gpgSign=false",
    "transfer.bundleURI=false",
];
/// The same for repositories of others: they reach no server.
const LOCAL: [&str; 4] = ["core.askPass=false", "core.sshCommand=false", "credential.helper=", "protocol.allow=never"];
/// The transports that a server is reached by, unless the user's `GIT_ALLOW_PROTOCOL` names others.
const TRANSPORTS: &str = "file:git:http:https:ssh";

/// Variables by which a hook that runs us would point git at another repository.
const FOREIGN: [&str; 13] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// The hooks that a server runs when something is pushed to it.
const SERVER_HOOKS: [&str; 8] = [
    "pre-receive",
    "update",
    "proc-receive",
    "reference-transaction",
    "post-receive",
    "post-update",
    "push-to-checkout",
    "pre-auto-gc",
];

/// The most bytes of an answer that lists things.
const MOST_LISTED: u64 = 64 << 20;
/// The most bytes of all files of a commit that are unpacked.
const MOST_UNPACKED: u64 = 256 << 20;
/// Files of more bytes are not unpacked: no project reads one.
const MOST_OF_A_FILE: u64 = 16 << 20;
/// How long git may look into a repository of others. A pipe in the place of one of git's files lets it wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);
/// Files whose contents are asked for at once.
const AT_ONCE: usize = 64;
/// The most bytes of git's messages that are read.
const MOST_SAID: u64 = 64 << 10;

/// A repository, by a folder in it.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
    /// It is bare, and we made it.
    own: bool,
    /// The address of its server, as git takes it.
    server: Option<String>,
    /// A server that is a folder here runs its hooks.
    hooks: bool,
    /// How long git may look into a repository of others.
    patience: Duration,
}

impl Git {
    /// The repository around a folder, whoever wrote its configuration: to be read.
    #[must_use]
    pub fn around(folder: impl Into<PathBuf>) -> Git {
        Git { folder: folder.into(), own: false, server: None, hooks: false, patience: PATIENCE }
    }

    /// A new bare repository in an empty folder, whose server `origin` is at this address.
    ///
    /// # Errors
    /// What git says.
    pub fn new_bare(folder: impl Into<PathBuf>, server: &str) -> Result<Git, String> {
        let git = Git { own: true, server: Some(server.to_owned()), ..Git::around(folder) };
        git.run(&["init", "-q", "--bare", "--template="])?;
        Ok(git)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(["--no-pager", "--no-optional-locks"]);
        let local: &[&str] = if self.own { &[] } else { &LOCAL };
        SETTINGS.iter().chain(local).for_each(|setting| {
            command.args(["-c", setting]);
        });
        command.args(arguments).current_dir(&self.folder);
        FOREIGN.iter().for_each(|name| {
            command.env_remove(name);
        });
        for (name, value) in [("GIT_TERMINAL_PROMPT", "0"), ("GIT_NO_LAZY_FETCH", "1"), ("GIT_ATTR_NOSYSTEM", "1")] {
            command.env(name, value);
        }
        command.env("LC_ALL", "C");
        match (self.own, std::env::var_os("GIT_ALLOW_PROTOCOL")) {
            (false, _) => command.env("GIT_ALLOW_PROTOCOL", "none"),
            (true, None) => command.env("GIT_ALLOW_PROTOCOL", TRANSPORTS),
            (true, Some(_)) => &mut command,
        };
        if self.own {
            // Our own by name: nothing around the folder is found instead of it.
            command.env("GIT_DIR", &self.folder);
        }
        self.reach(&mut command);
        command
    }

    /// Says where the server is, in the environment: arguments are seen by everybody on the machine. A server that is a folder
    /// runs the other half of git here, by its own configuration, so that our settings are given to that half too.
    fn reach(&self, command: &mut Command) {
        let Some(server) = &self.server else { return };
        let mut settings = vec![("remote.origin.url", server.clone())];
        if folder_of(server).is_some() {
            let settings_there =
                SETTINGS.iter().filter(|setting| !(self.hooks && setting.starts_with("core.hooksPath")));
            let quoted: String = settings_there.map(|setting| format!(" -c '{setting}'")).collect();
            settings.push(("remote.origin.uploadpack", format!("git{quoted} upload-pack")));
            settings.push(("remote.origin.receivepack", format!("git{quoted} receive-pack")));
        }
        let given = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
        command.env("GIT_CONFIG_COUNT", (given + settings.len()).to_string());
        for (number, (key, value)) in (given..).zip(settings) {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
    }

    /// Lets a server that is a folder here run its hooks, as the user who pushes.
    pub fn run_hooks(&mut self) {
        self.hooks = true;
    }

    /// The hooks of a server that is a folder here, by name, which a push would run; a setting counts as one.
    #[must_use]
    pub fn hooks_there(&self) -> Vec<String> {
        let Some(server) = self.server.as_deref().and_then(folder_of) else { return vec![] };
        let folder = if server.join(".git").is_dir() { server.join(".git") } else { server };
        let is_there = |hook: &str| folder.join("hooks").join(hook).symlink_metadata().is_ok();
        let mut hooks: Vec<String> =
            SERVER_HOOKS.into_iter().filter(|hook| is_there(hook)).map(str::to_owned).collect();
        let config = input::read_within(&folder.join("config"), MOST_SAID).unwrap_or_default();
        if String::from_utf8_lossy(&config).to_ascii_lowercase().contains("hookspath") {
            hooks.push("core.hooksPath".to_owned());
        }
        hooks
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
        let allowed = READING.contains(&asked) || self.own && WRITING.contains(&asked);
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
        // A server may take its time.
        let read = match self.own {
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
        Ok(String::from_utf8_lossy(&self.run(arguments)?).trim_end().to_owned())
    }

    /// The files of a commit below a folder, all if it is empty, in order.
    ///
    /// # Errors
    /// What git says.
    pub fn tree(&self, commit: &str, below: &str) -> Result<Vec<Blob>, String> {
        let mut arguments = vec!["ls-tree", "-r", "-l", "-z", "--full-tree", commit];
        if !below.is_empty() {
            arguments.extend(["--", below]);
        }
        let listed = self.run(&arguments)?;
        let blob = |line: &[u8]| {
            let line = String::from_utf8(line.to_vec()).ok()?;
            let (head, path) = line.split_once('\t')?;
            let mut words = head.split_ascii_whitespace();
            let (mode, kind, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
            let kind = match kind {
                "blob" if mode.starts_with("100") => Kind::File,
                "commit" => Kind::Submodule,
                _ => Kind::Link,
            };
            let size = size.parse().unwrap_or(0);
            Some(Blob { kind, object: object.to_owned(), size, path: path.to_owned() })
        };
        Ok(listed.split(|byte| *byte == 0).filter_map(blob).collect())
    }

    /// What some blobs hold, in their order, up to `most` bytes.
    ///
    /// # Errors
    /// What git says.
    pub fn contents(&self, blobs: &[&Blob], most: u64) -> Result<Vec<Vec<u8>>, String> {
        let asked: String = blobs.iter().map(|b| format!("{}\n", b.object)).collect();
        let answer = self.answer(&["cat-file", "--batch"], asked.as_bytes(), most)?;
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

    /// The plain files of a commit below a folder, all if it is empty, unpacked into `to`; none that is larger than any source.
    ///
    /// # Errors
    /// What git or the system says.
    pub fn unpack(&self, commit: &str, below: &str, to: &Path) -> Result<(), String> {
        let tree = self.tree(commit, below)?;
        let wanted = |b: &&Blob| b.kind == Kind::File && b.size <= MOST_OF_A_FILE && is_plain(&b.path);
        let files: Vec<&Blob> = tree.iter().filter(wanted).collect();
        let mut left = MOST_UNPACKED;
        for some in files.chunks(AT_ONCE) {
            for (file, bytes) in some.iter().zip(self.contents(some, left)?) {
                left = left.saturating_sub(bytes.len() as u64);
                let place = to.join(&file.path);
                let folder = place.parent().unwrap_or(to);
                let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&place, bytes));
                written.map_err(|error| format!("{}: {error}", place.display()))?;
            }
        }
        Ok(())
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
        let secrets = self.server.iter().flat_map(|server| credentials::secrets(server));
        let said = credentials::strip(&lines.join("; "));
        secrets.fold(said, |said, secret| said.replace(&secret, "…"))
    }
}

/// The folder that an address means, if it means one on this machine.
fn folder_of(server: &str) -> Option<PathBuf> {
    let path = PathBuf::from(server.strip_prefix("file://").unwrap_or(server));
    (server.starts_with("file://") || path.exists()).then_some(path)
}

/// An entry of a commit that is no folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What it is.
    pub kind: Kind,
    /// Its object's name.
    pub object: String,
    /// How many bytes a file has.
    pub size: u64,
    /// Its path from the repository's top.
    pub path: String,
}

/// What an entry of a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    File,
    /// A link.
    Link,
    /// A commit of another repository, which lies there.
    Submodule,
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_larger_than_any_source_is_not_unpacked() {
        let place = tempfile::tempdir().expect("a folder");
        let git = |arguments: &[&str]| {
            let user = ["-c", "user.name=a", "-c", "user.email=a@b"];
            let ran = Command::new("git").args(user).args(arguments).current_dir(place.path()).output().expect("git");
            assert!(ran.status.success(), "{arguments:?}");
        };
        let most = usize::try_from(MOST_OF_A_FILE).expect("a number");
        for (name, size) in [("small", 1), ("largest", most), ("larger", most + 1)] {
            std::fs::write(place.path().join(name), vec![b'x'; size]).expect("written");
        }
        git(&["init", "-q"]);
        git(&["add", "-A"]);
        git(&["commit", "-qm", "x"]);
        let to = tempfile::tempdir().expect("a folder");
        Git::around(place.path()).unpack("HEAD", "", to.path()).expect("unpacked");
        let names: Vec<bool> = ["small", "largest", "larger"].map(|name| to.path().join(name).exists()).to_vec();
        assert_eq!(names, [true, true, false]);
    }

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
}
