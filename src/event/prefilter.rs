//! Which rules an event may concern: a superset, found without asking any of them.
//!
//! A condition that holds needs one of a few texts to be in the event: a process's name, a part of its command line. For
//! each rule the rarest such set goes into one table and one automaton per field. A rule without such a set (a test below
//! `not`, a number, a branch that needs nothing) is always asked.

use super::ask::separators_alike;
use super::{Event, scratch};
use crate::ir::pattern::{Glob, Part};
use crate::ir::{Matcher, Op, Pred, Test, Text};
use crate::sema::{FieldId, Type};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use foldhash::{HashMap, HashMapExt as _};
use std::borrow::Cow;

/// A text that an event must have in a field, folded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Atom {
    /// It is the whole of the field.
    Whole(FieldId, String),
    /// It is a part of it.
    Part(FieldId, String),
}

/// One of these is in every event of which a condition holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    atoms: Vec<Atom>,
    /// How many events have one, by a rough guess.
    cost: f64,
}

impl Needs {
    fn one(atom: Atom) -> Needs {
        let cost = match &atom {
            Atom::Whole(..) => 0.001,
            Atom::Part(_, text) => 0.1_f64.powi(i32::try_from(text.len()).unwrap_or(i32::MAX).min(9)) * 10.0,
        };
        Needs { atoms: vec![atom], cost }
    }

    fn any(all: impl IntoIterator<Item = Needs>) -> Needs {
        all.into_iter().fold(Needs::default(), |mut sum, one| {
            sum.atoms.extend(one.atoms);
            sum.cost += one.cost;
            sum
        })
    }

    fn cheapest(all: impl IntoIterator<Item = Needs>) -> Option<Needs> {
        all.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    /// What a condition needs; `None`: nothing that can be looked up.
    pub(super) fn of(pred: &Pred) -> Option<Needs> {
        match pred {
            Pred::Const(false) => Some(Needs::default()),
            Pred::Const(true) | Pred::Not(_) => None,
            Pred::And(all) => Needs::cheapest(all.iter().filter_map(Needs::of)),
            Pred::Or(all) => Some(Needs::any(all.iter().map(Needs::of).collect::<Option<Vec<_>>>()?)),
            Pred::Droppable { pred, .. } => Needs::of(pred),
            Pred::Test(Test { field, op, .. }) => match op {
                Op::Word(words) => Some(Needs::any(words.iter().map(|w| Needs::one(Atom::Whole(field.id, fold(w)))))),
                Op::Text(text) => Needs::of_text(field.id, text),
                _ => None,
            },
        }
    }

    fn of_text(id: FieldId, text: &Text) -> Option<Needs> {
        let part = |text: &str| {
            let folded = fold(text);
            (!folded.is_empty()).then(|| Needs::one(Atom::Part(id, folded)))
        };
        let joined = |parts: Vec<Option<Needs>>| match text.all {
            true => Needs::cheapest(parts.into_iter().flatten()),
            false => Some(Needs::any(parts.into_iter().collect::<Option<Vec<_>>>()?)),
        };
        match &text.matcher {
            // One address has several forms.
            Matcher::Exact(_) if id.def().ty == Type::Ip => None,
            Matcher::Exact(values) => {
                let path = id.def().ty == Type::Path;
                let whole = |v: &String| fold(&if path { separators_alike(v) } else { v.into() });
                Some(Needs::any(values.iter().map(|v| Needs::one(Atom::Whole(id, whole(v))))))
            }
            Matcher::Contains(values) | Matcher::StartsWith(values) | Matcher::EndsWith(values) => {
                joined(values.iter().map(|v| part(v)).collect())
            }
            Matcher::Like(globs) => joined(globs.iter().map(|g| part(longest_ascii(g))).collect()),
            Matcher::Regex(regex) if regex.implied.is_empty() => None,
            Matcher::Regex(regex) => {
                let parts = regex.implied.iter().map(|c| part(c.text()).filter(|_| c.text().is_ascii()));
                Some(Needs::any(parts.collect::<Option<Vec<_>>>()?))
            }
        }
    }
}

/// Regular expressions fold letters by pairs and texts by their small letter; ASCII folds alike in both but for the
/// two signs that [`fold`] knows.
fn longest_ascii(glob: &Glob) -> &str {
    let literals = glob.parts.iter().filter_map(|p| match p {
        Part::Literal(text) if text.is_ascii() => Some(text.as_str()),
        _ => None,
    });
    literals.max_by_key(|t| t.len()).unwrap_or("")
}

/// Coarser than any comparison: small letters, and the two signs that regular expressions take for `s` and `k`.
fn fold(text: &str) -> String {
    let sign = |c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other,
    };
    text.chars().flat_map(char::to_lowercase).map(sign).collect()
}

