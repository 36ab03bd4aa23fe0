//! Splunk's `.conf` files: written, and read again by a reader that forgives nothing.
//!
//! A value goes on over a line break that a backslash stands in front of; blanks around a value are lost, and a backslash
//! at its end would take the next setting into it. So [`settled`] makes text that survives, and [`read`] shows that it did.

use super::super::template::render;
use super::super::{compared, fragments};
use serde_json::{Map, Value};

/// Text as a value can hold it: no blanks at the end of a line, nothing that a terminal would act on, no backslash at the
/// end.
#[must_use]
pub fn settled(text: &str) -> String {
    let plain = |line: &str| -> String {
        let plain: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let plain = plain.trim_end();
        // A line that begins with it may be taken for a comment.
        if plain.starts_with('#') { format!(" {plain}") } else { plain.to_owned() }
    };
    let all: Vec<String> = text.lines().map(plain).collect();
    let joined = all.join("\n").trim().to_owned();
    if joined.ends_with('\\') { joined + "." } else { joined }
}

/// Text on one line that is the name of a stanza.
#[must_use]
pub fn name(text: &str) -> String {
    settled(text).replace('\n', " ").replace('[', "(").replace(']', ")")
}

/// Renders the stanzas of a file, text by name and setting, behind comments, and reads it again.
///
/// # Errors
/// A message for the developers of this program.
pub fn file(head: &[&str], stanzas: Vec<(String, Vec<(&str, String)>)>) -> Result<String, String> {
    let list = stanzas.iter().map(|(name, settings)| {
        let settings = settings.iter().map(|(key, value)| serde_json::json!({ "key": key, "value": value }));
        serde_json::json!({ "name": name, "settings": settings.collect::<Vec<_>>() })
    });
    let data = serde_json::json!({ "head": head, "stanzas": list.collect::<Vec<_>>() });
    let print = |value: &Value, _| value.as_str().unwrap_or_default().replace('\n', "\\\n");
    let text = render("splunk-conf", fragments(&data, &print, None))?;
    let mut model = Map::new();
    for (name, settings) in stanzas {
        let settings: Map<String, Value> =
            settings.into_iter().map(|(k, v)| (k.to_owned(), Value::String(v))).collect();
        if model.insert(name.clone(), Value::Object(settings)).is_some() {
            return Err(format!("two stanzas are called `{name}`"));
        }
    }
    compared(&Value::Object(model), &read(&text)?, text)
}

/// Reads a file: settings by stanza.
///
/// # Errors
/// What Splunk would take otherwise than it looks, with the line.
pub fn read(text: &str) -> Result<Value, String> {
    let mut out: Map<String, Value> = Map::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let fail = |why: &str| Err(format!("line {} {why}: {line}", number + 1));
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let Some(name) = rest.strip_suffix(']').filter(|n| !n.contains(['[', ']'])) else {
                return fail("is no stanza");
            };
            if out.insert(name.to_owned(), Value::Object(Map::new())).is_some() {
                return fail("is a stanza that is there already");
            }
            continue;
        }
        let Some((key, first)) = line.split_once(" = ").filter(|(k, _)| !k.is_empty() && !k.contains([' ', '\\']))
        else {
            return fail("is no setting");
        };
        let mut value = first.to_owned();
        while let Some(kept) = value.strip_suffix('\\') {
            let Some((_, next)) = lines.next() else { return fail("goes on behind the end of the file") };
            value = format!("{kept}\n{next}");
        }
        if value != value.trim() || value.contains(['\r', '\0']) {
            return fail("has blanks at its ends, or what no setting holds");
        }
        let stanza = out.iter_mut().next_back().and_then(|(_, stanza)| stanza.as_object_mut());
        let Some(stanza) = stanza else { return fail("stands in front of all stanzas") };
        if stanza.insert(key.to_owned(), Value::String(value)).is_some() {
            return fail("is a setting that is there already");
        }
    }
    Ok(Value::Object(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn round(value: &str) -> Result<String, String> {
        file(&["x"], vec![("s".into(), vec![("k", value.to_owned()), ("z", "1".into())])])
    }

    #[test]
    fn a_value_of_several_lines_goes_on_behind_backslashes() {
        let text = round("index=main \"*\\\\a\"\n| where x=\"]\"").expect("a file");
        assert_eq!(text, "# x\n\n[s]\nk = index=main \"*\\\\a\"\\\n| where x=\"]\"\nz = 1\n");
    }

    #[test]
    fn settled_text_survives() {
        for nasty in [
            "ends in \\",
            "\\\nends in \\\\\nx\\",
            "#no comment\n# nor this\n[nor a stanza]\nkey = value",
            "  blanks \t \r\nmore\u{7}  ",
            "„Ünïcode“ 100% $a$ `b` \"c\" 'd'",
        ] {
            let text = round(&settled(nasty)).unwrap_or_else(|why| panic!("{nasty:?}: {why}"));
            assert_eq!(read(&text).expect("a file")["s"]["k"], settled(nasty));
        }
        assert_eq!(settled("a\\"), "a\\.");
        assert_eq!(name("[a]\nb\\"), "(a) b\\.");
    }

    #[test]
    fn what_would_not_read_as_it_was_meant_is_refused() {
        for bad in ["ends in \\", " blank", "blank ", "return\rhere", ""] {
            let made = round(bad);
            assert_eq!(made.is_ok(), bad.is_empty(), "{bad:?}: {made:?}");
        }
        let twice = vec![("s".to_owned(), vec![]), ("s".to_owned(), vec![])];
        assert!(file(&["x"], twice).is_err());
    }

    #[test]
    fn a_reader_forgives_nothing() {
        assert_eq!(read("# c\n\n[a]\nb = c\\\nd\n[]\ne = 1\n"), Ok(json!({ "a": { "b": "c\nd" }, "": { "e": "1" } })));
        for bad in ["a = b", "[a", "[a]b]", "[a]\nb", "[a]\nb = c\\", "[a]\nb = 1\nb = 2", "[a]\n[a]", "[a]\n b = c"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
