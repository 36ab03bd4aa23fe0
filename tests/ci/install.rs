//! How the action gets the program: a binary of its own release, or a build of its own checkout.

use crate::action::{installed, runner, steps};
use crate::release::{TARGET, VERSION, release, sum, targets};
use crate::runner::Runner;
use crate::{Project, fine, root, run};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A `curl` that has the files of one release, and logs what it is asked for.
pub fn curl(release: &Path) -> String {
    let release = release.display();
    format!(
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do\n  case $1 in --output) out=$2 ;; --remote-name) out=${{2##*/}} ;; esac\n  shift\ndone\n\
         echo \"$1\" >> '{release}.log'\n\
         case $1 in https://github.com/*/arcanary/releases/download/v{VERSION}/*) ;; *) exit 6 ;; esac\n\
         cp '{release}/'\"${{1##*/}}\" \"${{out:-${{1##*/}}}}\" 2>/dev/null || exit 22\n"
    )
}

/// A runner without the program, a release, and what `gh` says of attestations: its exit code.
struct Place {
    /// The runner's workspace, which is gone when this is dropped.
    _project: Project,
    folder: tempfile::TempDir,
    runner: Runner,
}

impl Place {
    fn new(attested: i32) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let hub = folder.path().join("release");
        fs::create_dir(&hub).expect("a folder");
        release(&hub);
        let project = Project::new();
        let mut runner = runner(&project, &[("command", "--version")]);
        fs::remove_dir_all(runner.temp().join("arcanary")).expect("removed");
        runner.stub("curl", &curl(&hub));
        let asked = folder.path().join("gh.log").display().to_string();
        runner.stub(
            "gh",
            &format!("#!/bin/sh\n[ \"$2\" = --help ] && exit\necho \"$*\" >> '{asked}'\nexit {attested}\n"),
        );
        // What cargo is asked; a build of the whole program would take minutes.
        runner.stub(
            "cargo",
            "#!/bin/sh\necho \"cargo $*\"\nmkdir -p \"$6/bin\"\nprintf '#!/bin/sh\\necho built\\n' > \"$6/bin/arcanary\"\n\
             chmod +x \"$6/bin/arcanary\"\n",
        );
        Place { _project: project, folder, runner }
    }

    fn hub(&self) -> std::path::PathBuf {
        self.folder.path().join("release")
    }

    fn archive(&self) -> std::path::PathBuf {
        self.hub().join(format!("arcanary-{VERSION}-{TARGET}.tar.gz"))
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

#[test]
fn the_action_installs_the_binary_of_its_own_release() {
    let mut place = Place::new(0);
    let job = place.runner.run(&steps(), &[]);
    let version = format!("arcanary {VERSION}\n");
    assert_eq!(job.fine().out("Command"), version, "later steps find it");
    let names: Vec<&str> = job.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["Download", "Command"], "nothing is built");
    assert!(installed(&place.runner).is_file());
    let files = ["SOURCES".to_owned(), format!("arcanary-{VERSION}-{TARGET}.tar.gz")];
    let asked = files.map(|file| {
        format!("attestation verify {file} --repo someone/arcanary --signer-workflow someone/arcanary/.github/workflows/release.yml\n")
    });
    assert_eq!(place.log("gh.log"), asked.concat());
    place.runner.stub("curl", "#!/bin/sh\nexit 99\n");
    let again = place.runner.run(&steps(), &[]);
    assert_eq!(again.fine().out("Download"), version, "a second use in the job downloads nothing");
}

#[test]
fn a_release_that_is_not_what_it_says_installs_nothing() {
    type Change = fn(&Place);
    let cases: [(&str, &str, Change); 6] = [
        ("another archive", ".tar.gz has SHA-256 ", |place| fs::write(place.archive(), "another").expect("written")),
        ("other sources", "SOURCES has SHA-256 ", |place| fs::write(place.hub().join("SOURCES"), "").expect("written")),
        ("a missing sum", " does not list arcanary-", |place| {
            let sums = fs::read_to_string(place.hub().join("SHA256SUMS")).expect("sums");
            let first = sums.lines().next().expect("a line");
            fs::write(place.hub().join("SHA256SUMS"), format!("{first}\n")).expect("written");
        }),
        ("an empty list", " does not list SOURCES", |place| {
            fs::write(place.hub().join("SHA256SUMS"), "").expect("written");
        }),
        ("no archive", " cannot be unpacked", |place| {
            fs::write(place.archive(), "text").expect("written");
            sum(&place.hub());
        }),
        ("another version", " does not hold arcanary ", |place| {
            let script = format!(
                "d=arcanary-{VERSION}-{TARGET} && mkdir $d && printf '#!/bin/sh\\necho arcanary 0.0.1\\n' > $d/arcanary && \
                 chmod +x $d/arcanary && tar -czf $d.tar.gz $d && rm -r $d"
            );
            fine(run(Command::new("sh").args(["-c", &script]).current_dir(place.hub())));
            sum(&place.hub());
        }),
    ];
    for (what, says, change) in cases {
        let mut place = Place::new(0);
        change(&place);
        let job = place.runner.run(&steps(), &[]);
        assert_eq!(job.failed(), Some("Download"), "{what}: {job:#?}");
        let said = job.out("Download");
        assert!(said.contains("::error title=Arcanary was not installed::") && said.contains(says), "{what}: {said}");
        assert_eq!((job.steps.len(), installed(&place.runner).exists()), (1, false), "{what}");
    }
    let mut place = Place::new(1);
    let job = place.runner.run(&steps(), &[]);
    assert!(
        job.out("Download").contains("::SOURCES of https://github.com/someone/arcanary/releases/download/"),
        "{job:#?}"
    );
    assert_eq!((job.failed(), installed(&place.runner).exists()), (Some("Download"), false), "no attestation");
}

