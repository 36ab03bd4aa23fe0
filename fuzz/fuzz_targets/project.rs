//! Bytes are read as the `arcanary.yaml` of a project with one rule; the findings can be drawn.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::LazyLock;

/// A folder of this process.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("arcanary-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the project");
    let rule = "rule r {\n  title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n  \
                detect process where process.name is \"a.exe\"\n}\nparam limit 5\nlist names [\"a\"]\n";
    std::fs::write(folder.join("r.det"), rule).expect("a rule");
    folder
});

fuzz_target!(|bytes: &[u8]| {
    // A project that names folders elsewhere would read them: what is outside is not what is tested.
    if bytes.windows(2).any(|pair| pair == b"..") || bytes.contains(&b'/') {
        return;
    }
    std::fs::write(FOLDER.join(arcanary::file_names::PROJECT), bytes).expect("the project's file");
    let loaded = arcanary::project::load(&[], &FOLDER);
    common::draw(&loaded.diagnostics, &loaded.sources);
});
