//! The release workflow, job by job as GitHub runs them, and what it releases.

use crate::runner::{Job, Runner, yaml};
use crate::{fine, root, run};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const TARGET: &str = "x86_64-unknown-linux-musl";
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A small program that is the one under test: packing megabytes of debug information takes long and shows nothing.
pub fn program(path: &Path) {
    fs::write(path, concat!("#!/bin/sh\nexec '", env!("CARGO_BIN_EXE_arcanary"), "' \"$@\"\n")).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// Makes the archive of a target, and returns its path.
fn archive(target: &str, folder: &Path) -> PathBuf {
    program(&folder.join("program"));
    let made = Command::new(root(".ci/archive")).arg(target).arg(folder.join("program")).arg(folder).output();
    PathBuf::from(fine(made.expect("python3")).trim_end())
}

/// A release in a folder, as the job `attest` leaves it.
pub fn release(folder: &Path) {
    archive(TARGET, folder);
    fs::remove_file(folder.join("program")).expect("removed");
    fs::write(folder.join("SOURCES"), fine(run(Command::new(root(".ci/install")).arg("sources")))).expect("written");
    sum(folder);
}

/// Writes `SHA256SUMS` of a folder.
pub fn sum(folder: &Path) {
    let script = "sha256sum -- SOURCES arcanary-* > SHA256SUMS";
    fine(run(Command::new("sh").args(["-c", script]).current_dir(folder)));
}

/// The files below a folder, by their names from there.
fn below(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(below(&entry.path()).into_iter().map(|(inner, path)| (format!("{name}/{inner}"), path)));
        } else {
            found.insert(name, entry.path());
        }
    }
    found
}

/// The targets that the workflow builds.
pub fn targets() -> BTreeSet<String> {
    let workflow = yaml(&root(".github/workflows/release.yml"));
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_sequence().expect("targets").clone();
    matrix.iter().map(|entry| entry["target"].as_str().expect("a target").to_owned()).collect()
}

