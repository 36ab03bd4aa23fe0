//! The fields that an event must have for a Sigma rule to find it: read from the rule's text, with no code of the compiler's.

use serde_json::Value as Json;
use std::collections::BTreeSet;

type Fields = BTreeSet<String>;

/// Those of each rule of a text.
pub fn required(text: &str) -> Vec<Fields> {
    use serde::Deserialize as _;
    let documents = serde_yaml::Deserializer::from_str(text).map(|d| Json::deserialize(d).expect("YAML"));
    documents.filter(|d| d.get("detection").is_some()).map(|d| of_rule(&d["detection"])).collect()
}

fn of_rule(detection: &Json) -> Fields {
    let condition = detection["condition"].as_str().expect("a condition").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = condition.split_whitespace().collect();
    let mut reader = Reader { detection, words: &words };
    let found = reader.alternatives();
    assert!(reader.words.is_empty(), "read {condition} up to {:?}", reader.words);
    found
}

/// `or` binds last, then `and`, then `not`.
struct Reader<'a> {
    detection: &'a Json,
    words: &'a [&'a str],
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        self.words = &self.words[usize::from(found)..];
        found
    }

    fn alternatives(&mut self) -> Fields {
        let mut found = self.conjunction();
        while self.next_is("or") {
            found = &found & &self.conjunction();
        }
        found
    }

    fn conjunction(&mut self) -> Fields {
        let mut found = self.operand();
        while self.next_is("and") {
            found.extend(self.operand());
        }
        found
    }

    fn operand(&mut self) -> Fields {
        if self.next_is("not") {
            self.operand();
            return Fields::new();
        }
        if self.next_is("(") {
            let found = self.alternatives();
            assert!(self.next_is(")"), "a parenthesis is closed");
            return found;
        }
        let (word, rest) = self.words.split_first().expect("a name");
        if !["1", "all"].contains(word) {
            self.words = rest;
            return of_selection(&self.detection[*word]);
        }
        self.words = &rest[2..];
        let prefix = rest[1].strip_suffix('*').expect("names by their beginning");
        let all = self.detection.as_object().expect("selections").iter().filter(|(name, _)| name.starts_with(prefix));
        let each = all.map(|(_, selection)| of_selection(selection));
        if *word == "all" { each.flatten().collect() } else { common(each) }
    }
}

fn of_selection(selection: &Json) -> Fields {
    match selection {
        Json::Array(maps) => common(maps.iter().map(of_selection)),
        Json::Object(items) => items.keys().map(|key| key.split('|').next().expect("a field").to_owned()).collect(),
        other => panic!("no selection: {other}"),
    }
}

fn common(all: impl Iterator<Item = Fields>) -> Fields {
    all.reduce(|a, b| &a & &b).expect("an alternative")
}

#[cfg(test)]
mod tests {
    use super::required;

    #[test]
    fn a_field_of_every_alternative_is_required() {
        let of = |condition: &str| {
            let text = format!(
                "detection:\n  a_1:\n    Image|re: 'x'\n    User: 'y'\n  a_2:\n    - Image: 'x'\n      User: 'z'\n    - User: 'y'\n  \
                 b:\n    Product: 'p'\n  condition: {condition}\n"
            );
            required(&text)[0].iter().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of("1 of a_*"), "User");
        assert_eq!(of("all of a_*"), "Image User");
        assert_eq!(of("a_1 or b"), "");
        assert_eq!(of("b and not (a_1 or a_2)"), "Product");
        assert_eq!(of("(a_1 or a_2) and b or a_2"), "User");
    }
}
