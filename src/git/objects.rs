//! What commits hold.

use super::Git;

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

impl Git {
    /// The commit that git knows by a name, in any form that git takes; `None`: it knows none.
    ///
    /// # Errors
    /// What git says, above all that there is no repository.
    pub fn commit(&self, name: &str) -> Result<Option<String>, String> {
        if name.contains('\n') {
            return Ok(None);
        }
        let told = self.feed(&["cat-file", "--batch-check"], format!("{name}^{{commit}}\n").as_bytes())?;
        let told = String::from_utf8_lossy(&told);
        let mut words = told.split_ascii_whitespace();
        Ok(words.next().filter(|_| words.next() == Some("commit")).map(str::to_owned))
    }

    /// The files of a commit below a folder, all if it is empty, in order. Those whose names are no UTF-8 are left out: no file of
    /// a pack or a project has such a name.
    ///
    /// # Errors
    /// What git says.
    pub fn tree(&self, commit: &str, below: &str) -> Result<Vec<Blob>, String> {
        let entries = self.entries(commit, below)?.into_iter();
        Ok(entries.filter(|(name, blob)| *name == blob.path.as_bytes()).map(|(_, blob)| blob).collect())
    }

    /// The same with the bytes of all names.
    pub(super) fn entries(&self, commit: &str, below: &str) -> Result<Vec<(Vec<u8>, Blob)>, String> {
        let mut arguments = vec!["ls-tree", "-r", "-l", "-z", "--full-tree", commit];
        if !below.is_empty() {
            arguments.extend(["--", below]);
        }
        let listed = self.run(&arguments)?;
        let entry = |line: &[u8]| {
            let tab = line.iter().position(|byte| *byte == b'\t')?;
            let (head, name) = (String::from_utf8_lossy(line.get(..tab)?), line.get(tab + 1..)?.to_vec());
            let mut words = head.split_ascii_whitespace();
            let (mode, kind, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
            let kind = match kind {
                "blob" if mode.starts_with("100") => Kind::File,
                "commit" => Kind::Submodule,
                _ => Kind::Link,
            };
            let (object, size) = (object.to_owned(), size.parse().unwrap_or(0));
            let path = String::from_utf8_lossy(&name).into_owned();
            Some((name, Blob { kind, object, size, path }))
        };
        let lines = listed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        lines.map(entry).collect::<Option<_>>().ok_or_else(|| format!("git lists what is no entry of {commit}"))
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
}
