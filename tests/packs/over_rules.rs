//! Documents over all rules, whatever makes them: locked, released and compared beside those of one rule.

use crate::place::Place;
use arcanary::build::{Built, build};
use arcanary::diff::{Side, compare};
use arcanary::pack::release::{release, write};
use arcanary::pack::state::{state, unlocked};
use arcanary::pack::verify::{verify, verify_files};
use arcanary::project::lock::Lock;
use arcanary::project::{Loaded, load};

const OVER: [&str; 3] = ["app/default/all.conf", "layer.json", "sigma/shared/both.yml"];

/// A project whose build makes three documents over all rules, and the lock of that.
fn project(place: &Place) -> (Loaded, Built, Lock) {
    let mut loaded = load(&[], &place.path(""));
    let mut built = build(&loaded, &loaded.own_targets());
    for path in OVER {
        built.files.insert(path.to_owned(), format!("{path} of 0.1.0\n"));
    }
    let mut lock = loaded.lock.clone().expect("a lock");
    lock.documents = state(&loaded, &built).documents;
    loaded.lock = Some(lock.clone());
    (loaded, built, lock)
}

#[test]
fn the_lock_has_them_apart_from_the_rules() {
    let place = Place::locked();
    let (loaded, mut built, lock) = project(&place);
    assert!(OVER.iter().all(|path| lock.documents.contains_key(*path)), "{:?}", lock.documents);
    assert!(!lock.documents.contains_key("sigma/packed.yml"));
    assert!(unlocked(&loaded, &built).is_empty());
    built.files.insert("layer.json".into(), "other".into());
    let found = unlocked(&loaded, &built);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].notes, ["~ layer.json"]);
    let part = build(&loaded, &["sigma".into()]);
    assert!(unlocked(&loaded, &part).is_empty(), "a build of one target makes none of them");
}

#[test]
fn a_release_has_an_archive_for_each_folder_and_loose_files_as_they_are() {
    let place = Place::locked();
    let (loaded, built, lock) = project(&place);
    let files = release(&loaded, &built, &lock).expect("a release");
    assert_eq!(files["layer.json"], b"layer.json of 0.1.0\n");
    let mut other = files.clone();
    let sound = verify_files(files).expect("sound");
    assert!(sound.archives["acme-0.1.0-app.tar.gz"].contains_key("default/all.conf"));
    assert!(sound.archives["acme-0.1.0-sigma.tar.gz"].contains_key("shared/both.yml"));
    let documents = sound.documents();
    assert!(OVER.iter().all(|path| documents.contains_key(*path)), "{:?}", documents.keys());
    other.remove("acme-0.1.0-app.tar.gz");
    assert!(verify_files(other).is_err());
}

#[test]
fn a_comparison_with_a_release_has_them_too() {
    let place = Place::locked();
    let (loaded, mut built, lock) = project(&place);
    let out = place.path("dist");
    write(&release(&loaded, &built, &lock).expect("a release"), &out, &|| ()).expect("written");
    assert!(verify(&out).is_ok());
    let old = Side::find("dist", &place.path(""), &place.path(""), None).expect("a side");
    assert!(compare(&old, &Side::of_project("now", &loaded, &built), None).is_empty());
    built.files.insert(OVER[0].into(), "other\n".into());
    let difference = compare(&old, &Side::of_project("now", &loaded, &built), None);
    assert_eq!(difference.documents.len(), 1);
    assert!(difference.documents[0].lines.diff.contains("-app/default/all.conf of 0.1.0\n+other\n"));
    assert!(difference.rules.is_empty());
}