/// A checkout of this repository under a tag, with a changelog that has its version. `cargo` is one that builds nothing.
fn checkout(tag: &str) -> (tempfile::TempDir, Runner) {
    let folder = tempfile::tempdir().expect("a folder");
    for name in
        [".ci", "Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "rules", "src", "grammar", "targets", "templates"]
    {
        fine(run(Command::new("cp").arg("-R").arg(root(name)).arg(folder.path())));
    }
    let changelog = format!(
        "# Changelog\n\n## Unreleased\n\n- later\n\n## {VERSION}\n\n- first\n\n- second\n\n## 0.0.1\n\n- old\n"
    );
    fs::write(folder.path().join("CHANGELOG.md"), changelog).expect("written");
    fs::write(folder.path().join(".gitignore"), "dist\ntarget\n").expect("written");
    let script = "git init -q && git add . && git -c user.name=T -c user.email=t@example.org commit -qm 'a commit'";
    fine(run(Command::new("sh").args(["-c", script]).current_dir(folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null")));
    let mut runner = Runner::new(folder.path());
    runner.stub("rustup", "#!/bin/sh\n");
    runner.stub(
        "cargo",
        "#!/bin/sh\ncase \"$2\" in\nbuild) mkdir -p \"target/$TARGET/dist\" && cp \"$PROGRAM\" \"target/$TARGET/dist/arcanary\" ;;\n\
         install) ;;\ncyclonedx) printf '{\"bomFormat\": \"CycloneDX\"}' > sbom.json ;;\n*) exit 101 ;;\nesac\n",
    );
    program(&runner.temp().join("program"));
    let program = runner.temp().join("program").display().to_string();
    for (name, value) in [("GITHUB_REF_NAME", tag), ("PROGRAM", program.as_str())] {
        runner.env.insert(name.to_owned(), value.to_owned());
    }
    runner.set("matrix.target", TARGET);
    runner.set("github.token", "secret");
    // The program of the tests is not static.
    runner.set("runner.os == 'Linux'", "false");
    (folder, runner)
}

fn job(runner: &mut Runner, name: &str) -> Job {
    let workflow = yaml(&root(".github/workflows/release.yml"));
    let mut job = workflow["jobs"][name].clone();
    for step in job["steps"].as_sequence_mut().expect("steps") {
        step["shell"] = "bash".into();
    }
    runner.run(&job["steps"], &[&workflow, &job])
}

#[test]
fn an_archive_holds_the_program_its_completions_and_a_page_for_each_subcommand() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = archive(TARGET, folder.path());
    let stem = format!("arcanary-{VERSION}-{TARGET}");
    assert_eq!(made, folder.path().join(format!("{stem}.tar.gz")));
    fine(run(Command::new("tar").arg("-xzf").arg(&made).current_dir(folder.path())));
    let files = below(&folder.path().join(&stem));
    let arcanary = |arguments: &[&str]| fine(run(Command::new(env!("CARGO_BIN_EXE_arcanary")).args(arguments)));
    let read = |name: &str| fs::read_to_string(&files[name]).expect(name);
    let mut names = BTreeSet::from(["arcanary", "LICENSE", "README.md"].map(str::to_owned));
    for (shell, file) in [
        ("bash", "arcanary.bash"),
        ("zsh", "_arcanary"),
        ("fish", "arcanary.fish"),
        ("powershell", "_arcanary.ps1"),
        ("elvish", "arcanary.elv"),
    ] {
        let name = format!("completions/{file}");
        assert_eq!(read(&name), arcanary(&["completions", shell]));
        names.insert(name);
    }
    assert_eq!(read("man/arcanary.1"), arcanary(&["man"]));
    assert_eq!(read("man/arcanary-targets-show.1"), arcanary(&["man", "targets", "show"]));
    let help = arcanary(&["--help"]);
    let listed = help.split_once("Commands:\n").expect("commands").1.lines().take_while(|line| !line.is_empty());
    let commands = listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.extend(commands.filter(|name| *name != "help").map(|name| format!("man/arcanary-{name}.1")));
    names.extend(["man/arcanary.1", "man/arcanary-targets-show.1"].map(str::to_owned));
    assert_eq!(files.keys().cloned().collect::<BTreeSet<_>>(), names);
    for (name, path) in &files {
        let executable = fs::metadata(path).expect("a file").permissions().mode() & 0o111 != 0;
        assert_eq!(executable, name == "arcanary", "{name}");
    }
    let bytes = fs::read(&made).expect("the archive");
    assert_eq!(fs::read(archive(TARGET, folder.path())).expect("the archive"), bytes, "the same bytes each time");

    let zip = archive("x86_64-pc-windows-msvc", folder.path());
    let stem = format!("arcanary-{VERSION}-x86_64-pc-windows-msvc");
    assert_eq!(zip, folder.path().join(format!("{stem}.zip")));
    fine(run(Command::new("unzip").arg("-q").arg(zip).current_dir(folder.path())));
    names.remove("arcanary");
    names.insert("arcanary.exe".to_owned());
    assert_eq!(below(&folder.path().join(stem)).into_keys().collect::<BTreeSet<_>>(), names);
}

#[test]
fn there_is_no_archive_of_a_program_that_is_missing_fails_or_has_another_version() {
    for (script, says) in [
        (None, "there is no file "),
        (Some("#!/bin/sh\nexit 3\n"), "--version` ends with 3 and 0 bytes"),
        (Some("#!/bin/sh\necho arcanary 9.9.9\n"), "is `arcanary 9.9.9`, but Cargo.toml says "),
        (Some("not a program"), "does not start"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        if let Some(script) = script {
            fs::write(&program, script).expect("written");
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
        }
        let out = folder.path().join("out");
        let ran = run(Command::new(root(".ci/archive")).arg(TARGET).arg(program).arg(&out));
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && said.contains(says) && said.lines().count() == 1, "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn a_tag_that_is_not_the_version_or_has_no_notes_releases_nothing() {
    let tag = format!("v{VERSION}");
    let (folder, mut runner) = checkout(&tag);
    job(&mut runner, "version").fine();
    // The last one is the version of a dependency.
    for other in ["v9.9.9", &VERSION.replace('.', "a"), &format!("{tag}-rc.1"), "", "v1"] {
        runner.env.insert("GITHUB_REF_NAME".to_owned(), (*other).to_owned());
        let ran = job(&mut runner, "version");
        assert_eq!(ran.failed(), Some("The tag is the version"), "{other}");
        assert!(ran.steps[0].out.contains(&format!("::error::The tag is {other}, but Cargo.toml has version = ")));
    }
    runner.env.insert("GITHUB_REF_NAME".to_owned(), tag);
    fs::write(folder.path().join("CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n- later\n").expect("written");
    let ran = job(&mut runner, "version");
    assert_eq!(ran.failed(), Some("The tag is the version"));
    assert!(ran.steps[0].out.contains(&format!("CHANGELOG.md has no section '## {VERSION}'")), "{ran:#?}");
}

#[test]
fn a_tag_releases_archives_sums_sources_and_an_sbom() {
    let (folder, mut runner) = checkout(&format!("v{VERSION}"));
    for name in ["build", "sbom", "attest"] {
        job(&mut runner, name).fine();
    }
    let dist = folder.path().join("dist");
    let files = [
        "SHA256SUMS",
        "SOURCES",
        &format!("arcanary-{VERSION}-{TARGET}.tar.gz"),
        &format!("arcanary-{VERSION}.cdx.json"),
    ];
    assert_eq!(below(&dist).into_keys().collect::<Vec<_>>(), files);
    fine(run(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&dist)));
    let sums = fs::read_to_string(dist.join("SHA256SUMS")).expect("sums");
    let listed: Vec<&str> = sums.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name).collect();
    assert_eq!(listed, files[1..]);

    runner.stub("gh", "#!/bin/sh\necho \"gh $*\"\ncat notes.md\n");
    let published = job(&mut runner, "publish");
    let asked = format!(
        "gh release create v{VERSION} --verify-tag --title Arcanary {VERSION} --notes-file notes.md {}\n- first\n\n- second\n\n",
        files.map(|name| format!("dist/{name}")).join(" ")
    );
    assert!(published.fine().out("Publish").ends_with(&asked), "{}", published.out("Publish"));
    fs::write(dist.join("SOURCES"), "another").expect("written");
    assert_eq!(
        job(&mut runner, "publish").failed(),
        Some("Publish"),
        "what changed after it was summed is not released"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_binary_that_needs_shared_libraries_is_not_released() {
    let (_folder, mut runner) = checkout(&format!("v{VERSION}"));
    runner.set("runner.os == 'Linux'", "true");
    runner.env.insert("PROGRAM".to_owned(), env!("CARGO_BIN_EXE_arcanary").to_owned());
    assert_eq!(job(&mut runner, "build").failed(), Some("No shared library is needed"));
}

/// Only one job can sign and only one can write, and nothing is compiled in them.
#[test]
fn each_job_may_do_what_it_must_and_no_more() {
    let workflow = yaml(&root(".github/workflows/release.yml"));
    assert_eq!(workflow["permissions"].as_mapping().expect("none for all").len(), 0);
    let jobs = workflow["jobs"].as_mapping().expect("jobs");
    let mut writers = vec![];
    for (name, job) in jobs {
        let rights = job["permissions"].as_mapping().expect("permissions").iter();
        let writes = rights.filter(|(_, right)| right.as_str() != Some("read"));
        writers.extend(writes.map(|(what, _)| (name.as_str().expect("a name"), what.as_str().expect("a right"))));
        if job["permissions"]["contents"] == "write" || job["permissions"].get("id-token").is_some() {
            assert!(!serde_yaml::to_string(job).expect("YAML").contains("cargo"), "{name:?} compiles");
        }
    }
    assert_eq!(writers, [("attest", "id-token"), ("attest", "attestations"), ("publish", "contents")]);
}

/// What the page about installing tells people to type, on a machine that has the release.
#[test]
fn the_commands_of_the_page_install_the_release() {
    let page = fs::read_to_string(root("docs/install.md")).expect("docs/install.md");
    let block = page.split_once("```sh\n").expect("a block").1.split_once("```").expect("its end").0;
    assert!(
        block.contains(&format!("version={VERSION}\n")) && block.contains(&format!("target={TARGET}\n")),
        "{block}"
    );
    let place = tempfile::tempdir().expect("a folder");
    let hub = place.path().join("release");
    fs::create_dir(&hub).expect("a folder");
    release(&hub);
    let mut runner = Runner::new(place.path());
    runner.stub("curl", &crate::install::curl(&hub));
    let script: serde_yaml::Value = serde_yaml::from_str("[{ name: page, shell: bash }]").expect("YAML");
    let mut steps = script;
    steps[0]["run"] = format!("{block}\n\"$HOME/.local/bin/arcanary\" --version").into();
    let job = runner.run(&steps, &[]);
    assert!(job.fine().out("page").ends_with(&format!(".tar.gz: OK\narcanary {VERSION}\n")), "{}", job.out("page"));
    assert!(runner.temp().join(".local/share/man/man1/arcanary-build.1").exists());
    fs::write(hub.join(format!("arcanary-{VERSION}-{TARGET}.tar.gz")), "another").expect("written");
    assert_eq!(runner.run(&steps, &[]).failed(), Some("page"), "a wrong checksum stops it");
    let table = page.split_once("| target |").expect("the table of targets").1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let listed: BTreeSet<String> = rows.filter_map(|row| row.split('`').nth(1)).map(str::to_owned).collect();
    assert_eq!(listed, targets());
}
