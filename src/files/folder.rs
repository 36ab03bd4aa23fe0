//! Folders that are held open. A name in one is looked up in the folder itself, whatever becomes of the path that led there.
//!
//! No name is followed if it is a link, neither one that was there before nor one that comes between a look and a write.

use super::fault::{self, Change};
use super::{OWN, named, refused};
use crate::input;
use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions, Permissions, ReadDir};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A folder that is held open.
///
/// Looking something up names what was looked at in its errors. Changing something does not: a message names the file that
/// the user knows.
#[derive(Debug)]
pub(super) struct Folder {
    dir: Dir,
    /// Its path for messages.
    path: PathBuf,
}

impl Folder {
    /// The folder at a path that somebody named, links on it followed; `None` if there is none.
    pub(super) fn open(path: &Path) -> io::Result<Option<Folder>> {
        fault::read(path)?;
        let named_path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match Dir::open_ambient_dir(named_path, ambient_authority()) {
            Ok(dir) => Ok(Some(Folder { dir, path: path.to_path_buf() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(named(path, &error)),
        }
    }

    /// As [`Folder::open`], for a path that was looked at before and had no link on it: one that came since is refused.
    pub(super) fn reach(path: &Path) -> io::Result<Option<Folder>> {
        Folder::walk(path, |above, name| above.folder(name))
    }

    /// As [`Folder::reach`]; it and those around it are made if there is none.
    pub(super) fn make(path: &Path) -> io::Result<Folder> {
        let made = Folder::walk(path, |above, name| above.make_folder(name).map(Some))?;
        made.ok_or_else(|| named(path, &io::ErrorKind::NotFound.into()))
    }

    fn walk(path: &Path, step: impl Fn(&Folder, &OsStr) -> io::Result<Option<Folder>>) -> io::Result<Option<Folder>> {
        let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let whole = std::path::absolute(here).map_err(|error| named(path, &error))?;
        let root = whole.ancestors().last().unwrap_or(&whole);
        let mut folder = Folder::open(root)?;
        for name in whole.strip_prefix(root).unwrap_or(&whole) {
            let Some(above) = folder else { return Ok(None) };
            folder = step(&above, name)?;
        }
        Ok(folder.map(|folder| folder.shown_as(path)))
    }

    /// The same folder with another path for messages.
    pub(super) fn shown_as(self, path: &Path) -> Folder {
        Folder { path: path.to_path_buf(), ..self }
    }

    /// The folder around a file, and the file's name.
    pub(super) fn around(path: &Path) -> io::Result<(Folder, &OsStr)> {
        let name = path.file_name().ok_or_else(|| refused(path, "it has no name"))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let open = Folder::open(folder)?.ok_or_else(|| named(folder, &io::ErrorKind::NotFound.into()))?;
        Ok((open, name))
    }

    /// Its path, for messages.
    pub(super) fn shown(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it, for messages.
    pub(super) fn path(&self, name: impl AsRef<Path> + Copy) -> PathBuf {
        self.path.join(name)
    }

    /// What stands in it under a name; `None` if nothing does.
    pub(super) fn standing(&self, name: impl AsRef<Path> + Copy) -> io::Result<Option<Metadata>> {
        let path = self.path(name);
        fault::read(&path)?;
        match self.dir.symlink_metadata(name) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(named(&path, &error)),
        }
    }

    /// What is known of the plain file `name`; `None` if there is nothing of this name.
    pub(super) fn plain(&self, name: impl AsRef<Path> + Copy) -> io::Result<Option<Metadata>> {
        match self.standing(name)? {
            Some(metadata) if metadata.is_symlink() => Err(self.link(name)),
            Some(metadata) if !metadata.is_file() => Err(refused(&self.path(name), "it is no plain file")),
            standing => Ok(standing),
        }
    }

    /// The folder `name` in it; `None` if there is nothing of this name.
    pub(super) fn folder(&self, name: impl AsRef<Path> + Copy) -> io::Result<Option<Folder>> {
        match self.standing(name)? {
            None => return Ok(None),
            Some(metadata) if metadata.is_symlink() => return Err(self.link(name)),
            Some(metadata) if !metadata.is_dir() => return Err(refused(&self.path(name), "it is no folder")),
            Some(_) => {}
        }
        let path = self.path(name);
        match self.dir.open_dir_nofollow(name) {
            Ok(dir) => Ok(Some(Folder { dir, path })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(named(&path, &error)),
        }
    }

    /// As [`Folder::folder`]; it is made if there is none.
    pub(super) fn make_folder(&self, name: impl AsRef<Path> + Copy) -> io::Result<Folder> {
        if let Some(folder) = self.folder(name)? {
            return Ok(folder);
        }
        let path = self.path(name);
        match fault::change(Change::Make, &path).and_then(|()| self.dir.create_dir(name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(named(&path, &error)),
            _ => {}
        }
        self.folder(name)?.ok_or_else(|| named(&path, &io::ErrorKind::NotFound.into()))
    }

    /// The plain file `name`, opened; `None` if there is nothing of this name.
    pub(super) fn file(&self, name: impl AsRef<Path> + Copy, options: &mut OpenOptions) -> io::Result<Option<File>> {
        // Asked before it is opened: opening a device may do something.
        if self.plain(name)?.is_none() {
            return Ok(None);
        }
        let path = self.path(name);
        fault::read(&path)?;
        // A link or a pipe may stand there since: one is not followed, nobody waits for the other.
        match self.dir.open_with(name, options.follow(FollowSymlinks::No).nonblock(true)) {
            Ok(file) => {
                let file = file.into_std();
                match file.metadata().map_err(|error| named(&path, &error))?.is_file() {
                    true => Ok(Some(file)),
                    false => Err(refused(&path, "it is no plain file")),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(named(&path, &error)),
        }
    }

    /// The bytes of the plain file `name`; `None` if there is nothing of this name.
    pub(super) fn read(&self, name: impl AsRef<Path> + Copy) -> io::Result<Option<Vec<u8>>> {
        let file = self.file(name, OpenOptions::new().read(true))?;
        let bytes = file.map(|file| input::read_open(&file, input::MOST)).transpose();
        bytes.map_err(|error| named(&self.path(name), &error))
    }

    /// Where a link in it leads, for messages.
    pub(super) fn leads_to(&self, name: impl AsRef<Path> + Copy) -> Option<PathBuf> {
        self.dir.read_link_contents(name).ok()
    }

    /// A new file with a name that nothing has. It gets `permissions`, if they are those of a file that it replaces.
    pub(super) fn create(&self, name: impl AsRef<Path> + Copy, permissions: Option<Permissions>) -> io::Result<File> {
        fault::change(Change::Make, &self.path(name))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if let Some(permissions) = permissions {
            use cap_std::fs::OpenOptionsExt as _;
            // Nobody reads it before it has them.
            let file = self.dir.open_with(name, options.mode(0o600))?;
            file.set_permissions(permissions)?;
            return Ok(file.into_std());
        }
        #[cfg(not(unix))]
        drop(permissions);
        Ok(self.dir.open_with(name, &options)?.into_std())
    }

    /// Whether a name is still that of an open file.
    pub(super) fn holds(&self, name: impl AsRef<Path> + Copy, file: &File) -> io::Result<bool> {
        let Ok(Some(there)) = self.file(name, OpenOptions::new().read(true)) else { return Ok(false) };
        Ok(same_file::Handle::from_file(file.try_clone()?)? == same_file::Handle::from_file(there)?)
    }

    /// Gives a file or folder in it another name. A file, an empty folder or a link of that name is replaced.
    pub(super) fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path> + Copy) -> io::Result<()> {
        fault::change(Change::Move, &self.path(to))?;
        self.dir.rename(from, &self.dir, to)
    }

    /// Removes a file, or a link itself.
    pub(super) fn remove(&self, name: impl AsRef<Path> + Copy) -> io::Result<()> {
        fault::change(Change::Remove, &self.path(name))?;
        self.dir.remove_file_or_symlink(name)
    }

    /// Removes a folder that is empty.
    pub(super) fn remove_empty(&self, name: impl AsRef<Path> + Copy) -> io::Result<()> {
        fault::change(Change::Remove, &self.path(name))?;
        self.dir.remove_dir(name)
    }

    /// Removes a folder and all that is in it; links themselves, not what they lead to.
    pub(super) fn remove_folder(&self, name: impl AsRef<Path> + Copy) -> io::Result<()> {
        fault::change(Change::Remove, &self.path(name))?;
        self.dir.remove_dir_all(name)
    }

    /// All that is in it.
    pub(super) fn entries(&self) -> io::Result<ReadDir> {
        fault::read(&self.path)?;
        self.dir.entries().map_err(|error| named(&self.path, &error))
    }

    /// The names of Arcanary's own plain files in it that end with one of `endings`.
    pub(super) fn left(&self, endings: &[&str]) -> impl Iterator<Item = String> {
        let plain = self.dir.entries().into_iter().flatten().flatten();
        let plain = plain.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let names = plain.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.starts_with(OWN) && endings.iter().any(|ending| name.ends_with(ending)))
    }

    fn link(&self, name: impl AsRef<Path> + Copy) -> io::Error {
        refused(&self.path(name), "it is a link, and links are not followed; put a plain file in its place")
    }
}
