//! `arcanary fetch-pack`

use super::{Exit, complain, complain_of, here, shown, tell, waiting};
use crate::escape;
use crate::files;
use crate::pack::fetch::{fetch, standing, unpack};
use crate::pack::release;
use crate::pack::remote::Remote;
use clap::Args;
use semver::Version;
use std::path::PathBuf;

/// Fetch a published pack from a git repository, and check it
#[derive(Args)]
pub struct FetchPack {
    /// The git repository: a URL or a path
    #[arg(long, value_name = "URL|PATH")]
    repo: String,
    /// The branch [default: the repository's default branch]
    #[arg(long, value_name = "B")]
    branch: Option<String>,
    /// The pack's name; required if the repository holds several
    #[arg(long, value_name = "NAME")]
    pack: Option<String>,
    /// The version [default: the latest]
    #[arg(long, value_name = "X.Y.Z")]
    version: Option<Version>,
    /// Write the pack's sources, for a project that tunes it, instead of the release
    #[arg(long)]
    sources: bool,
    /// Write to this folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl FetchPack {
    pub fn run(&self) -> Exit {
        // Check the folder before fetching anything.
        let folder = match files::output(&self.out, &[&here()]) {
            Ok(folder) => folder,
            Err(error) => return complain(&format!("cannot write {error}")),
        };
        let remote = Remote::fetch(&self.repo, here(), self.branch.as_deref()).map_err(|why| vec![why]);
        let fetched = remote.and_then(|remote| fetch(&remote, self.pack.as_deref(), self.version.as_ref()));
        let release = match fetched {
            Ok(release) => release,
            Err(wrong) => return complain_of(&wrong),
        };
        let (name, version) = (&release.manifest.name, release.version());
        let newer = standing(&folder, name).filter(|there| there.cmp_precedence(version).is_gt());
        if let (Some(there), None) = (newer, &self.version) {
            return complain(&format!(
                "{} contains {name} {there}, but the latest version in the repository is {version}: pass `--version {version}` to go back",
                shown(&self.out)
            ));
        }
        let waiting = || waiting(&self.out);
        let written = match self.sources {
            true => unpack(&release, &folder, &waiting),
            false => release::write(&release.files, &folder, &waiting),
        };
        match written {
            Ok(()) => {
                let what = if self.sources { "sources" } else { "release" };
                tell(&format!("{name} {version}: {what} in {}", shown(&self.out)));
                Exit::Fine
            }
            Err(error) => complain(&format!("cannot write {}", escape::line(&error.to_string()))),
        }
    }
}
