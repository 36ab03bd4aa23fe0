//! Where a server is: on another machine, or a folder here that runs the other half of git by its own configuration.
//!
//! git finds folders by rules of its own: it rewrites addresses (`insteadOf`), expands `~`, and takes `hub.git` for `hub`. So git
//! is asked what it makes of an address, and a folder must be there as the address names it. What does not look like a folder
//! may be reached by every transport but the one to folders.

use super::settings::{SETTINGS, TRANSPORTS};
use super::{Git, MOST_SAID, Whose, input};
use crate::credentials;
use std::fs::FileType;
use std::path::{Path, PathBuf};

/// What the server is called in the configuration; no user's own configuration knows this name.
pub const SERVER: &str = "arcanary-server";

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

/// The most entries of a repository that are looked at before git is.
const MOST_ENTRIES: usize = 200_000;

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// Its address as it was given.
    given: String,
    /// Where git reads.
    fetch: Half,
    /// Where git pushes.
    push: Half,
    /// One that is a folder here runs its hooks.
    pub hooks: bool,
}

/// Where git reads, or where it pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Half {
    /// What the address means is not asked yet.
    Unknown,
    /// On another machine, at the address that git made of the one that was given.
    Elsewhere(String),
    /// A folder or a bundle here, by its whole path, and the repository that git finds there.
    Here(String, Option<PathBuf>),
}

impl Server {
    pub fn new(given: &str) -> Server {
        Server { given: given.to_owned(), fetch: Half::Unknown, push: Half::Unknown, hooks: false }
    }

    /// Every form of its address.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let halves = [&self.fetch, &self.push].into_iter().filter_map(|half| match half {
            Half::Elsewhere(address) | Half::Here(address, _) => Some(address.as_str()),
            Half::Unknown => None,
        });
        halves.chain([self.given.as_str()])
    }

    /// The half that a command talks to.
    fn half(&self, command: &str) -> Option<&Half> {
        match command {
            "fetch" | "ls-remote" => Some(&self.fetch),
            "push" => Some(&self.push),
            _ => None,
        }
    }

    /// Whether a command may take all the time it needs: servers do, and so do hooks that the user allowed.
    pub fn takes_time(&self, command: &str) -> bool {
        match self.half(command) {
            Some(Half::Here(..)) => self.hooks && command == "push",
            half => half.is_some(),
        }
    }

    /// The transports of a command, as `GIT_ALLOW_PROTOCOL` has them: to a folder for a folder, all others for everything else.
    pub fn transports(&self, command: &str, allowed: Option<&str>) -> String {
        let fits = |transport: &&str| match self.half(command) {
            Some(Half::Here(..)) => *transport == "file",
            Some(Half::Elsewhere(_)) => *transport != "file",
            Some(Half::Unknown) | None => false,
        };
        let fitting: Vec<&str> = allowed.unwrap_or(TRANSPORTS).split(':').filter(fits).collect();
        if fitting.is_empty() { "none".to_owned() } else { fitting.join(":") }
    }

    /// The settings that say where it is. Those of every call are given to the other half, too, where that runs here.
    pub fn settings(&self) -> Vec<(String, String)> {
        let key = |name: &str| format!("remote.{SERVER}.{name}");
        let quoted: String = SETTINGS
            .iter()
            .filter(|setting| !(self.hooks && setting.starts_with("core.hooksPath")))
            .map(|setting| format!(" -c '{setting}'"))
            .collect();
        let other = |program: &str| format!("git --no-replace-objects{quoted} {program}");
        let mut settings = vec![];
        match &self.fetch {
            Half::Here(path, _) => {
                settings.push((key("url"), path.clone()));
                settings.push((key("uploadpack"), other("upload-pack")));
            }
            // git makes the other address of this one again.
            Half::Elsewhere(_) | Half::Unknown => settings.push((key("url"), self.given.clone())),
        }
        match (&self.push, &self.fetch) {
            (Half::Here(path, _), _) => {
                settings.push((key("pushurl"), path.clone()));
                settings.push((key("receivepack"), other("receive-pack")));
            }
            (Half::Elsewhere(address), Half::Here(..)) => settings.push((key("pushurl"), address.clone())),
            _ => {}
        }
        settings
    }
}

impl Git {
    /// Finds out where the server is. A path counts from `here`.
    pub(super) fn settle(&mut self, here: &Path) -> Result<(), String> {
        let [fetch, push] = self.addresses()?;
        let (fetch, push) = (self.half(&fetch, here)?, self.half(&push, here)?);
        if let Some(server) = &mut self.server {
            (server.fetch, server.push) = (fetch, push);
        }
        // A path is no address that git rewrites once more.
        let again = self.addresses()?;
        let same = |half: &Half, again: &str| match half {
            Half::Here(address, _) | Half::Elsewhere(address) => address == again,
            Half::Unknown => false,
        };
        match (&self.server, &again) {
            (Some(server), [fetch, push]) if same(&server.fetch, fetch) && same(&server.push, push) => Ok(()),
            _ => Err(format!(
                "your git configuration (`insteadOf`) rewrites the address to `{}`: use that address",
                credentials::shown(&again.join("`, `"))
            )),
        }
    }

    /// What git makes of the server's address: where it reads, and where it pushes.
    fn addresses(&self) -> Result<[String; 2], String> {
        let listed = self.line(&["remote", "-v"])?;
        let of = |half: &str| {
            let mut lines = listed.lines().filter_map(|line| line.strip_prefix(SERVER)?.strip_prefix('\t'));
            lines.find_map(|line| line.strip_suffix(half)).map(str::to_owned).ok_or("git reads no address in this")
        };
        Ok([of(" (fetch)")?, of(" (push)")?])
    }

