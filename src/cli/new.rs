//! `arcanary new`

use super::{Exit, complain, tell};
use crate::escape;
use crate::scaffold;
use clap::Args;
use std::path::PathBuf;

/// Create a project in a new folder
#[derive(Args)]
pub struct New {
    /// The project's folder; it must not exist yet, or be empty
    dir: PathBuf,
}

impl New {
    pub fn run(&self) -> Exit {
        match scaffold::new_project(&self.dir) {
            Ok(files) => {
                for file in files {
                    tell(&format!("  {}", escape::line(&self.dir.join(file).display().to_string())));
                }
                let dir = quoted(&escape::line(&self.dir.display().to_string()));
                tell(&format!("next: cd {dir} && arcanary test"));
                Exit::Fine
            }
            Err(error) => complain(&escape::line(&error.to_string())),
        }
    }
}

/// A path as a shell takes it: in quotes if it needs any.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/\\._-+:@%,~".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else if path.contains(['"', '$', '`', '!', '\\']) {
        format!("'{}'", path.replace('\'', r"'\''"))
    } else {
        format!("\"{path}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn paths_that_a_shell_would_split_or_expand_are_quoted() {
        for (path, shown) in [
            ("acme/rules-1.0", "acme/rules-1.0"),
            (r"C:\acme", r"C:\acme"),
            ("My Detections", r#""My Detections""#),
            ("O'Brien", r#""O'Brien""#),
            ("a & b; c", r#""a & b; c""#),
            ("$HOME/it's", r"'$HOME/it'\''s'"),
        ] {
            assert_eq!(quoted(path), shown);
        }
    }
}
