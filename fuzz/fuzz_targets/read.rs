//! Bytes are read as a log of every schema; what becomes an event is put to the language's fields.
#![no_main]

use arcanary::event::read;
use arcanary::event::read::stream::{MOST_BYTES, Pieces};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut pieces = Pieces::new(bytes);
    let mut line = 0;
    while let Some(piece) = pieces.next_piece().expect("memory reads") {
        assert!(piece.line >= line && piece.line > 0, "lines go forward");
        line = piece.line;
        let Ok(text) = piece.text else { continue };
        assert!(text.len() <= MOST_BYTES);
        let _ = read::detect(text);
        for reader in read::all() {
            let _ = reader.read(text, &mut read::Room::default(), &mut |record| {
                if let read::Record::Event(event) = record {
                    for (id, value) in event.fields() {
                        assert!(id.def().has_kind(event.kind), "{} in {:?}: {value:?}", id.short(), event.kind);
                    }
                }
            });
        }
    }
});