    /// Where an address is that git made.
    fn half(&self, address: &str, here: &Path) -> Result<Half, String> {
        let Some(path) = path_of(address) else { return Ok(Half::Elsewhere(address.to_owned())) };
        let path = here.join(path);
        let shown = credentials::shown(address);
        let whole = path.to_str().ok_or_else(|| format!("`{}` is no UTF-8", path.display()))?.to_owned();
        let Ok(metadata) = path.metadata() else {
            let with = format!("{}.git", whole.trim_end_matches('/'));
            let hint = if Path::new(&with).exists() { "; did you mean the one with `.git` at the end?" } else { "" };
            return Err(format!("there is no repository `{shown}` on this machine{hint}"));
        };
        let inner = path.join(".git");
        let meant = [gitfile(&inner), Some(inner.clone()).filter(|inner| inner.is_dir()), gitfile(&path)];
        let meant = meant.into_iter().flatten().next().unwrap_or_else(|| path.clone());
        if metadata.is_file() && meant == path {
            // A bundle, or git says what is wrong with it.
            return Ok(Half::Here(whole, None));
        }
        // Looked at before git is: it would wait for a pipe.
        if let Some(odd) = odd(&meant) {
            let odd = odd.display();
            return Err(format!(
                "the repository `{shown}` contains a pipe or a device, which git would wait for: {odd}"
            ));
        }
        // The order in which git looks.
        match self.repository(&inner)?.or(self.repository(&path)?) {
            Some(found) => Ok(Half::Here(whole, Some(found))),
            None => Err(format!("`{shown}` is not a git repository")),
        }
    }

    /// The repository that a path is, or that the file there names.
    fn repository(&self, path: &Path) -> Result<Option<PathBuf>, String> {
        let Some(text) = path.to_str().filter(|_| path.exists()) else { return Ok(None) };
        match self.line(&["rev-parse", "--resolve-git-dir", text]) {
            Ok(found) => Ok(Some(PathBuf::from(found))),
            Err(why) if why.contains("not a gitdir") => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Lets a server that is a folder here run its hooks, as the user who pushes.
    pub fn run_hooks(&mut self) {
        self.server.iter_mut().for_each(|server| server.hooks = true);
    }

    /// The hooks of a server that is a folder here, by name, which a push would run; a setting counts as one.
    ///
    /// # Errors
    /// What git says.
    pub fn hooks_there(&self) -> Result<Vec<String>, String> {
        let Some(Half::Here(_, Some(repository))) = self.server.as_ref().map(|server| &server.push) else {
            return Ok(vec![]);
        };
        let there = Git { whose: Whose::Named, ..Git::around(repository) };
        // A linked worktree has those of its repository.
        let folder = repository.join(there.line(&["rev-parse", "--git-common-dir"])?);
        let is_there = |hook: &str| folder.join("hooks").join(hook).symlink_metadata().is_ok();
        let mut hooks: Vec<String> =
            SERVER_HOOKS.into_iter().filter(|hook| is_there(hook)).map(str::to_owned).collect();
        // Its own settings, and those of files that they include.
        let set = there.line(&["config", "--show-scope", "--get-all", "core.hooksPath"])?;
        if set.lines().any(|line| line.starts_with("local\t") || line.starts_with("worktree\t")) {
            hooks.push("core.hooksPath".to_owned());
        }
        Ok(hooks)
    }
}

/// The path that an address means, if git takes it for one on this machine: a URL of a file, or what has no colon, or one behind
/// its first slash. `host:path` is on another machine, whatever folder has that name.
fn path_of(address: &str) -> Option<PathBuf> {
    if let Some(rest) = address.strip_prefix("file://") {
        let path = credentials::decoded(rest);
        let drive = cfg!(windows) && path.as_bytes().get(2) == Some(&b':');
        return Some(PathBuf::from(match path.strip_prefix('/') {
            Some(rest) if drive => rest.to_owned(),
            Some(_) => path,
            None => format!("//{path}"),
        }));
    }
    let drive = cfg!(windows) && address.as_bytes().get(1) == Some(&b':');
    let local = match (address.find(':'), address.find('/')) {
        (None, _) => true,
        (Some(colon), Some(slash)) => slash < colon,
        (Some(_), None) => false,
    };
    (local || drive).then(|| PathBuf::from(address))
}

/// Where a `.git` file says that the repository is.
fn gitfile(path: &Path) -> Option<PathBuf> {
    let text = path.is_file().then(|| input::read_within(path, MOST_SAID).ok()).flatten()?;
    let named = std::str::from_utf8(&text).ok()?.strip_prefix("gitdir: ")?.trim_end_matches(['\n', '\r']);
    Some(path.parent()?.join(named))
}

/// A pipe or a device in a repository.
fn odd(repository: &Path) -> Option<PathBuf> {
    if repository.join("HEAD").symlink_metadata().is_err() {
        return None;
    }
    let mut open = vec![repository.to_path_buf()];
    let mut left = MOST_ENTRIES;
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            left = left.checked_sub(1)?;
            // A link is followed, to a folder, too: git does.
            let kind = entry.file_type().and_then(|kind| match kind.is_symlink() {
                true => entry.path().metadata().map(|metadata| metadata.file_type()),
                false => Ok(kind),
            });
            match kind {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if is_waited_for(kind) => return Some(entry.path()),
                // What cannot be looked at, git tells.
                _ => {}
            }
        }
    }
    None
}

/// Whether opening such a file may wait for ever. A socket cannot be opened.
#[cfg(unix)]
fn is_waited_for(kind: FileType) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    kind.is_fifo() || kind.is_char_device() || kind.is_block_device()
}

#[cfg(not(unix))]
fn is_waited_for(_: FileType) -> bool {
    false
}
