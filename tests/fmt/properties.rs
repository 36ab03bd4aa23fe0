//! What holds wherever a comment, a blank or a line break is put.

use super::{FILES, code, comments_of, first_difference, formatted};
use arcanary::source::FileId;
use arcanary::syntax::ast::ItemKind;
use arcanary::syntax::{Token, parse, tokens};
use proptest::prelude::*;

/// The gaps between tokens in which white space may stand: each as the end of a token, the start of the next one, and
/// whether the first is a comment.
fn gaps(text: &str) -> Vec<(usize, usize, bool)> {
    let all: Vec<_> = tokens(text).collect();
    let loose = |t: Token, s: usize, e: usize| {
        matches!(t, Token::Open(_) | Token::Close(_)) || [",", "="].contains(&&text[s..e])
    };
    let mut out = vec![];
    for pair in all.windows(2) {
        let ((a, s, end), (b, start, e)) = (pair[0], pair[1]);
        // `>=` is one sign, but the scan sees two.
        let sign = ["<", ">"].contains(&&text[s..end]);
        if !sign && (end < start || loose(a, s, end) || loose(b, start, e)) {
            out.push((end, start, matches!(a, Token::Comment | Token::Doc)));
        }
    }
    out
}

/// The file without its `//` comments.
fn without_comments(text: &str) -> String {
    let mut out = text.to_owned();
    let all: Vec<_> = tokens(text).filter(|(t, ..)| *t == Token::Comment).collect();
    for (_, start, end) in all.into_iter().rev() {
        out.replace_range(start..end, "");
    }
    out
}

/// Each statement with its range: a rule's entries, and every other item as a whole.
fn statements(text: &str) -> Vec<(String, usize, usize)> {
    let mut out = vec![];
    for item in parse(FileId::default(), text).file.items {
        let parts = match &item.kind {
            ItemKind::Rule(rule) => &rule.parts[..],
            ItemKind::Tune(tune) => &tune.parts[..],
            _ => &[],
        };
        let spans: Vec<_> = if parts.is_empty() { vec![item.span] } else { parts.iter().map(|p| p.span).collect() };
        for span in spans {
            let words = code(&text[span.start..span.end]).into_iter().take(3).collect::<Vec<_>>().join(" ");
            out.push((format!("{} {words}", item.name().text), span.start, span.end));
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_comment_is_lost_wherever_it_stands(
        file in any::<prop::sample::Index>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..24),
    ) {
        let (_, text) = file.get(&FILES);
        let gaps = gaps(text);
        let mut places: Vec<_> = places.iter().map(|(place, own)| (*place.get(&gaps), *own)).collect();
        places.sort();
        let mut commented = text.clone();
        for (i, ((end, _, after_comment), own)) in places.iter().enumerate().rev() {
            let before = if *own || *after_comment { "\n  " } else { " " };
            commented.insert_str(*end, &format!("{before}// inserted {i}\n  "));
        }
        let out = formatted(&commented);
        prop_assert_eq!(comments_of(&out), comments_of(&commented));
        let plain = formatted(text);
        prop_assert_eq!(code(&out), code(&plain));
        prop_assert_eq!(first_difference(&formatted(&out), &out), None);
    }

    #[test]
    fn no_comment_leaves_its_statement(file in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), own: bool) {
        let (_, text) = file.get(&FILES);
        let text = without_comments(text);
        let statements_before = statements(&text);
        let inside: Vec<_> = gaps(&text)
            .into_iter()
            .filter(|(end, start, _)| statements_before.iter().any(|(_, s, e)| s < end && start < e))
            .collect();
        let (end, _, after_doc) = *place.get(&inside);
        let (name, ..) = statements_before.iter().find(|(_, s, e)| *s < end && end < *e).unwrap();
        let mut commented = text.clone();
        commented.insert_str(end, if own || after_doc { "\n  // inserted\n  " } else { " // inserted\n  " });
        let out = formatted(&commented);
        let at = out.find("// inserted").unwrap();
        let owners = statements(&out);
        let line = out[..at].rfind('\n').map_or(0, |i| i + 1);
        let inside = owners.iter().find(|(_, s, e)| *s <= at && at < *e);
        let behind = owners.iter().rev().find(|(_, _, e)| line < *e && *e <= at);
        let before = owners.iter().find(|(_, s, _)| at < *s);
        let owner = inside.or(behind).or(before).map(|(name, ..)| name);
        prop_assert_eq!(owner, Some(name), "{}", out);
    }

    #[test]
    fn white_space_has_no_say(file in any::<prop::sample::Index>(), seed in prop::collection::vec(0_usize..6, 64)) {
        let (_, text) = file.get(&FILES);
        let text = without_comments(text);
        let mut mangled = String::new();
        let mut at = 0;
        for (i, (end, start, after_doc)) in gaps(&text).into_iter().enumerate() {
            mangled.push_str(&text[at..end]);
            at = start;
            let kept = &text[end..start];
            let space = [" ", "\n  ", "\t", " \r\n\t", "    ", ""][seed[(i * 7 + i / 64) % seed.len()]];
            let space = if space.is_empty() && end < start { " " } else { space };
            // Blank lines between items and between tests have a say.
            if kept.matches('\n').count() > 1 {
                mangled.push_str("\n\n");
            } else if after_doc {
                mangled.push_str("\n   ");
            }
            mangled.push_str(space);
        }
        mangled.push_str(&text[at..]);
        prop_assert_eq!(first_difference(&formatted(&mangled), &formatted(&text)), None);
    }
}
