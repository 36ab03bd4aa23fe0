//! `pack` and `verify`.

use crate::place::{Place, git_in, run_in};
use arcanary::files::files_in;
use arcanary::hash::hex;
use arcanary::pack::archive::{Budget, Files, read_tar_gz, tar_gz};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = files_in(folder).expect("a folder");
    names.into_iter().map(|name| (name.clone(), fs::read(folder.join(&name)).expect("a file"))).collect()
}

pub fn json(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.read(name)).expect("JSON")
}

pub fn archive(place: &Place, target: &str) -> Files {
    let name = format!("acme-0.1.0-{target}");
    let bytes = fs::read(place.path(&format!("dist/{name}.tar.gz"))).expect("an archive");
    read_tar_gz(&bytes, &name, &Budget::default()).expect("an archive")
}

/// Sums that fit the files as they are now.
fn sum_again(place: &Place) {
    let files = bytes(&place.path("dist"));
    let sums = files.iter().filter(|(name, _)| *name != "SHA256SUMS").map(|(name, b)| format!("{}  {name}\n", hex(b)));
    place.write("dist/SHA256SUMS", &sums.collect::<String>());
}

/// An archive with other files in it, and manifest and sums that know its own hash.
fn repack(place: &Place, target: &str, content: &Files) {
    let name = format!("acme-0.1.0-{target}");
    let packed = tar_gz(&name, content).expect("an archive");
    put_archive(place, target, &packed);
}

pub fn put_archive(place: &Place, target: &str, packed: &[u8]) {
    let file = format!("acme-0.1.0-{target}.tar.gz");
    fs::write(place.path(&format!("dist/{file}")), packed).expect("written");
    let mut manifest = json(place, "dist/manifest.json");
    manifest["checksums"][&file] = Value::from(format!("sha256:{}", hex(packed)));
    place.write("dist/manifest.json", &manifest.to_string());
    sum_again(place);
}

pub fn released() -> Place {
    let place = Place::locked();
    place.write("LICENSE.md", "Apache-2.0");
    let ran = place.run(&["pack"]);
    assert_eq!(ran.err, "acme 0.1.0: 2 rules for 2 targets in dist\n");
    ran.fine();
    place
}

#[test]
fn a_release_has_an_archive_for_each_target_the_sources_changelogs_and_sums() {
    let place = released();
    let names = files_in(&place.path("dist")).expect("a folder");
    for of in ["sentinel", "sigma", "sources"] {
        assert!(names.contains(&format!("acme-0.1.0-{of}.tar.gz")), "{names:?}");
    }
    for name in ["CHANGELOG.md", "SHA256SUMS", "changelog.json", "manifest.json"] {
        assert!(names.contains(name), "{names:?}");
    }
    let sigma = archive(&place, "sigma");
    assert!(
        ["LICENSE.md", "packed.yml", "shared.yml"].iter().all(|name| sigma.contains_key(*name)),
        "{:?}",
        sigma.keys()
    );
    let sources = archive(&place, "sources");
    let rules = ["rules/packed.det", "rules/shared.det", "rules/utilities.det"];
    let expected = [&["LICENSE.md", "arcanary.yaml", "pack.lock"], &rules[..]].concat();
    assert_eq!(sources.keys().collect::<Vec<_>>(), expected);
    let archives = names.iter().filter(|name| name.ends_with(".tar.gz")).count();
    assert_eq!(place.run(&["verify", "dist"]).err, format!("acme 0.1.0: 2 rules in {archives} archives, no errors\n"));
}