/// Bytes of texts in one field up to which an automaton is laid out as a table.
const MOST_IN_TABLE: usize = 40_000;

/// The rules that events of one kind may concern.
#[derive(Debug, Default)]
pub(super) struct Prefilter {
    always: Rules,
    fields: Vec<Field>,
}

/// Rules by their numbers, in order.
type Rules = Vec<usize>;

/// What rules need of one field.
#[derive(Debug, Default)]
struct Texts {
    whole: HashMap<String, Rules>,
    parts: Vec<(String, Rules)>,
}

/// The same, ready to be looked up.
#[derive(Debug)]
struct Field {
    id: FieldId,
    whole: HashMap<String, Rules>,
    parts: Option<AhoCorasick>,
    /// For each text of the automaton, the rules that need it.
    of_part: Vec<Rules>,
}

impl Prefilter {
    /// Lays out what rules need; rules are known by their number.
    pub(super) fn new(rules: impl IntoIterator<Item = (usize, Option<Needs>)>) -> Prefilter {
        let mut filter = Prefilter::default();
        let mut atoms: HashMap<Atom, Rules> = HashMap::new();
        for (rule, needs) in rules {
            match needs {
                None => filter.always.push(rule),
                Some(needs) => {
                    for atom in needs.atoms {
                        let rules = atoms.entry(atom).or_default();
                        if rules.last() != Some(&rule) {
                            rules.push(rule);
                        }
                    }
                }
            }
        }
        let mut fields: HashMap<FieldId, Texts> = HashMap::new();
        for (atom, rules) in atoms {
            match atom {
                Atom::Whole(id, text) => {
                    fields.entry(id).or_default().whole.insert(text, rules);
                }
                Atom::Part(id, text) => fields.entry(id).or_default().parts.push((text, rules)),
            }
        }
        for (id, Texts { whole, parts }) in fields {
            let (texts, of_part): (Vec<String>, Vec<Rules>) = parts.into_iter().unzip();
            // A table is faster to walk than the default, which spares memory; it takes some 256 bytes for each of these.
            let table = texts.iter().map(String::len).sum::<usize>() < MOST_IN_TABLE;
            let kind = table.then_some(AhoCorasickKind::DFA);
            let built = AhoCorasick::builder().match_kind(MatchKind::Standard).kind(kind).build(&texts);
            match built {
                Ok(automaton) => {
                    let parts = (!texts.is_empty()).then_some(automaton);
                    filter.fields.push(Field { id, whole, parts, of_part });
                }
                // More texts than an automaton takes: their rules are asked always.
                Err(_) => {
                    filter.always.extend(of_part.into_iter().flatten());
                    filter.fields.push(Field { id, whole, parts: None, of_part: vec![] });
                }
            }
        }
        filter.always.sort_unstable();
        filter.always.dedup();
        filter.fields.sort_by_key(|f| f.id);
        filter
    }

    /// The rules that the event may concern, each once, in order.
    pub(super) fn candidates(&self, event: &Event, texts: &mut scratch::Texts, out: &mut Rules) {
        out.clear();
        out.extend(&self.always);
        for field in &self.fields {
            let Some(text) = event.text(field.id) else { continue };
            let text = texts.folded_ascii(field.id, text).map_or_else(|| fold(text).into(), Cow::Borrowed);
            if let Some(automaton) = &field.parts {
                for found in automaton.find_overlapping_iter(text.as_ref()) {
                    out.extend(field.of_part.get(found.pattern().as_usize()).into_iter().flatten());
                }
            }
            let whole = match field.id.def().ty {
                Type::Path => field.whole.get(separators_alike(&text).as_ref()),
                _ => field.whole.get(text.as_ref()),
            };
            out.extend(whole.into_iter().flatten());
        }
        out.sort_unstable();
        out.dedup();
    }
}
