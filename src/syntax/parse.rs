//! Stage 1, second half: each item goes through the grammar alone.
//!
//! An item that does not parse is tried again entry by entry, so that every wrong entry is reported and the good
//! ones reach the tree. Such an item, and one whose brackets or quotes are wrong, is remembered as broken: later
//! stages know its name and blame nobody for what is missing in it.

use super::ast::{File, Ident, Item, ItemKind, Rule as RuleItem, RulePart, Tune, Utility, UtilityPart};
use super::build::Builder;
use super::expected::{Failure, Piece, failure};
use super::split::{self, Chunk, Comment, ITEM_WORDS, META_KEYS, Token, UTILITY_KEYS, tokens};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};
use pest::Parser as _;

#[allow(missing_docs, reason = "pest_derive makes a public enum without documentation")]
mod grammar {
    /// The grammar, compiled.
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/arcanary.pest"]
    pub struct Grammar;
}
pub(super) use grammar::{Grammar, Rule};

/// What parsing a file gives.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The tree of all that parsed.
    pub file: File,
    /// Items that did not parse in full: their keyword and name. The tree holds what was readable of them.
    pub broken: Vec<(String, Ident)>,
    /// Comments in source order.
    pub comments: Vec<Comment>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses the text of one file.
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parsed {
    let split = split::split(file, text);
    let mut out = Parsed { comments: split.comments, diagnostics: split.diagnostics, ..Parsed::default() };
    for chunk in &split.chunks {
        parse_chunk(file, text, chunk, &mut out);
    }
    out
}

fn parse_chunk(file: FileId, text: &str, chunk: &Chunk, out: &mut Parsed) {
    let piece = Piece { file, text, start: chunk.start, end: chunk.end, entry: false };
    let header = header(file, piece.input(), chunk.start);
    let mut builder = Builder::new(file, chunk.start, text);
    let wrap = |kind, end| Item {
        docs: chunk.docs.clone(),
        kind,
        span: Span::new(file, chunk.start, end),
        start: chunk.doc_start,
    };
    if chunk.broken {
        if chunk.balanced {
            let salvaged = salvage(piece, &chunk.reported, &mut builder);
            out.file.items.extend(salvaged.map(|s| wrap(s.kind, chunk.end)));
        }
        out.diagnostics.append(&mut builder.diagnostics);
        out.broken.extend(header);
        return;
    }
    match Grammar::parse(Rule::item, piece.input()) {
        Ok(pairs) => {
            let item = builder.item(pairs);
            if item.is_none() || !builder.diagnostics.is_empty() {
                out.broken.extend(header);
            }
            out.file.items.extend(item.map(|kind| wrap(kind, chunk.end)));
        }
        Err(error) => {
            let whole = failure(piece, &error);
            match salvage(piece, &[], &mut builder) {
                Some(salvaged) => {
                    out.file.items.push(wrap(salvaged.kind, chunk.end));
                    out.broken.extend(header);
                    if !salvaged.failed {
                        builder.diagnostics.push(whole.diagnostic);
                    }
                }
                None => {
                    match before(piece, &whole, &mut builder) {
                        Some(kind) if builder.diagnostics.is_empty() => out.file.items.push(wrap(kind, whole.at)),
                        _ => out.broken.extend(header),
                    }
                    builder.diagnostics.push(whole.diagnostic);
                }
            }
        }
    }
    out.diagnostics.append(&mut builder.diagnostics);
}

/// The item that stands whole before a failure.
fn before(piece: Piece, failure: &Failure, builder: &mut Builder) -> Option<ItemKind> {
    let whole = Piece { end: failure.at, ..piece };
    let pairs = failure.whole_before.then(|| Grammar::parse(Rule::item, whole.input()).ok())??;
    builder.item(pairs)
}

/// The keyword and name that an item begins with.
fn header(file: FileId, item: &str, offset: usize) -> Option<(String, Ident)> {
    let mut words = tokens(item).filter(|(t, ..)| !matches!(t, Token::Comment | Token::Doc));
    let (_, start, end) = words.next()?;
    let keyword = item.get(start..end).filter(|w| ITEM_WORDS.contains(w))?;
    let (token, start, end) = words.next()?;
    let name = item.get(start..end).filter(|_| token == Token::Word)?;
    let span = Span::new(file, offset + start, offset + end);
    Some((keyword.to_owned(), Ident { text: name.to_owned(), span }))
}

/// What begins an entry of a rule or a tune besides metadata: the other entries, and keys that are often meant.
const RULE_WORDS: [&str; 9] =
    ["detect", "flag", "threshold", "except", "test", "disable", "description", "Description", "severity"];

