//! `arcanary publish`

use super::pack::told_refusal;
use super::{Exit, Input, Printed, complain, complain_of, counted, here, print, report, tell};
use crate::pack::publish::{Plan, plan, publish, uncommitted};
use crate::pack::release::ready;
use crate::pack::remote::Remote;
use crate::pack::verify::{Release, verify_files};
use clap::Args;
use std::path::{Path, PathBuf};

/// Publish a project's release to a git repository
#[derive(Args)]
pub struct Publish {
    /// The project's folder [default: the project in this folder or above]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The git repository: a URL or a path
    #[arg(long, value_name = "URL|PATH")]
    repo: String,
    /// The branch [default: the repository's default branch]
    #[arg(long, value_name = "B")]
    branch: Option<String>,
    /// Also tag the commit `vX.Y.Z`
    #[arg(long)]
    tag: bool,
    /// Push nothing; show the files and the commit message
    #[arg(long)]
    dry_run: bool,
    /// Publish even if sources are not committed
    #[arg(long)]
    allow_dirty: bool,
    /// Run the hooks of a repository that is a folder on this machine
    #[arg(long)]
    run_hooks: bool,
    #[command(flatten)]
    printed: Printed,
}

impl Publish {
    pub fn run(&self) -> Exit {
        let input = Input { paths: self.path.clone().into_iter().collect(), printed: self.printed };
        let loaded = input.load();
        let Some(targets) = input.targets(&[], &loaded) else { return Exit::Bad };
        if loaded.has_errors() {
            report(&loaded.diagnostics, &loaded.sources, self.printed.format);
            return Exit::Bad;
        }
        let (Some(root), None) = (&loaded.root, &loaded.selected) else {
            return complain("a pack is a whole project: name the project's folder, or no path");
        };
        let files = match ready(&loaded, &targets) {
            Ok(files) => files,
            Err(refusal) => return told_refusal(refusal, &loaded, self.printed.format),
        };
        let Some(lock) = &loaded.lock else { return Exit::Bad };
        let planned = verify_files(files).and_then(|release| {
            if !self.allow_dirty {
                committed(root, &release)?;
            }
            let mut remote = Remote::fetch(&self.repo, here(), self.branch.as_deref()).map_err(|why| vec![why])?;
            remote.allow_hooks(self.run_hooks).map_err(|why| vec![why])?;
            let plan = plan(&remote, &release, lock, self.tag)?;
            Ok((remote, plan))
        });
        let (remote, plan) = match planned {
            Ok(planned) => planned,
            Err(wrong) => {
                complain_of(&wrong);
                tell("nothing was published");
                return Exit::Bad;
            }
        };
        if self.dry_run {
            print(&shown(&plan));
            return Exit::Fine;
        }
        match publish(&remote, &plan) {
            Ok(()) => {
                print(&format!("{}: {}\n", remote.name, summary(&plan)));
                Exit::Fine
            }
            Err(why) => complain_of(&[why]),
        }
    }
}

/// Checks that the sources of the release are committed.
fn committed(root: &Path, release: &Release) -> Result<(), Vec<String>> {
    let wrong = match uncommitted(root, release) {
        Ok(open) => open.into_iter().map(|path| format!("{path} has changes that are not committed")).collect(),
        Err(why) => vec![why],
    };
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.into_iter().chain(["commit them, or pass --allow-dirty".to_owned()]).collect())
}

fn summary(plan: &Plan) -> String {
    let from = plan.before.as_ref().map(|v| format!("{v} → ")).unwrap_or_default();
    let tag = plan.tag.as_ref().map(|t| format!(", tag {t}")).unwrap_or_default();
    let (written, removed) = (counted(plan.write.len(), "file"), counted(plan.remove.len(), "file"));
    format!("{from}{} on {}{tag}: {written} written, {removed} removed", plan.version, plan.branch)
}

fn shown(plan: &Plan) -> String {
    let written = plan.write.keys().map(|path| format!("+ {path}\n"));
    let removed = plan.remove.iter().map(|path| format!("- {path}\n"));
    let lines: String = written.chain(removed).collect();
    let message: String = plan.message.lines().map(|l| format!("    {l}").trim_end().to_owned() + "\n").collect();
    format!("{lines}\n{message}\nwould be {}\n", summary(plan))
}
