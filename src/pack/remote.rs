//! A repository that holds packs, as git serves it: fetched into a folder of our own, read and written object by object.
//!
//! Nothing is checked out, so that no filter, attribute, hook or link of the repository has a say.

use super::archive::{Files, MOST_BYTES};
use super::index::Index;
use crate::credentials;
use crate::file_names::PACK_INDEX;
use crate::git::{Blob, Git, Kind, SERVER};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A fetched repository.
#[derive(Debug)]
pub struct Remote {
    git: Git,
    /// Its address for messages, without credentials.
    pub name: String,
    /// The branch.
    pub branch: String,
    /// Its commit; `None`: there is no such branch yet.
    pub head: Option<String>,
    /// The tags there.
    pub tags: Vec<String>,
    /// Its files by path.
    pub files: BTreeMap<String, Blob>,
    _folder: tempfile::TempDir,
}

impl Remote {
    /// Fetches a branch of the repository at `url`; without a name, the one that its `HEAD` means, or `main` if it is empty.
    /// A path counts from `here`.
    ///
    /// # Errors
    /// What git says.
    pub fn fetch(url: &str, here: PathBuf, branch: Option<&str>) -> Result<Remote, String> {
        let name = credentials::shown(url);
        if url.is_empty() || url.starts_with('-') {
            return Err(format!("`{name}` is no repository"));
        }
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let git = Git::new_bare(folder.path(), url, &here)?;
        let refs = git.line(&["ls-remote", "--symref", SERVER])?;
        let refs: Vec<(&str, &str)> = refs.lines().filter_map(|line| line.split_once('\t')).collect();
        // git's names of objects are 40 digits long, or 64.
        if refs.iter().any(|(object, _)| object.len() == 64) {
            return Err(format!("{name} keeps objects by SHA-256, and packs are published by SHA-1 alone"));
        }
        let default =
            refs.iter().filter(|(_, name)| *name == "HEAD").find_map(|(to, _)| to.strip_prefix("ref: refs/heads/"));
        let branch = branch.or(default).unwrap_or("main").to_owned();
        git.run(&["check-ref-format", "--branch", &branch])
            .map_err(|_| format!("`{branch}` is no name of a branch"))?;
        let tags = refs.iter().filter_map(|(_, name)| name.strip_prefix("refs/tags/")).filter(|t| !t.ends_with("^{}"));
        let tags = tags.map(str::to_owned).collect();
        let full = format!("refs/heads/{branch}");
        let mut remote = Remote { git, name, branch, head: None, tags, files: BTreeMap::new(), _folder: folder };
        if refs.iter().any(|(_, name)| *name == full) {
            remote.git.run(&["fetch", "-q", "--no-tags", "--depth=1", SERVER, &format!("+{full}:refs/fetched")])?;
            let head = remote.git.line(&["rev-parse", "refs/fetched"])?;
            remote.files = remote.git.tree(&head, "")?.into_iter().map(|b| (b.path.clone(), b)).collect();
            remote.head = Some(head);
        }
        Ok(remote)
    }

    /// Lets a repository that is a folder here run its hooks when something is pushed, as the user who pushes.
    ///
    /// # Errors
    /// It has some, and they are not `allowed`.
    pub fn allow_hooks(&mut self, allowed: bool) -> Result<(), String> {
        let hooks = self.git.hooks_there()?;
        if allowed {
            self.git.run_hooks();
        } else if !hooks.is_empty() {
            let (name, hooks) = (&self.name, hooks.join(", "));
            return Err(format!(
                "{name} is a folder with hooks ({hooks}), which would run as you: `--run-hooks` runs them"
            ));
        }
        Ok(())
    }

    /// What some of its files hold; those that are not there, or are no plain files, are left out.
    ///
    /// # Errors
    /// What git says.
    pub fn read<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Result<Files, String> {
        let blobs: Vec<&Blob> =
            paths.into_iter().filter_map(|p| self.files.get(p)).filter(|b| b.kind == Kind::File).collect();
        let contents = self.git.contents(&blobs, MOST_BYTES)?;
        Ok(blobs.into_iter().map(|b| b.path.clone()).zip(contents).collect())
    }

    /// Its index; an empty one if it has none.
    ///
    /// # Errors
    /// What git says, or why the index is none.
    pub fn index(&self) -> Result<Index, String> {
        match self.read([PACK_INDEX])?.remove(PACK_INDEX) {
            Some(text) => Index::parse(&text).map_err(|why| format!("{} of the repository: {why}", PACK_INDEX)),
            None if self.files.contains_key(PACK_INDEX) => {
                Err(format!("{} of the repository is no plain file", PACK_INDEX))
            }
            None => Ok(Index::default()),
        }
    }

    /// A commit on top of the branch that writes some files and removes others; its name.
    ///
    /// # Errors
    /// What git says.
    pub fn commit(&self, write: &Files, remove: &[String], message: &str) -> Result<String, String> {
        match &self.head {
            Some(head) => self.git.run(&["read-tree", head])?,
            None => self.git.run(&["read-tree", "--empty"])?,
        };
        let mut changes: Vec<u8> = vec![];
        for path in remove {
            changes.extend(format!("0 {}\t{path}\0", "0".repeat(40)).into_bytes());
        }
        for (path, bytes) in write {
            let object = self.git.feed(&["hash-object", "-w", "--no-filters", "--stdin"], bytes)?;
            let object = String::from_utf8_lossy(&object);
            changes.extend(format!("100644 {}\t{path}\0", object.trim()).into_bytes());
        }
        self.git.feed(&["update-index", "-z", "--index-info"], &changes)?;
        let tree = self.git.line(&["write-tree"])?;
        let mut arguments = vec!["commit-tree", &tree, "-F", "-"];
        if let Some(head) = &self.head {
            arguments.extend(["-p", head]);
        }
        let commit = self.git.feed(&arguments, message.as_bytes())?;
        Ok(String::from_utf8_lossy(&commit).trim().to_owned())
    }

    /// Pushes a commit to the branch, and a tag with it if there is one: both or neither.
    ///
    /// # Errors
    /// What git says; the repository is then as it was.
    pub fn push(&self, commit: &str, tag: Option<(&str, &str)>) -> Result<(), String> {
        let mut arguments = vec!["push".to_owned(), "-q".to_owned(), "--atomic".to_owned(), SERVER.to_owned()];
        arguments.push(format!("{commit}:refs/heads/{}", self.branch));
        if let Some((tag, message)) = tag {
            let tagger = self.git.line(&["var", "GIT_COMMITTER_IDENT"])?;
            let text = format!("object {commit}\ntype commit\ntag {tag}\ntagger {tagger}\n\n{message}");
            let object = self.git.feed(&["mktag"], text.as_bytes())?;
            arguments.push(format!("{}:refs/tags/{tag}", String::from_utf8_lossy(&object).trim()));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.git.run(&arguments).map(|_| ())
    }
}