#[test]
fn without_a_binary_the_action_builds_its_own_checkout_and_says_why() {
    type Change = fn(&mut Place);
    let cases: [(&str, Change); 6] = [
        ("SHA256SUMS could not be downloaded from ", |place| fs::remove_dir_all(place.hub()).expect("removed")),
        ("SOURCES could not be downloaded from ", |place| {
            fs::remove_file(place.hub().join("SOURCES")).expect("removed")
        }),
        (".tar.gz could not be downloaded from ", |place| fs::remove_file(place.archive()).expect("removed")),
        ("The action's ref is not release v", |place| {
            fs::write(place.hub().join("SOURCES"), "0123\n").expect("written");
            sum(&place.hub());
        }),
        ("The action lies in the repository itself", |place| place.runner.set("github.action_repository", "")),
        ("There is no binary for Linux on RISCV64.", |place| {
            place.runner.env.insert("RUNNER_ARCH".to_owned(), "RISCV64".to_owned());
        }),
    ];
    for (why, change) in cases {
        let mut place = Place::new(0);
        change(&mut place);
        let job = place.runner.run(&steps(), &[]);
        let notice = job.fine().out("Download").contains("::notice title=Arcanary is built from source::");
        assert!(notice && job.out("Download").contains(why), "{why}: {}", job.out("Download"));
        let bin = installed(&place.runner);
        let bin = bin.parent().expect("bin").parent().expect("its root").display();
        let (from, into) = (root(""), format!("{bin} --target-dir {bin}/target"));
        // `pwd` ends with no slash.
        let from = from.display().to_string();
        let asked = format!("cargo install --locked --path {} --root {into}\nbuilt\n", from.trim_end_matches('/'));
        assert_eq!(job.out("Build"), asked);
        assert_eq!(job.out("Command"), "built\n", "later steps find it");
    }
}

#[test]
fn what_the_cache_brought_is_not_built_again() {
    let project = Project::new();
    let mut runner = runner(&project, &[]);
    runner.stub("cargo", "#!/bin/sh\nexit 99\n");
    runner.set("steps.arcanary.outputs.build == 'true'", "true");
    let mut steps = steps();
    steps.as_sequence_mut().expect("steps").retain(|step| step["name"] == "Build");
    assert_eq!(runner.run(&steps, &[]).fine().out("Build"), format!("arcanary {VERSION}\n"));
}

/// Each runner of GitHub asks for an archive that the release workflow makes, and every archive has its runner.
#[test]
fn each_runner_asks_for_the_archive_of_its_own_system() {
    let mut place = Place::new(0);
    let mut asked = BTreeSet::new();
    for (system, processor) in
        [("Linux", "X64"), ("Linux", "ARM64"), ("macOS", "X64"), ("macOS", "ARM64"), ("Windows", "X64")]
    {
        fs::remove_file(place.archive()).ok();
        fs::remove_file(place.folder.path().join("release.log")).ok();
        fs::remove_dir_all(place.runner.temp().join("arcanary")).ok();
        for (name, value) in [("RUNNER_OS", system), ("RUNNER_ARCH", processor)] {
            place.runner.env.insert(name.to_owned(), value.to_owned());
        }
        place.runner.run(&steps(), &[]).fine();
        let log = place.log("release.log");
        let name = log.lines().last().and_then(|url| url.rsplit('/').next()).expect("a file");
        let ending = if system == "Windows" { ".zip" } else { ".tar.gz" };
        let target = name.strip_prefix(&format!("arcanary-{VERSION}-")).and_then(|name| name.strip_suffix(ending));
        asked.insert(target.unwrap_or_else(|| panic!("{log}")).to_owned());
    }
    assert_eq!(asked, targets());
}
