//! What surrounds a witness: hosts, users, folders and programs as real logs have them, so that an event of a few
//! conditions looks like one that a sensor wrote.

use crate::sema::Project;
use crate::vocabulary::{FieldId, Kind, Os, Utility};

/// 2026-01-01T00:00:00Z, in microseconds since 1970.
pub const BEGINNING: i64 = 1_767_225_600_000_000;

/// The place where a witness is set.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'p> {
    /// The project, for its utilities.
    pub project: &'p Project,
    /// The kind of event.
    pub kind: Kind,
    /// The system.
    pub os: Os,
    /// The program goes by another name than its own.
    pub renamed: bool,
}

impl<'p> Scene<'p> {
    /// The separator of paths.
    #[must_use]
    pub fn separator(&self) -> char {
        if self.os == Os::Windows { '\\' } else { '/' }
    }

    fn choose(&self, windows: &'static str, linux: &'static str, macos: &'static str) -> &'static str {
        match self.os {
            Os::Windows => windows,
            Os::Linux => linux,
            Os::Macos => macos,
        }
    }

    /// The utility that a program's file name belongs to.
    #[must_use]
    pub fn utility(&self, name: &str) -> Option<&'p Utility> {
        let named = |u: &&Utility| u.image.iter().any(|i| i.eq_ignore_ascii_case(name));
        self.project.utilities.values().filter(|u| u.os.contains(&self.os)).find(named)
    }

    /// Folders in which a program may lie, the likeliest first.
    #[must_use]
    pub fn program_folders(&self, name: &str) -> Vec<String> {
        if self.renamed {
            return vec![self.choose(r"C:\Users\Public", "/tmp", "/tmp").to_owned()];
        }
        if name == "explorer.exe" {
            return vec![r"C:\Windows".to_owned()];
        }
        let homes = self.utility(name).into_iter().flat_map(|u| &u.home);
        let native = |home: &&String| home.starts_with('/') == (self.os != Os::Windows);
        let mut out: Vec<String> = homes
            .filter(native)
            .map(|h| if h.starts_with(':') { format!("C{h}") } else { h.clone() })
            .take(3)
            .collect();
        let usual: &[&str] = match self.os {
            Os::Windows => {
                &[r"C:\Windows\System32", r"C:\Program Files\Tools", r"C:\Users\Public", r"C:\Users\kim\Downloads"]
            }
            Os::Linux => &["/usr/bin", "/usr/local/bin", "/tmp", "/home/kim/bin"],
            Os::Macos => &["/usr/bin", "/usr/local/bin", "/tmp", "/Users/kim/bin"],
        };
        out.extend(usual.iter().map(|f| (*f).to_owned()));
        out
    }

    /// Folders in which other files may lie.
    #[must_use]
    pub fn folders(&self, field: &str) -> Vec<String> {
        let system = self.choose(r"C:\Windows\System32", "/usr/lib", "/usr/lib");
        let own = [self.documents(), self.choose(r"C:\Users\Public", "/tmp", "/tmp").to_owned()];
        match field {
            "dll.path" => [system.to_owned()].into_iter().chain(own).collect(),
            _ => own.into_iter().chain([system.to_owned()]).collect(),
        }
    }

    /// A piece of a path as a whole path, and as it is.
    #[must_use]
    pub fn rooted(&self, piece: &str) -> Vec<String> {
        let windows = self.os == Os::Windows;
        let drive = piece.chars().nth(1) == Some(':') || piece.starts_with(r"\\");
        let home = self.home();
        match piece.chars().next() {
            _ if windows && drive => vec![piece.to_owned()],
            Some('/') if !windows => vec![piece.to_owned()],
            Some('\\' | '/') => vec![format!("{home}{piece}"), format!("C:{piece}"), piece.to_owned()],
            Some(':') if windows => vec![format!("C{piece}"), piece.to_owned()],
            _ => vec![format!("{home}{}{piece}", self.separator()), piece.to_owned()],
        }
    }

    /// A user's documents.
    #[must_use]
    pub fn documents(&self) -> String {
        self.choose(r"C:\Users\kim\Documents", "/home/kim/documents", "/Users/kim/Documents").to_owned()
    }

    /// A user's home.
    #[must_use]
    pub fn home(&self) -> &'static str {
        self.choose(r"C:\Users\kim", "/home/kim", "/Users/kim")
    }

    /// A file's name where the rule asks for none.
    #[must_use]
    pub fn file_name(&self, field: &str) -> &'static str {
        match (field, self.kind) {
            ("executable", Kind::Process) if self.renamed => self.choose("updater.exe", "updater", "updater"),
            ("executable", Kind::Process) => self.choose("cmd.exe", "bash", "zsh"),
            ("executable", Kind::Script) => self.choose("powershell.exe", "pwsh", "pwsh"),
            ("executable", _) => self.choose("svchost.exe", "bash", "zsh"),
            ("parent.executable", _) => self.choose("explorer.exe", "bash", "zsh"),
            ("dll.path", _) => self.choose("version.dll", "libz.so", "libz.dylib"),
            ("script.path", _) => "report.ps1",
            _ => "report.docx",
        }
    }

    /// Whether an event has a field although no condition asks about it.
    #[must_use]
    pub fn shows(&self, field: FieldId) -> bool {
        match field.short() {
            "executable" | "process.name" | "command_line" | "parent.name" => self.kind != Kind::Script,
            "parent.executable" | "parent.command_line" | "original_name" => self.kind == Kind::Process,
            "file.path" | "file.name" | "dll.path" | "dll.name" => true,
            _ => self.usual(field).is_some() || self.usual_number(field).is_some(),
        }
    }

    /// The value of a field that no condition asks about; `None`: the event goes without.
    #[must_use]
    pub fn usual(&self, field: FieldId) -> Option<&'static str> {
        let windows = self.os == Os::Windows;
        Some(match field.short() {
            "host.name" => self.choose("WS-0142", "srv-0142", "mac-0142"),
            "host.os" => self.os.word(),
            "user.name" => "kim",
            "user.domain" if windows => "CORP",
            "user.id" => self.choose("S-1-5-21-1004336348-1177238915-682003330-1142", "1000", "501"),
            "process.working_directory" if windows => r"C:\Users\kim\",
            "process.working_directory" => self.home(),
            "process.entity_id" => "6fc1b2a4-0142-6956-7b02-000000000400",
            "parent.entity_id" => "6fc1b2a4-0142-6955-1e00-000000000400",
            "file.action" => "created",
            "network.direction" => "outbound",
            "network.transport" => "tcp",
            "source.ip" => "10.0.4.17",
            "destination.ip" => "203.0.113.10",
            "script.text" => "Get-ChildItem",
            _ => return None,
        })
    }

    /// The number of a field that no condition asks about.
    #[must_use]
    pub fn usual_number(&self, field: FieldId) -> Option<i64> {
        Some(match field.short() {
            "process.pid" => 4312,
            "parent.pid" => 2764,
            "file.size" => 1_048_576,
            "source.port" => 50_124,
            "destination.port" => 443,
            "event.time" => BEGINNING,
            _ => return None,
        })
    }
}