#[test]
fn the_manifest_tells_what_each_rule_becomes_needs_and_is_licensed_under() {
    let place = released();
    let manifest = json(&place, "dist/manifest.json");
    let rule = &manifest["rules"]["0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a21"];
    assert_eq!(
        (&rule["rule"], &rule["version"], &rule["license"]),
        (&"shared".into(), &"1.0.0".into(), &"DRL-1.1".into())
    );
    assert_eq!(rule["targets"]["sentinel"]["status"], "exact");
    assert_eq!(rule["targets"]["sentinel"]["requires"], serde_json::json!(["DeviceProcessEvents"]));
    assert_eq!(rule["targets"]["sigma"]["documents"][0], "sigma/shared.yml");
    assert_eq!(manifest["attack"], serde_json::json!({ "T1560.001": ["packed"] }));
    assert_eq!(manifest["licenses"], serde_json::json!({ "DRL-1.1": ["shared"] }));
    assert_eq!(
        manifest["targets"]["sigma"]["requires"],
        serde_json::json!(["category process_creation, product windows"])
    );
}

#[test]
fn two_clones_make_the_same_bytes() {
    let (one, two) = (released(), released());
    assert_eq!(bytes(&one.path("dist")), bytes(&two.path("dist")));
    one.run(&["pack"]).fine();
    assert_eq!(bytes(&one.path("dist")), bytes(&two.path("dist")), "once more over itself");
}

#[test]
fn the_sources_build_the_same_release_again() {
    let place = released();
    let other = Place::empty();
    for (path, bytes) in archive(&place, "sources") {
        other.write(&path, &String::from_utf8(bytes).expect("text"));
    }
    other.run(&["pack"]).fine();
    assert_eq!(bytes(&other.path("dist")), bytes(&place.path("dist")));
}

#[test]
fn recordings_own_targets_and_the_table_of_attack_go_with_the_sources() {
    let place = Place::project();
    place.write("events/a.jsonl", "{\"event\": {\"FILE_PATH\": \"C:\\\\rar.exe\", \"COMMAND_LINE\": \"rar a -px b c\"}, \"routing\": {\"event_type\": \"NEW_PROCESS\", \"event_time\": 1773901779334, \"plat\": 268435456}}\n");
    place.edit(
        "rules/packed.det",
        "test \"none\"",
        "test \"recorded\" fires events 'events/a.jsonl' as limacharlie\n  test \"none\"",
    );
    place.write(
        "targets/own.yaml",
        &fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/targets/defender.yaml"))
            .expect("a target")
            .replace("name: defender", "name: own"),
    );
    place.write("data/attack.tsv", include_str!("../../targets/attack.tsv"));
    place.edit("arcanary.yaml", "sources:", "attack: data/attack.tsv\nsources:");
    place.run(&["pack", "--bump"]).fine();
    place.run(&["pack"]).fine();
    let sources = archive(&place, "sources");
    for file in ["events/a.jsonl", "targets/own.yaml", "data/attack.tsv"] {
        assert!(sources.contains_key(file), "{file}: {:?}", sources.keys());
    }
}

#[test]
fn without_a_lock_with_a_stale_one_and_with_failing_tests_there_is_no_release() {
    let place = Place::project();
    assert!(place.run(&["pack"]).fails(2).contains("the project has no pack.lock"));
    place.run(&["pack", "--bump"]).fine();
    place.edit("rules/packed.det", "silent", "fires");
    let err = place.run(&["pack"]).fails(1);
    assert!(err.contains("error[E0703]: test \"none\" of `packed` fails"), "{err}");
    place.edit("rules/packed.det", "\"none\" fires", "\"none\" silent");
    place.edit("rules/packed.det", "level medium", "level high");
    assert!(place.run(&["pack"]).fails(1).contains("error[E0806]: `packed`"));
    place.edit("rules/packed.det", "level high", "level medium");
    place.edit("arcanary.yaml", "[sentinel, sigma]", "[splunk-4688]");
    place.edit("rules/packed.det", "with password", "with password and process.hash.sha256 exists");
    assert!(place.run(&["pack"]).fails(1).contains("error[E0901]"));
    assert!(!place.path("dist").exists());
}

#[test]
fn a_part_of_a_project_and_files_without_one_are_no_pack() {
    let place = Place::locked();
    assert!(place.run(&["pack", "rules/packed.det"]).fails(2).contains("a pack is a whole project"));
    let other = Place::empty();
    other.write("a.det", &place.read("rules/utilities.det"));
    assert!(other.run(&["pack", "a.det"]).fails(2).contains("a pack is a whole project"));
}

