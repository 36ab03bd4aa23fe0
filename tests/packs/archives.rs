//! Archives that somebody forged: whatever a program could unpack of one beyond what the manifest names is refused.

use crate::place::Place;
use crate::release::{archive, json, put_archive, released};
use arcanary::pack::archive::{Budget, Files, read_tar_gz, tar_gz};
use arcanary::pack::fetch;
use arcanary::pack::verify::{Release, verify};
use flate2::{Compression, GzBuilder};
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use tar::{Builder, EntryType, Header};

/// A tar in the gzip that `pack` puts around it.
fn gzip(tar: &[u8]) -> Vec<u8> {
    gzip_of(GzBuilder::new().mtime(0).operating_system(255), tar)
}

fn gzip_of(builder: GzBuilder, tar: &[u8]) -> Vec<u8> {
    let mut gzip = builder.write(vec![], Compression::best());
    gzip.write_all(tar).expect("memory takes it");
    gzip.finish().expect("memory takes it")
}

fn tar_in(bytes: &[u8]) -> Vec<u8> {
    let mut tar = vec![];
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut tar).expect("a tar");
    tar
}

/// A tar of files as `pack` writes it, but for what `change` does to the header of each; `before` goes in front of each.
fn tar_of(top: &str, files: &Files, before: &[(&str, &[u8])], change: &dyn Fn(&mut Header)) -> Vec<u8> {
    let mut builder = Builder::new(vec![]);
    for (path, bytes) in files {
        if !before.is_empty() {
            builder.append_pax_extensions(before.iter().copied()).expect("a header");
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        change(&mut header);
        builder.append_data(&mut header, format!("{top}/{path}"), bytes.as_slice()).expect("an entry");
    }
    builder.into_inner().expect("a tar")
}

/// Forged archives of these files, all of which the reader of `tar` alone takes for sound.
fn forged(top: &str, files: &Files) -> Vec<(&'static str, Vec<u8>)> {
    let sound = tar_gz(top, files).expect("an archive");
    let tar = tar_in(&sound);
    assert_eq!(tar_of(top, files, &[], &|_| ()), tar, "what is forged below is all that differs");
    let open = &tar[..tar.len() - 1024];
    let evil = tar_of(top, &Files::from([("bin/evil.py".into(), b"evil".to_vec())]), &[], &|_| ());
    let of = |before: &[(&str, &[u8])], change: &dyn Fn(&mut Header)| gzip(&tar_of(top, files, before, change));
    let sparse: &[(&str, &[u8])] = &[("GNU.sparse.name", b"bin/evil.py")];
    let xattr: &[(&str, &[u8])] = &[("SCHILY.xattr.security.capability", b"x")];
    let mut padded = tar.clone();
    let size = files.values().next().expect("a file").len();
    assert_ne!(size % 512, 0, "there is room behind the first file");
    padded[512 + size] = b'x';
    let (first, rest) = open.split_at(512 + size.div_ceil(512) * 512);
    vec![
        ("a second member that goes on", [gzip(open), gzip(&evil)].concat()),
        ("a second member", [sound.clone(), gzip(&evil)].concat()),
        ("an empty member", [sound.clone(), gzip(b"")].concat()),
        ("a tar behind the tar", gzip(&[tar.as_slice(), &evil].concat())),
        ("zeros behind the tar", gzip(&[tar.as_slice(), &[0; 512]].concat())),
        ("no blocks at the end", gzip(open)),
        ("text behind the gzip", [sound.as_slice(), b"more"].concat()),
        ("zeros behind the gzip", [sound.as_slice(), &[0; 512]].concat()),
        ("bytes behind a file", gzip(&padded)),
        ("another order", gzip(&[rest, first, &[0; 1024]].concat())),
        ("another name in a header of PAX", of(sparse, &|_| ())),
        ("rights in a header of PAX", of(xattr, &|_| ())),
        ("a mode", of(&[], &|header| header.set_mode(0o4755))),
        ("an owner", of(&[], &|header| header.set_uid(1000))),
        ("an owner's name", of(&[], &|header| header.set_username("root").expect("a name"))),
        ("a time", of(&[], &|header| header.set_mtime(1_000_000_000))),
        ("a name in gzip's header", gzip_of(GzBuilder::new().filename("evil").operating_system(255), &tar)),
        ("a comment in gzip's header", gzip_of(GzBuilder::new().comment("evil").operating_system(255), &tar)),
        ("a field in gzip's header", gzip_of(GzBuilder::new().extra("evil").operating_system(255), &tar)),
        ("a time in gzip's header", gzip_of(GzBuilder::new().mtime(1).operating_system(255), &tar)),
    ]
}

#[test]
fn an_archive_is_sound_only_to_the_byte() {
    let place = released();
    for target in ["sources", "sigma"] {
        let top = format!("acme-0.1.0-{target}");
        let files = archive(&place, target);
        let sound = tar_gz(&top, &files).expect("an archive");
        for (what, bytes) in forged(&top, &files) {
            put_archive(&place, target, &bytes);
            let err = place.run(&["verify", "dist"]).fails(1);
            assert!(err.contains(&format!("{top}.tar.gz: ")) && !err.contains("cannot be read"), "{what}: {err}");
            assert!(place.run(&["pack"]).fails(2).contains("something else than a release"), "{what}");
        }
        put_archive(&place, target, &sound);
        place.run(&["verify", "dist"]).fine();
    }
}

#[test]
fn another_compression_of_the_same_bytes_is_the_same_archive() {
    let files = Files::from([("a".to_owned(), vec![b'a'; 5000]), ("b/c".to_owned(), b"text".to_vec())]);
    let tar = tar_in(&tar_gz("t", &files).expect("an archive"));
    let mut stored = GzBuilder::new().mtime(0).operating_system(255).write(vec![], Compression::none());
    stored.write_all(&tar).expect("memory takes it");
    let mut stored = stored.finish().expect("memory takes it");
    // What stands there is how hard the compressor tried.
    stored[8] = 2;
    assert_eq!(read_tar_gz(&stored, "t", &Budget::default()), Ok(files));
}

/// Files that make the folder around them a repository, with all that git asks of one.
fn repository(folder: &str, head: &str) -> Files {
    let config = b"[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch PWNED\n";
    let file = |name: &str, text: &[u8]| (format!("{folder}{name}"), text.to_vec());
    Files::from([
        file(head, b"ref: refs/heads/main\n"),
        file("config", config),
        file("objects/x", b""),
        file("refs/x", b""),
    ])
}

#[test]
fn no_archive_makes_a_folder_a_repository_even_without_a_git_folder() {
    let place = released();
    for (folder, head) in [("logs/", "HEAD"), ("logs/", "head"), ("", "Head"), ("a/b/", "HEAD"), (".git/", "HEAD")] {
        for target in ["sources", "sigma"] {
            let top = format!("acme-0.1.0-{target}");
            let bytes = gzip(&tar_of(&top, &repository(folder, head), &[], &|_| ()));
            put_archive(&place, target, &bytes);
            let err = place.run(&["verify", "dist"]).fails(1);
            assert!(err.contains(&format!("`{top}/{folder}{head}` does not lie in")) || folder == ".git/", "{err}");
        }
        tar_gz("t", &repository(folder, head)).expect_err("nothing packs it either");
    }
    let place = Place::locked();
    place.edit("rules/packed.det", "  test \"none\"", "  test \"r\" fires events 'logs/HEAD' as ecs\n  test \"none\"");
    let event = "{\"event.category\": \"process\", \"process.executable\": \"C:\\\\rar.exe\", \"process.command_line\": \"rar a -px a.rar b\"}\n";
    place.write("logs/HEAD", event);
    assert!(place.run(&["pack"]).fails(2).contains("`logs/HEAD` is no name that an archive can hold"));
}

const HIDDEN: [&str; 5] =
    [".envrc", ".vscode/tasks.json", "rules/.gitattributes", ".rules/x.det", ".arcanary-pack.json"];

#[test]
fn sources_hold_no_hidden_files_which_are_those_of_who_takes_them() {
    let place = released();
    let sources = archive(&place, "sources");
    for hidden in HIDDEN {
        let mut files = sources.clone();
        files.insert(hidden.to_owned(), b"theirs".to_vec());
        let mut manifest = json(&place, "dist/manifest.json");
        manifest["archives"]["acme-0.1.0-sources.tar.gz"]["files"][hidden] =
            Value::from(arcanary::hash::of_bytes(b"theirs"));
        place.write("dist/manifest.json", &manifest.to_string());
        put_archive(&place, "sources", &tar_gz("acme-0.1.0-sources", &files).expect("an archive"));
        let err = place.run(&["verify", "dist"]).fails(1);
        assert!(err.contains(&format!("`{hidden}` is hidden, and sources hold no such files")), "{err}");
    }
    let place = Place::locked();
    place.edit("arcanary.yaml", "[rules]", "[rules, .more]");
    place.write(".more/x.det", "");
    assert!(place.run(&["pack"]).fails(2).contains("`.more/x.det` is hidden, and a pack contains no hidden files"));
}

#[test]
fn an_update_of_sources_takes_no_file_or_folder_of_others_away() {
    let place = released();
    let release = verify(&place.path("dist")).expect("a release");
    let up = place.path("up");
    let unpack = |release: &Release| fetch::unpack(release, &up, &|| ());
    unpack(&release).expect("unpacked");
    place.write("up/.envrc", "mine");
    place.write("up/rules/.note", "mine");
    unpack(&release).expect("an update");
    assert_eq!((place.read("up/.envrc"), place.read("up/rules/.note")), ("mine".into(), "mine".into()));
    // No release that is sound holds them; if one did, it would not replace them.
    for hidden in [".envrc", "rules/.note"] {
        let mut newer = release.clone();
        let sources = newer.archives.get_mut("acme-0.1.0-sources.tar.gz").expect("the sources");
        sources.insert(hidden.to_owned(), b"theirs".to_vec());
        let why = unpack(&newer).expect_err("it would be lost").to_string();
        assert!(
            why.contains(&format!("the new version of the pack contains `{hidden}`, and you have a file of that name")),
            "{why}"
        );
        assert_eq!(place.read(&format!("up/{hidden}")), "mine");
    }
    for folder in ["notes", ".idea/empty", "rules/more"] {
        fs::create_dir_all(place.path(&format!("up/{folder}"))).expect("a folder");
        let why = unpack(&release).expect_err("it would be lost").to_string();
        let first = folder.split('/').next().filter(|f| *f != "rules").unwrap_or(folder);
        assert!(why.contains(&format!("`{first}` is an empty folder that does not belong to the pack")), "{why}");
        assert!(place.path(&format!("up/{folder}")).is_dir());
        fs::remove_dir_all(place.path(&format!("up/{first}"))).expect("removed");
    }
    // A folder of the pack whose files are gone is the pack's.
    fs::remove_dir_all(place.path("up/rules")).expect("removed");
    fs::create_dir(place.path("up/rules")).expect("a folder");
    unpack(&release).expect("an update");
    assert!(place.path("up/rules/packed.det").is_file());
}
