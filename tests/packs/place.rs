//! A folder to work in, and the program in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A utility, a list and two rules that use them.
pub const UTILITIES: &str = r#"
utility rar "WinRAR" { os [windows] image ["rar.exe"] verb create = first "a" switch password = glued "p" except "-" }
list shares = ['\\srv\a', '\\srv\b']
"#;
pub const PACKED: &str = r#"
/// Detects a password.
rule packed {
  title "Archive with a Password" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a20 level medium os [windows] attack [T1560.001]
  detect process where runs rar to create with password
  test "a password" fires process { executable 'C:\rar.exe', command_line 'rar a -px a.rar b' }
  test "none" silent process { executable 'C:\rar.exe', command_line 'rar a a.rar b' }
}
"#;
pub const SHARED: &str = r#"
rule shared {
  title "Archive on a Share" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a21 level low os [windows]
  license "DRL-1.1"
  detect process where runs rar to create and argument under any shares
  test "a share" fires process { executable 'C:\rar.exe', command_line 'rar a \\srv\a\x.rar b' }
}
"#;

/// A folder that goes with the test.
pub struct Place {
    folder: tempfile::TempDir,
}

/// How the program ended, and what it printed.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// What it printed, where it was fine.
    #[track_caller]
    pub fn fine(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Its messages, where it ended with this code.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self.err
    }
}

impl Place {
    /// An empty folder.
    pub fn empty() -> Place {
        Place { folder: tempfile::tempdir().expect("a folder") }
    }

    /// A project of two rules for two targets, without a lock.
    pub fn project() -> Place {
        let place = Place::empty();
        place.write(
            "arcanary.yaml",
            "name: acme\nversion: 0.1.0 # by hand once\nsources: [rules]\ntargets: [sentinel, sigma]\n",
        );
        place.write("rules/utilities.det", UTILITIES);
        place.write("rules/packed.det", PACKED);
        place.write("rules/shared.det", SHARED);
        place
    }

    /// The same with a lock.
    pub fn locked() -> Place {
        let place = Place::project();
        place.run(&["pack", "--bump"]).fine();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    /// Puts other text in the place of some that stands in a file once or more.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not hold {from}");
        self.write(name, &text.replace(from, to));
    }

    /// Git in this folder.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        git_in(self.folder.path(), arguments)
    }

    /// A commit of everything.
    pub fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "a commit"]);
    }

    /// The program in this folder.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        run_in(self.folder.path(), arguments)
    }
}

/// A command with a git identity and none of this machine's configuration.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for (name, value) in [("NAME", "A Tester"), ("EMAIL", "tester@example.org")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command
}

/// Git in a folder.
#[track_caller]
pub fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let output = command("git").args(arguments).current_dir(folder).output().expect("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

/// The program in a folder.
pub fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    let output = command(env!("CARGO_BIN_EXE_arcanary")).args(arguments).current_dir(folder).output().expect("started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
}
