//! A link comes into the place of a folder or of a file at any moment. Nothing that it leads to is read, written or removed.

use super::{Replacement, Tree, files_in, rewrite};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long each command runs against each place that is swapped.
const LONG: Duration = Duration::from_millis(400);

const OURS: &[u8] = b"ours";

/// What a command does with the folder `out`.
type Command = fn(&Path) -> io::Result<()>;

/// All commands that write below a folder, by what they do.
const COMMANDS: [(&str, Command); 5] = [
    ("write", |out| {
        let tree = Tree::lock(out, "build", &|| {})?;
        ["sigma/a.yml", "sigma/b.yml", "sigma/new/c.yml"].iter().try_for_each(|name| tree.write(name, OURS))
    }),
    ("read and remove", |out| {
        let tree = Tree::output(out);
        for name in ["sigma/a.yml", "sigma/b.yml"] {
            if let Some(bytes) = tree.read(name)? {
                assert_eq!(bytes, OURS, "{name} was read from outside");
            }
            tree.remove(name)?;
        }
        tree.write("sigma/a.yml", OURS)
    }),
    ("sweep", |out| {
        let tree = Tree::lock(out, "build", &|| {})?;
        tree.write("sigma/.arcanary-0.part", OURS)?;
        assert!(!tree.has_left("nothing"));
        tree.sweep("sigma");
        Ok(())
    }),
    ("rewrite", |out| {
        Tree::output(out).write("sigma/a.yml", OURS)?;
        rewrite(&out.join("sigma/a.yml"), OURS, OURS)
    }),
    ("replace", |out| {
        let files = ["a.yml", "new/c.yml"].map(|name| (name.to_owned(), OURS.to_vec()));
        Replacement::begin(&out.join("sigma"), &|| {})?.finish(&BTreeMap::from(files), &|_| Ok(()))
    }),
];

/// Puts a link to `outside` into the place of `inside` and takes it away again, as fast as it goes.
fn swap(inside: &Path, aside: &Path, outside: &Path, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        if fs::rename(inside, aside).is_err() {
            continue;
        }
        // A command may have made or moved what is there now: then there is no link this time.
        let _ = symlink(outside, inside);
        let _ = fs::remove_file(inside);
        if fs::rename(aside, inside).is_err() {
            let _ = fs::remove_dir_all(aside);
        }
    }
}

fn all(folder: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    files_in(folder)?.into_iter().map(|name| fs::read(folder.join(&name)).map(|bytes| (name, bytes))).collect()
}

#[test]
fn a_link_that_comes_while_a_command_runs_is_not_followed() {
    for (what, command) in COMMANDS {
        for swapped in ["out", "out/sigma", "out/sigma/a.yml"] {
            let place = tempfile::tempdir().expect("a folder");
            let base = fs::canonicalize(place.path()).expect("a path");
            let outside = base.join("outside");
            for name in ["out/sigma/a.yml", "out/sigma/b.yml"] {
                for (base, bytes) in [(&base, OURS), (&outside, b"theirs")] {
                    fs::create_dir_all(base.join("out/sigma")).expect("a folder");
                    fs::write(base.join(name), bytes).expect("written");
                }
            }
            fs::write(outside.join("out/sigma/.arcanary-0.part"), "theirs").expect("written");
            let before = all(&outside).expect("files");
            let stop = AtomicBool::new(false);
            let (mut done, mut refused) = (0, BTreeMap::<String, usize>::new());
            std::thread::scope(|scope| {
                scope.spawn(|| swap(&base.join(swapped), &base.join("aside"), &outside.join(swapped), &stop));
                let begun = Instant::now();
                // On a busy machine the link may stay for a while.
                while begun.elapsed() < LONG || done == 0 && begun.elapsed() < 50 * LONG {
                    match command(&base.join("out")) {
                        Ok(()) => done += 1,
                        Err(error) => *refused.entry(error.to_string()).or_default() += 1,
                    }
                }
                stop.store(true, Ordering::Relaxed);
            });
            assert_eq!(all(&outside).expect("files"), before, "{what}, while {swapped} was swapped");
            assert!(done > 0, "{what}, while {swapped} was swapped: never done, but {refused:#?}");
        }
    }
}