#[test]
fn sources_outside_the_projects_folder_are_refused() {
    let place = Place::locked();
    let inner = place.path("inner");
    place.write("inner/arcanary.yaml", "name: inner\nversion: 0.1.0\nsources: [../rules]\ntargets: [sigma]\n");
    run_in(&inner, &["pack", "--bump"]).fine();
    let err = run_in(&inner, &["pack"]).fails(2);
    assert!(err.contains("lies outside the project's folder"), "{err}");
}

#[test]
fn a_folder_with_other_files_is_never_replaced() {
    let place = released();
    place.write("dist/notes.txt", "mine");
    let before = bytes(&place.path("dist"));
    let err = place.run(&["pack"]).fails(2);
    assert!(err.contains("it holds something else than a release (notes.txt: SHA256SUMS does not name it)"), "{err}");
    assert_eq!(bytes(&place.path("dist")), before);
    // Sums that hold make no release: only its own manifest does, and sums of that which hold too.
    let thesis = arcanary::hash::hex(b"mine");
    let sums = format!("{thesis}  thesis.doc\n");
    let manifest = "{\"format\":1,\"name\":\"acme\",\"version\":\"0.1.0\"}";
    let with_manifest = format!("{sums}{}  manifest.json\n", arcanary::hash::hex(manifest.as_bytes()));
    for files in [
        vec![("thesis.doc", "mine")],
        vec![("thesis.doc", "mine"), ("SHA256SUMS", &sums)],
        vec![("thesis.doc", "mine"), ("SHA256SUMS", &with_manifest), ("manifest.json", manifest)],
        vec![("SHA256SUMS", "")],
        vec![("folder/thesis.doc", "mine")],
    ] {
        let _ = fs::remove_dir_all(place.path("other"));
        files.iter().for_each(|(name, text)| place.write(&format!("other/{name}"), text));
        let before = bytes(&place.path("other"));
        let err = place.run(&["pack", "--out", "other"]).fails(2);
        assert!(err.contains("it holds something else than a release"), "{err}");
        assert_eq!(bytes(&place.path("other")), before);
    }
    fs::create_dir(place.path("empty")).expect("a folder");
    place.run(&["pack", "--out", "empty"]).fine();
    place.run(&["verify", "empty"]).fine();
    assert!(leftovers(&place).is_empty(), "{:?}", leftovers(&place));
}

/// Files and folders of Arcanary's own in the project's folder.
fn leftovers(place: &Place) -> Vec<String> {
    let names = fs::read_dir(place.path("")).expect("a folder").flatten();
    let names = names.map(|e| e.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".arcanary-")).collect()
}

#[test]
fn a_release_that_was_changed_or_is_another_pack_s_is_never_replaced() {
    let place = released();
    let sound = place.read("dist/CHANGELOG.md");
    place.write("dist/CHANGELOG.md", "my notes");
    let err = place.run(&["pack"]).fails(2);
    assert!(err.contains("CHANGELOG.md: its sum is not that of SHA256SUMS"), "{err}");
    assert_eq!(place.read("dist/CHANGELOG.md"), "my notes");
    place.write("dist/CHANGELOG.md", &sound);
    place.run(&["pack"]).fine();
    let other = Place::project();
    other.edit("arcanary.yaml", "name: acme", "name: other");
    other.run(&["pack", "--bump"]).fine();
    let before = bytes(&place.path("dist"));
    let err = other.run(&["pack", "--out", &place.path("dist").display().to_string()]).fails(2);
    assert!(err.contains("it holds a release of `acme`"), "{err}");
    assert_eq!(bytes(&place.path("dist")), before);
}

