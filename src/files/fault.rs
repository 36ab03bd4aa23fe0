//! Faults that tests ask for: the process is killed, the disk is full or cannot be written, at a step that the test names.
//!
//! Without the feature `faults`, nothing here does anything. With it, `ARCANARY_FAULT=KIND:N` names a kind and the step at
//! which it begins, and `ARCANARY_FAULT_LOG` a file that gets a line for each step. Steps that change something and steps
//! that read are counted apart.
//!
//! | kind | from step N on |
//! |---|---|
//! | `kill` | the process ends on the spot, as by `kill -9`; a file that is being written is half there |
//! | `fail` | step N fails, once |
//! | `full` | nothing new can be written; moving and removing work |
//! | `read-only` | nothing can be changed |
//! | `unreadable` | reading step N fails, once |

use std::io;
use std::path::Path;

/// A step that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A folder or an empty file is made.
    Make,
    /// Bytes go into a file; half of them are there already.
    Write,
    /// A file or folder gets another name.
    Move,
    /// A file or folder goes.
    Remove,
}

#[cfg(not(feature = "faults"))]
mod none {
    use super::{Change, Path, io};

    /// Asks whether a change fails.
    #[inline]
    pub(in super::super) fn change(_: Change, _: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Asks whether reading fails.
    #[inline]
    pub(in super::super) fn read(_: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(feature = "faults"))]
pub(super) use none::{change, read};

#[cfg(feature = "faults")]
mod some {
    use super::{Change, Path, io};
    use std::io::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static CHANGES: AtomicUsize = AtomicUsize::new(0);
    static READS: AtomicUsize = AtomicUsize::new(0);

    /// Counts a change; ends the process or fails if the test wants that.
    pub(in super::super) fn change(change: Change, path: &Path) -> io::Result<()> {
        let step = next(&CHANGES, &format!("{change:?}"), path);
        let Some((kind, at)) = wanted() else { return Ok(()) };
        let grows = matches!(change, Change::Make | Change::Write);
        match kind.as_str() {
            "kill" if step == at => std::process::abort(),
            "fail" if step == at => Err(io::Error::other("a fault that the test asked for")),
            "full" if step >= at && grows => Err(io::ErrorKind::StorageFull.into()),
            "read-only" if step >= at => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            _ => Ok(()),
        }
    }

    /// Counts a step that reads; fails if the test wants that.
    pub(in super::super) fn read(path: &Path) -> io::Result<()> {
        let step = next(&READS, "Read", path);
        match wanted() {
            Some((kind, at)) if kind == "unreadable" && step == at => {
                Err(super::super::named(path, &io::ErrorKind::PermissionDenied.into()))
            }
            _ => Ok(()),
        }
    }

    fn next(counter: &AtomicUsize, what: &str, path: &Path) -> usize {
        let step = counter.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(log) = std::env::var_os("ARCANARY_FAULT_LOG") {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
            // One write for each line, because threads write at the same time. A test that finds no lines fails.
            let line = format!("{what} {step} {}\n", path.display());
            let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
        }
        step
    }

    fn wanted() -> Option<(String, usize)> {
        let asked = std::env::var("ARCANARY_FAULT").ok()?;
        let (kind, step) = asked.split_once(':')?;
        Some((kind.to_owned(), step.parse().ok()?))
    }
}

#[cfg(feature = "faults")]
pub(super) use some::{change, read};