/// What could be read of an item that does not parse.
struct Salvaged {
    kind: ItemKind,
    /// Some entry did not parse, and it was said why.
    failed: bool,
}

/// An entry is cut at most this often: where one ends and a word that is no keyword begins.
const MOST_PIECES: usize = 1000;

/// Parses the entries of an item with braces one by one; the good ones make a tree. Entries that hold one of the
/// places in `reported` are passed over in silence if they do not parse.
fn salvage(item: Piece, reported: &[usize], builder: &mut Builder) -> Option<Salvaged> {
    let (keyword, name) = header(item.file, item.input(), item.start)?;
    let (alone, words): (Rule, [&[&str]; 2]) = match keyword.as_str() {
        "utility" => (Rule::utility_alone, [&UTILITY_KEYS, &[]]),
        "rule" => (Rule::rule_alone, [&META_KEYS, &RULE_WORDS]),
        "tune" => (Rule::tune_alone, [&META_KEYS, &RULE_WORDS]),
        _ => return None,
    };
    let mut failed = false;
    let mut parts: Vec<RulePart> = vec![];
    let mut utility_parts: Vec<UtilityPart> = vec![];
    let mut take = |entry: Piece, pairs, builder: &mut Builder| {
        builder.offset = entry.start;
        if alone == Rule::utility_alone {
            utility_parts.extend(builder.utility_alone(pairs));
        } else {
            parts.extend(builder.rule_alone(pairs));
        }
    };
    for (start, end) in entries(item.input(), words)? {
        let mut entry = Piece { start: item.start + start, end: item.start + end, entry: true, ..item };
        for piece in 0..MOST_PIECES {
            let failure = match Grammar::parse(alone, entry.input()) {
                Ok(pairs) => {
                    take(entry, pairs, builder);
                    break;
                }
                Err(error) => failure(entry, &error),
            };
            // What stands before the failure may be whole; then the rest is tried as an entry of its own.
            let whole = Piece { end: failure.at, ..entry };
            match Grammar::parse(alone, whole.input()) {
                Ok(pairs) if failure.whole_before && piece + 1 < MOST_PIECES => {
                    take(entry, pairs, builder);
                    entry.start = failure.at;
                }
                _ => {
                    failed = true;
                    let next = reported.partition_point(|at| *at < entry.start);
                    if reported.get(next).is_none_or(|at| *at >= entry.end) {
                        builder.diagnostics.push(failure.diagnostic);
                    }
                    break;
                }
            }
        }
    }
    let kind = match keyword.as_str() {
        "utility" => {
            let title = builder.text_of(name.text.clone(), name.span);
            ItemKind::Utility(Utility { name, title, parts: utility_parts })
        }
        "rule" => ItemKind::Rule(RuleItem { name, parts }),
        _ => ItemKind::Tune(Tune { name, parts }),
    };
    Some(Salvaged { kind, failed })
}

/// The byte ranges of the entries between an item's braces, each from its keyword to the last token before the next.
fn entries(item: &str, words: [&[&str]; 2]) -> Option<Vec<(usize, usize)>> {
    let all: Vec<_> = tokens(item).filter(|(t, ..)| !matches!(t, Token::Comment | Token::Doc)).collect();
    let mut depth = 0_usize;
    let mut starts: Vec<usize> = vec![];
    let mut ends: Vec<usize> = vec![];
    let mut last_end = 0;
    let mut line_depth = 0;
    for (i, &(token, start, end)) in all.iter().enumerate() {
        let begins_line = item.get(last_end..start).is_none_or(|blank| blank.contains('\n'));
        if begins_line {
            line_depth = depth;
        }
        match token {
            // It took the rest of its line, and with it the partners of the brackets that the line opened.
            Token::Text(false) => depth = line_depth,
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Word if depth == 1 => {
                let word = item.get(start..end)?;
                let glued = start > 0 && item.get(start - 1..start) == Some(".");
                let next = all.get(i + 1).and_then(|(_, s, e)| item.get(*s..*e)).unwrap_or("");
                // A field of a condition, or what a flag, verb or switch is called.
                let operator = matches!(next, "," | "." | "is" | "in" | "contains" | "exists")
                    || matches!(next, "=" | ":") && !begins_line;
                let first = starts.is_empty();
                if first || (words.iter().any(|w| w.contains(&word)) && !glued && !operator) {
                    if !first {
                        ends.push(last_end);
                    }
                    starts.push(start);
                }
            }
            _ => {}
        }
        if depth == 0 && matches!(token, Token::Close(b'}')) {
            break;
        }
        last_end = end;
    }
    ends.push(last_end);
    Some(starts.into_iter().zip(ends).collect())
}
