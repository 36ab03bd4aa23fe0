//! Which rules an event may concern, and which of their tests: a superset, found without asking any of them.
//!
//! A condition that holds needs one of a few texts to be in the event: a process's name, a part of its command line. For
//! each rule the rarest such set goes into one table and one automaton per field. A rule without such a set (a test below
//! `not`, a number, a branch that needs nothing) is always asked.

use super::Event;
use super::ask::separators_alike;
use super::scratch::Scratch;
use crate::ir::pattern::{Glob, Part};
use crate::ir::{Matcher, Op, Pred, Test, Text};
use crate::vocabulary::{FieldId, Type};
use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, dfa, nfa};
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
            Pred::Test(Test { field, op, .. }) => Needs::of_op(field.id, op),
        }
    }

    /// What a test of a field needs.
    pub(super) fn of_op(id: FieldId, op: &Op) -> Option<Needs> {
        match op {
            Op::Word(words) => Some(Needs::any(words.iter().map(|w| Needs::one(Atom::Whole(id, fold(w)))))),
            Op::Text(text) => Needs::of_text(id, text),
            _ => None,
        }
    }

    /// The fields in which it is looked for.
    pub(super) fn fields(&self) -> impl Iterator<Item = FieldId> {
        self.atoms.iter().map(|(Atom::Whole(id, _) | Atom::Part(id, _))| *id)
    }

    /// Whether few events have it.
    pub(super) fn is_rare(&self) -> bool {
        self.cost < 0.05
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

/// The rules that events of one kind may concern.
#[derive(Debug, Default)]
pub(super) struct Prefilter {
    always: Rules,
    fields: Vec<Field>,
}

/// Rules by their numbers, in order.
type Rules = Vec<usize>;

/// Who needs a text.
#[derive(Debug, Default)]
struct Needy {
    rules: Rules,
    /// Tests, by their place among the leaves.
    leaves: Vec<usize>,
}

/// What is needed of one field.
#[derive(Debug, Default)]
struct Texts {
    whole: HashMap<String, Needy>,
    parts: Vec<(String, Needy)>,
}

/// The same, ready to be looked up.
#[derive(Debug)]
struct Field {
    id: FieldId,
    whole: HashMap<String, Needy>,
    parts: Option<Parts>,
    /// For each part, who needs it.
    of_part: Vec<Needy>,
}

/// The rules that an event may concern.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Each once, in order.
    pub(super) rules: Rules,
    /// Room for the parts that one of its fields has.
    parts: Vec<usize>,
}

