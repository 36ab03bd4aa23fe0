//! The name and the version of a project, as those of a pack.

use super::{Loaded, Role, config_place};
use crate::diagnostic::{Code, Diagnostic};
use crate::file_names::{PROJECT, is_pack_name, near_pack_name};
use semver::Version;

/// The project's version, if its name and version can be a pack's.
///
/// # Errors
/// Which of the two cannot, and what to write instead.
pub(crate) fn identity(loaded: &Loaded) -> Result<Version, Diagnostic> {
    check_name(loaded)?;
    check_version(loaded)
}

/// # Errors
/// The project's name cannot be a pack's name.
pub(crate) fn check_name(loaded: &Loaded) -> Result<(), Diagnostic> {
    let name = &loaded.config.name;
    if is_pack_name(name) {
        return Ok(());
    }
    let message = match name.is_empty() {
        true => "the project has no name".to_owned(),
        false => format!("`{name}` cannot be the name of a pack"),
    };
    let example = near_pack_name(name).unwrap_or_else(|| "my-pack".to_owned());
    let diagnostic = Diagnostic::new(Code::BadProject, message)
        .note(
            "a name is 1 to 64 characters: lower-case letters, digits, and inside it `-`, `_` and `.`; it is not a \
             device name of Windows",
        )
        .help(format!("write `name: {example}` in {PROJECT}"));
    Err(config_place(loaded, Role::Value("name"), name, diagnostic, "files and tags carry this name"))
}

/// # Errors
/// The project's version is not a semantic version.
pub(crate) fn check_version(loaded: &Loaded) -> Result<Version, Diagnostic> {
    let version = &loaded.config.version;
    Version::parse(version).map_err(|why| {
        let message = match version.is_empty() {
            true => "the project has no version".to_owned(),
            false => format!("`{version}` is not a version: {why}"),
        };
        let diagnostic =
            Diagnostic::new(Code::BadProject, message).help(format!("write `version: 0.1.0` in {PROJECT}"));
        config_place(loaded, Role::Value("version"), version, diagnostic, "a version is three numbers")
    })
}