#[test]
fn the_root_the_project_and_what_is_around_it_are_no_place_for_a_release() {
    let place = Place::empty();
    let project = Place::locked();
    for name in ["arcanary.yaml", "pack.lock", "rules/utilities.det", "rules/packed.det", "rules/shared.det"] {
        place.write(&format!("work/project/{name}"), &project.read(name));
    }
    let folder = place.path("work/project");
    let before = bytes(&place.path(""));
    let whole = folder.display().to_string();
    for out in ["/", ".", "..", "../..", "rules/..", "../project", &whole, "../../work"] {
        let err = run_in(&folder, &["pack", "--out", out]).fails(2);
        assert!(err.starts_with("error: cannot write "), "{out}: {err}");
        assert_eq!(bytes(&place.path("")), before, "{out}");
    }
    // The folder that the program runs in, and what is around it, stay too.
    for out in [".", "..", "/"] {
        let rules = folder.join("rules");
        run_in(&rules, &["pack", "--out", out]).fails(2);
        run_in(&rules, &["fetch-pack", "--repo", "../../hub.git", "--out", out]).fails(2);
        assert_eq!(bytes(&place.path("")), before, "{out}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_release_or_of_what_stands_beside_it_is_not_followed() {
    let place = released();
    let elsewhere = Place::empty();
    elsewhere.write("mine/notes.txt", "mine");
    let link = |name: &str| std::os::unix::fs::symlink(elsewhere.path("mine"), place.path(name)).expect("a link");
    let says = |arguments: &[&str], says: &str| {
        let err = place.run(arguments).fails(2);
        assert!(err.contains(says), "{err}");
        assert_eq!(elsewhere.read("mine/notes.txt"), "mine");
        assert_eq!(fs::read_dir(elsewhere.path("mine")).expect("a folder").count(), 1);
    };
    for name in [".arcanary-dist.new", ".arcanary-dist.old", ".arcanary-dist.gone", ".arcanary-dist.lock"] {
        link(name);
        says(&["pack"], name);
        place.remove(name);
    }
    fs::rename(place.path("dist"), place.path("aside")).expect("moved");
    link("dist");
    says(&["pack"], "it is no folder below the project's");
    // On the command line, a link means the folder that it leads to.
    says(&["pack", "--out", "dist"], "it holds something else than a release");
    place.run(&["pack", "--out", "aside"]).fine();
}

#[test]
fn verify_names_each_file_that_is_missing_more_or_another() {
    let place = released();
    place.write("dist/CHANGELOG.md", "other");
    place.remove("dist/changelog.json");
    place.write("dist/more.txt", "more");
    let err = place.run(&["verify", "dist"]).fails(1);
    let lines: Vec<_> = err.lines().collect();
    assert_eq!(
        lines,
        [
            "error: CHANGELOG.md: its sum is not that of SHA256SUMS",
            "error: changelog.json: SHA256SUMS names it, and it is not there",
            "error: more.txt: SHA256SUMS does not name it",
            "3 findings in dist",
        ]
    );
    place.write("dist/\u{1b}[2J", "more");
    let err = place.run(&["verify", "dist"]).fails(1);
    assert!(err.contains("error: \\u{1b}[2J: no plain file\n") && !err.contains('\u{1b}'), "{err:?}");
    assert!(place.run(&["verify", "rules"]).fails(1).contains("there is no SHA256SUMS"));
    assert!(place.run(&["verify", "nowhere"]).fails(2).contains("no folder"));
}

#[test]
fn sums_that_were_made_again_do_not_help_against_the_manifest() {
    let place = released();
    place.write("dist/CHANGELOG.md", "other");
    place.write("dist/more.txt", "more");
    sum_again(&place);
    let err = place.run(&["verify", "dist"]).fails(1);
    assert!(err.contains("CHANGELOG.md: its sum is not that of the manifest"), "{err}");
    assert!(err.contains("more.txt: the manifest does not name it"), "{err}");
}

#[test]
fn archives_hold_what_the_manifest_says_and_nothing_else() {
    let place = released();
    let mut content = archive(&place, "sigma");
    content.insert("packed.yml".into(), b"other".to_vec());
    content.insert("more.yml".into(), vec![]);
    content.remove("shared.yml");
    repack(&place, "sigma", &content);
    let err = place.run(&["verify", "dist"]).fails(1);
    for line in ["`shared.yml` is missing in it", "does not name `more.yml` in it", "`packed.yml` in it is another one"]
    {
        assert!(err.contains(line), "{err}");
    }
}

#[test]
fn an_archive_that_leads_out_of_its_folder_is_refused() {
    let place = released();
    let packed = tar_gz("acme-0.1.0-sigma", &Files::from([("x".into(), vec![])])).expect("an archive");
    let mut tar = vec![];
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut tar).expect("a tar");
    let name = b"acme-0.1.0-sigma/x";
    let mut header = tar::Header::from_byte_slice(&tar[..512]).clone();
    header.as_old_mut().name[..name.len()].copy_from_slice(b"acme-0.1.0/../../x");
    header.set_cksum();
    tar[..512].copy_from_slice(header.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &tar).expect("written");
    put_archive(&place, "sigma", &gzip.finish().expect("a gzip"));
    let err = place.run(&["verify", "dist"]).fails(1);
    assert!(err.contains("`acme-0.1.0/../../x` does not lie in `acme-0.1.0-sigma`"), "{err}");
}

/// An archive with one file below its folder, whatever that file is called.
fn archive_of(top: &str, path: &str, text: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    let name = format!("{top}/{path}");
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    builder.append(&header, text).expect("an entry");
    builder.into_inner().expect("a tar").finish().expect("a gzip")
}

#[test]
fn an_archive_that_plants_a_repository_is_neither_sound_nor_fetched() {
    let place = released();
    put_archive(&place, "sources", &archive_of("acme-0.1.0-sources", ".git/config", b"[core]\n\tfsmonitor = evil\n"));
    assert!(place.run(&["verify", "dist"]).fails(1).contains("`acme-0.1.0-sources/.git/config` does not lie in"));
    place.git(&["init", "-q", "-b", "main", "hub"]);
    let index = serde_json::json!({ "format": 1, "packs": { "acme": { "latest": "0.1.0", "documents": {}, "versions": [{
        "version": "0.1.0", "release": "acme/releases/0.1.0", "tag": null,
        "sums": format!("sha256:{}", hex(&fs::read(place.path("dist/SHA256SUMS")).expect("sums"))),
    }] } } });
    place.write("hub/index.json", &index.to_string());
    fs::create_dir_all(place.path("hub/acme/releases")).expect("a folder");
    fs::rename(place.path("dist"), place.path("hub/acme/releases/0.1.0")).expect("moved");
    git_in(&place.path("hub"), &["add", "-A"]);
    git_in(&place.path("hub"), &["commit", "-q", "-m", "evil"]);
    let err = place.run(&["fetch-pack", "--repo", "hub", "--sources", "--out", "up"]).fails(2);
    assert!(err.contains("`acme-0.1.0-sources/.git/config` does not lie in"), "{err}");
    assert!(!place.path("up").exists());
}

#[test]
fn a_source_that_windows_takes_for_a_device_is_not_packed() {
    let place = Place::locked();
    place.write("rules/aux.det", "");
    assert!(place.run(&["pack"]).fails(2).contains("`rules/aux.det` is no name that an archive can hold"));
    assert!(!place.path("dist").exists());
}

#[cfg(unix)]
#[test]
fn a_source_whose_name_no_archive_holds_is_told_by_that() {
    let place = Place::locked();
    place.write("rules/r:1.det", "");
    let err = place.run(&["pack"]).fails(2);
    assert!(err.contains("`rules/r:1.det` is no name that an archive can hold") && !err.contains("outside"), "{err}");
}

#[test]
fn a_manifest_of_another_format_or_name_is_refused() {
    for (key, value, says) in
        [("format", Value::from(2), "its format is 2"), ("name", Value::from("../x"), "cannot be the name of a pack")]
    {
        let place = released();
        let mut manifest = json(&place, "dist/manifest.json");
        manifest[key] = value;
        place.write("dist/manifest.json", &manifest.to_string());
        sum_again(&place);
        let err = place.run(&["verify", "dist"]).fails(1);
        assert!(err.contains(says), "{err}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_a_release_is_no_file_of_it() {
    let place = released();
    let target = place.path("dist/CHANGELOG.md");
    fs::rename(&target, place.path("elsewhere")).expect("moved");
    std::os::unix::fs::symlink(place.path("elsewhere"), &target).expect("a link");
    assert!(place.run(&["verify", "dist"]).fails(1).contains("CHANGELOG.md: no plain file"));
}

/// The release of a project that is built for Splunk too.
fn with_an_app() -> Place {
    let place = Place::project();
    let config = place.read("arcanary.yaml").replace("[sentinel, sigma]", "[sigma, splunk-4688]");
    place.write("arcanary.yaml", &config);
    place.write("LICENSE.md", "Apache-2.0");
    place.run(&["pack", "--bump"]).fine();
    place.run(&["pack"]).fine();
    place
}

const APP: &str = "acme-0.1.0-splunk-4688-app.tar.gz";
const ID: &str = "acme_splunk_4688";

#[test]
fn an_app_has_an_archive_that_splunk_installs_as_it_is() {
    let place = with_an_app();
    let packed = fs::read(place.path(&format!("dist/{APP}"))).expect("an archive");
    let app = read_tar_gz(&packed, ID, &Budget::default()).expect("all of it lies in the folder of the app's name");
    let names: Vec<&str> = app.keys().map(String::as_str).collect();
    let wanted = [
        "LICENSE.md",
        "README.md",
        "default/app.conf",
        "default/macros.conf",
        "default/savedsearches.conf",
        "metadata/default.meta",
    ];
    assert_eq!(names, wanted);
    let conf = String::from_utf8(app["default/app.conf"].clone()).expect("UTF-8");
    assert!(conf.contains("\nversion = 0.1.0\n") && conf.contains(&format!("\nid = {ID}\n")), "{conf}");
    assert_eq!(tar_gz(ID, &app).expect("an archive"), packed, "the same bytes again");
    // The target's archive has it too, beside queries and detections.
    let whole = archive(&place, "splunk-4688");
    assert_eq!(whole[&format!("app/{ID}/default/app.conf")], app["default/app.conf"]);
    assert!(
        whole.contains_key("packed.spl") && whole.contains_key("contentctl/detections/endpoint/packed_splunk_4688.yml")
    );
    let verified = place.run(&["verify", "dist"]);
    assert!(verified.err.contains("5 archives, no errors"), "{}", verified.err);
    // What is taken out of a release has each document once.
    let release = arcanary::pack::verify::verify(&place.path("dist")).expect("sound");
    let documents = release.documents();
    assert!(documents.keys().all(|path| !path.starts_with("splunk-4688-app/")), "{:?}", documents.keys());
    assert!(documents.contains_key(&format!("splunk-4688/app/{ID}/default/app.conf")));
}

#[test]
fn an_app_under_another_name_or_with_other_files_is_no_sound_release() {
    let other = with_an_app();
    let mut manifest = json(&other, "dist/manifest.json");
    manifest["archives"][APP]["folder"] = Value::from("search");
    let app = read_tar_gz(&fs::read(other.path(&format!("dist/{APP}"))).expect("an archive"), ID, &Budget::default())
        .expect("an archive");
    let packed = tar_gz("search", &app).expect("an archive");
    fs::write(other.path(&format!("dist/{APP}")), &packed).expect("written");
    manifest["checksums"][APP] = Value::from(format!("sha256:{}", hex(&packed)));
    other.write("dist/manifest.json", &manifest.to_string());
    sum_again(&other);
    let said = other.run(&["verify", "dist"]).fails(1);
    assert!(said.contains(&format!("{APP}: it is not called like what it holds")), "{said}");
    let more = with_an_app();
    let mut files = app;
    files.insert("bin/run.py".into(), b"import os".to_vec());
    put_archive(&more, "splunk-4688-app", &tar_gz(ID, &files).expect("an archive"));
    let said = more.run(&["verify", "dist"]).fails(1);
    assert!(said.contains("the manifest does not name `bin/run.py` in it"), "{said}");
}
