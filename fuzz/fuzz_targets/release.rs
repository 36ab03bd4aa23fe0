//! Bytes are unpacked as an archive, and verified as a release: the manifest up to the first byte that is no text, behind it
//! what an archive holds before it is compressed. Nothing that comes out may have a name that leaves its folder, and what is
//! read is what would be packed.
#![no_main]

use arcanary::file_names::is_plain;
use arcanary::pack::archive::{Budget, Files, read_tar_gz, tar_gz};
use arcanary::hash;
use arcanary::pack::verify;
use flate2::{Compression, GzBuilder};
use libfuzzer_sys::fuzz_target;
use std::io::Write as _;

fn check(archive: &[u8], top: &str) {
    if let Ok(files) = read_tar_gz(archive, top, &Budget::default()) {
        for name in files.keys() {
            assert!(is_plain(name), "{name:?}");
        }
        let again = tar_gz(top, &files).expect("what was read can be packed");
        assert_eq!(read_tar_gz(&again, top, &Budget::default()), Ok(files));
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes, "a");
    let cut = bytes.iter().position(|b| *b == 0xff).unwrap_or(bytes.len());
    let (manifest, tar) = (&bytes[..cut], bytes.get(cut + 1..).unwrap_or_default());
    // With another header it would be refused for that.
    let mut packed = GzBuilder::new().mtime(0).operating_system(255).write(vec![], Compression::best());
    packed.write_all(tar).expect("memory takes it");
    let packed = packed.finish().expect("memory takes it");
    check(&packed, "a");
    // Whatever the manifest calls archives is there, and the sums are right.
    let mut files = Files::from([("manifest.json".to_owned(), manifest.to_vec())]);
    let read: Option<serde_json::Value> = serde_json::from_slice(manifest).ok();
    for name in read.iter().filter_map(|m| m["archives"].as_object()).flat_map(|all| all.keys()) {
        files.insert(name.clone(), packed.clone());
    }
    let sums: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", hash::hex(bytes))).collect();
    files.insert("SHA256SUMS".to_owned(), sums.into_bytes());
    let _ = verify::verify_files(files);
});