impl Prefilter {
    /// Lays out what rules need, and what their leaves need; both are known by their number.
    pub(super) fn new<'n>(
        rules: impl IntoIterator<Item = (usize, Option<Needs>)>,
        leaves: impl IntoIterator<Item = &'n (usize, Needs)>,
    ) -> Prefilter {
        let mut filter = Prefilter::default();
        let mut atoms: HashMap<Atom, Needy> = HashMap::new();
        for (rule, needs) in rules {
            match needs {
                None => filter.always.push(rule),
                Some(needs) => {
                    for atom in needs.atoms {
                        let rules = &mut atoms.entry(atom).or_default().rules;
                        if rules.last() != Some(&rule) {
                            rules.push(rule);
                        }
                    }
                }
            }
        }
        for (leaf, needs) in leaves {
            for atom in &needs.atoms {
                atoms.entry(atom.clone()).or_default().leaves.push(*leaf);
            }
        }
        let mut fields: HashMap<FieldId, Texts> = HashMap::new();
        for (atom, needy) in atoms {
            match atom {
                Atom::Whole(id, text) => {
                    fields.entry(id).or_default().whole.insert(text, needy);
                }
                Atom::Part(id, text) => fields.entry(id).or_default().parts.push((text, needy)),
            }
        }
        for (id, Texts { whole, parts }) in fields {
            let (texts, of_part): (Vec<String>, Vec<Needy>) = parts.into_iter().unzip();
            let parts = (!texts.is_empty()).then(|| Parts::new(&texts));
            filter.fields.push(Field { id, whole, parts, of_part });
        }
        filter.always.sort_unstable();
        filter.always.dedup();
        filter.fields.sort_by_key(|f| f.id);
        filter
    }

    /// Finds the rules that the event may concern, and notes which leaves may hold.
    pub(super) fn look(&self, event: &Event, scratch: &mut Scratch, candidates: &mut Candidates) {
        let Candidates { rules: out, parts: found } = candidates;
        out.clear();
        out.extend(&self.always);
        let (texts, mut hopeful) = scratch.filtered();
        for field in &self.fields {
            let Some(text) = event.text(field.id) else { continue };
            let text = texts.folded_ascii(field.id, text).map_or_else(|| fold(text).into(), Cow::Borrowed);
            found.clear();
            if let Some(parts) = &field.parts {
                parts.find(&text, field.of_part.len(), found);
            }
            let whole = match field.id.def().ty {
                Type::Path => field.whole.get(separators_alike(&text).as_ref()),
                _ => field.whole.get(text.as_ref()),
            };
            for Needy { rules, leaves } in found.iter().filter_map(|part| field.of_part.get(*part)).chain(whole) {
                out.extend(rules);
                leaves.iter().for_each(|leaf| hopeful.add(*leaf));
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}

/// Parts of texts, looked for together.
#[derive(Debug)]
enum Parts {
    /// Fast; some 256 bytes of memory for each byte of the parts.
    Table(dfa::DFA),
    /// Small.
    Compact(nfa::contiguous::NFA),
    /// More than an automaton takes: each is taken for found.
    TooMany,
}

/// Bytes of parts up to which they are laid out as a table.
const MOST_IN_TABLE: usize = 40_000;

impl Parts {
    fn new(all: &[String]) -> Parts {
        if all.iter().map(String::len).sum::<usize>() < MOST_IN_TABLE
            && let Ok(table) = dfa::DFA::new(all)
        {
            return Parts::Table(table);
        }
        nfa::contiguous::NFA::new(all).map_or(Parts::TooMany, Parts::Compact)
    }

    /// Adds the place of each part that is in a text, once for each time, out of `count` parts.
    fn find(&self, text: &str, count: usize, out: &mut Vec<usize>) {
        match self {
            Parts::Table(automaton) => find(automaton, text, out),
            Parts::Compact(automaton) => find(automaton, text, out),
            Parts::TooMany => out.extend(0..count),
        }
    }
}

/// The library's own search gives overlapping matches one by one, and begins again at each. On its own, the loop keeps its
/// few values in registers.
#[inline(never)]
fn find(automaton: &impl Automaton, text: &str, out: &mut Vec<usize>) {
    // Both automatons were built to search from anywhere.
    let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
    for byte in text.bytes() {
        state = automaton.next_state(Anchored::No, state, byte);
        if automaton.is_special(state) && automaton.is_match(state) {
            out.extend((0..automaton.match_len(state)).map(|i| automaton.match_pattern(state, i).as_usize()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_that_a_text_has_is_found_however_parts_are_laid_out() {
        let all: Vec<String> = ["rar", "ar", "winrar", "é", "zip"].map(str::to_owned).into();
        let table = dfa::DFA::new(&all).map(Parts::Table).expect("few parts");
        let compact = nfa::contiguous::NFA::new(&all).map(Parts::Compact).expect("few parts");
        for (text, expected) in [("winrarar", vec![0, 1, 2]), ("7zé", vec![3]), ("zi", vec![]), ("", vec![])] {
            for parts in [&table, &compact] {
                let mut found = vec![];
                parts.find(text, all.len(), &mut found);
                found.sort_unstable();
                found.dedup();
                assert_eq!(found, expected, "{text} in {parts:?}");
            }
        }
        let mut found = vec![];
        Parts::TooMany.find("", all.len(), &mut found);
        assert_eq!(found, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_a_regular_expression_takes_for_a_letter_of_ascii_folds_to_it() {
        let others: String = ('\u{80}'..=char::MAX).collect();
        let any_letter = regex::Regex::new("(?i)[a-z]").expect("a class");
        let found: Vec<&str> = any_letter.find_iter(&others).map(|m| m.as_str()).collect();
        assert_eq!(found, ["\u{17f}", "\u{212a}"]);
        for sign in found {
            let letter = fold(sign);
            assert!(
                letter.is_ascii() && regex::Regex::new(&format!("(?i)^{letter}$")).expect("a letter").is_match(sign)
            );
        }
    }

    #[test]
    fn as_many_parts_as_a_thousand_rules_have_take_little_room() {
        let many: Vec<String> = (0..10_000).map(|i| format!("part{i}")).collect();
        assert!(matches!(Parts::new(&many), Parts::Compact(_)) && matches!(Parts::new(&many[..100]), Parts::Table(_)));
    }
}
