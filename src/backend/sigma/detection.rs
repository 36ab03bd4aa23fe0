//! A condition as Sigma's selections and the line that joins them, in the shape in which SigmaHQ writes rules:
//! `all of selection_1_* or all of selection_2_*`, `selection and not 1 of filter_main_*`.

use super::item::{Items, items};
use crate::backend::exception_line;
use crate::backend::yaml::comment;
use crate::ir::Score;
use crate::mutant::{Mutant, on};
use crate::sema::Rule;
use crate::source::Span;
use crate::target::{Bound, SourceQuery, Unsupported};
use indexmap::IndexMap;

/// More sets of flags than this are no rule that anybody reads.
const MOST_SETS: usize = 64;

/// The values of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Texts(Vec<String>),
    /// Numbers.
    Numbers(Vec<i64>),
    /// True or false.
    Flag(bool),
}

/// A search identifier: one map, or a list of maps of which one is enough.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Selection {
    /// Each map: key and values.
    pub maps: Vec<Items>,
}

/// The detection part of a rule.
#[derive(Clone, Debug, Default)]
pub struct Detection {
    /// By name, in the order of the condition.
    pub selections: IndexMap<String, Selection>,
    /// The line that joins them.
    pub condition: String,
    /// A comment for each exception: its title, why, until when.
    pub excepted: Vec<String>,
}

/// A joint condition over names.
#[derive(Clone, Debug)]
enum Joint {
    Name(String),
    Not(Box<Joint>),
    And(Vec<Joint>),
    Or(Vec<Joint>),
}

struct Builder<'a> {
    filler: &'a [String],
    out: Detection,
    refused: Vec<Unsupported>,
    /// Where the rule's detection stands.
    span: Span,
}

impl Detection {
    /// The detection of one log source, in events that have a value in each of the columns `keys`.
    ///
    /// # Errors
    /// What Sigma cannot say.
    pub fn of(
        rule: &Rule,
        query: &SourceQuery,
        filler: &[String],
        keys: &[String],
    ) -> Result<Detection, Vec<Unsupported>> {
        let mut builder = Builder { filler, out: Detection::default(), refused: vec![], span: rule.detect_span };
        let mut parts = match &query.detect {
            Bound::Const(_) => vec![],
            other => vec![builder.top(other)],
        };
        if let Some(score) = &query.score {
            parts.extend(builder.score(score, &query.flags, rule)?);
        }
        if !keys.is_empty() {
            parts.extend(builder.has(keys));
        }
        if parts.is_empty() {
            return Err(vec![Unsupported {
                span: rule.detect_span,
                why: "cannot say a condition that is always true".into(),
            }]);
        }
        let mut excepted = vec![];
        for (index, bound) in &query.exceptions {
            let title = rule.exceptions.get(*index).map_or("", |e| e.title.as_str());
            excepted.push(builder.filter(bound, &format!("filter_optional_{}", slug(title))));
            builder.out.excepted.push(comment(&exception_line(rule, *index)));
        }
        if !excepted.is_empty() {
            let excepted = one_or_any(excepted);
            let wanted = on(Mutant::SigmaExceptionWanted);
            parts.push(if wanted { excepted } else { Joint::Not(Box::new(excepted)) });
        }
        builder.out.condition = builder.line(&flat(parts), true);
        if builder.refused.is_empty() { Ok(builder.out) } else { Err(builder.refused) }
    }
}

/// An exception as one selection, if it is one: Sigma's filters hold no more.
pub fn exception(rule: &Rule, bound: &Bound, filler: &[String]) -> Option<Selection> {
    let mut builder = Builder { filler, out: Detection::default(), refused: vec![], span: rule.detect_span };
    builder.selection(bound).filter(|_| builder.refused.is_empty())
}

/// A conjunction without conjunctions inside.
fn flat(parts: Vec<Joint>) -> Joint {
    let mut all: Vec<Joint> =
        parts.into_iter().flat_map(|j| if let Joint::And(inner) = j { inner } else { vec![j] }).collect();
    if all.len() == 1 { all.remove(0) } else { Joint::And(all) }
}

fn one_or_any(mut all: Vec<Joint>) -> Joint {
    if all.len() == 1 { all.remove(0) } else { Joint::Or(all) }
}

/// Words for a name: small letters, digits and `_`.
pub fn slug(text: &str) -> String {
    let words: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let slug = words.split_whitespace().collect::<Vec<_>>().join("_");
    if slug.is_empty() { "other".to_owned() } else { slug }
}

impl Builder<'_> {
    /// The alternatives of the whole condition are numbered; a single one is not.
    fn top(&mut self, bound: &Bound) -> Joint {
        match bound {
            Bound::Or(all) if self.selection(bound).is_none() => self.alternatives(all, "selection"),
            other => self.branch(other, "selection"),
        }
    }

    /// Each of these columns is there and holds a value.
    fn has(&mut self, keys: &[String]) -> [Joint; 2] {
        let there = keys.iter().map(|key| (format!("{key}|exists"), Value::Flag(true))).collect();
        let nothing: Vec<String> = std::iter::once(String::new()).chain(self.filler.iter().cloned()).collect();
        let lacking = keys.iter().map(|key| vec![(key.clone(), Value::Texts(nothing.clone()))]).collect();
        let there = self.add("selection_keys", Selection { maps: vec![there] });
        let lacking = self.add("filter_main_keys", Selection { maps: lacking });
        [Joint::Name(there), Joint::Not(Box::new(Joint::Name(lacking)))]
    }

    /// The sets of flags that reach the threshold; `None` if it is always reached.
    fn score(
        &mut self,
        score: &Score,
        flags: &[(String, Bound)],
        rule: &Rule,
    ) -> Result<Option<Joint>, Vec<Unsupported>> {
        let left = score.given(|index| match flags.get(index) {
            Some((_, Bound::Const(value))) => Some(*value),
            _ => None,
        });
        if left.threshold == 0 {
            return Ok(None);
        }
        let span = rule.threshold.map_or(rule.span, |(_, span)| span);
        let sets = left.minimal_sets(MOST_SETS).map_err(|reached| {
            let why = format!(
                "has no arithmetic, and the sets of flags that reach the threshold are more than {MOST_SETS}: \
                 {reached} were counted"
            );
            vec![Unsupported { span, why }]
        })?;
        let mut said = IndexMap::new();
        for index in sets.iter().flatten() {
            if let (Some((name, bound)), false) = (flags.get(*index), said.contains_key(index)) {
                said.insert(*index, self.filter(bound, &format!("flag_{}", slug(name))));
            }
        }
        let set = |set: &Vec<usize>| flat(set.iter().filter_map(|index| said.get(index).cloned()).collect());
        let ways: Vec<Joint> = sets.iter().skip(usize::from(on(Mutant::SigmaSetLost))).map(set).collect();
        Ok(Some(one_or_any(ways)))
    }

    /// A conjunction: its plain tests become selections, what it negates becomes filters.
    fn branch(&mut self, bound: &Bound, prefix: &str) -> Joint {
        if let Some(selection) = self.selection(bound) {
            return Joint::Name(self.add(prefix, selection));
        }
        match bound {
            Bound::And(all) => {
                let (negative, positive): (Vec<&Bound>, Vec<&Bound>) =
                    all.iter().partition(|b| matches!(b, Bound::Not(_)));
                let mut joint = self.positives(&positive, prefix);
                let number = prefix.strip_prefix("selection").unwrap_or("");
                for not in negative {
                    let Bound::Not(inner) = not else { continue };
                    let name = format!("filter_main{number}_{}", subject(inner));
                    joint.push(Joint::Not(Box::new(self.filter(inner, &name))));
                }
                if joint.len() == 1 { joint.remove(0) } else { Joint::And(joint) }
            }
            Bound::Or(all) => self.alternatives(all, prefix),
            Bound::Not(inner) => {
                let number = prefix.strip_prefix("selection").unwrap_or("");
                let name = format!("filter_main{number}_{}", subject(inner));
                Joint::Not(Box::new(self.filter(inner, &name)))
            }
            Bound::Test(test) => {
                // What Sigma cannot say was refused when the test became an item.
                let refused = Unsupported { span: test.span, why: "cannot say this as one selection".into() };
                if self.refused.is_empty() {
                    self.refused.push(refused);
                }
                Joint::Name(prefix.to_owned())
            }
            Bound::Const(_) => {
                self.refused.push(Unsupported {
                    span: self.span,
                    why: "cannot say a part that is always true or never".into(),
                });
                Joint::Name(prefix.to_owned())
            }
        }
    }

    /// Tests of different fields share a map; alternatives and second tests of a field get names of their own.
    fn positives(&mut self, all: &[&Bound], prefix: &str) -> Vec<Joint> {
        let mut parts: Vec<(String, Selection)> = vec![];
        let mut merged: Option<usize> = None;
        let mut joints = vec![];
        for bound in all {
            let Some(selection) = self.selection(bound) else {
                joints.push(*bound);
                continue;
            };
            if selection.maps.len() > 1 {
                parts.push((subject(bound), selection));
                continue;
            }
            for (key, value) in selection.maps.into_iter().flatten() {
                let map = merged.and_then(|i| parts.get_mut(i)).and_then(|(_, s)| s.maps.first_mut());
                match map {
                    Some(map) if !map.iter().any(|(k, _)| *k == key) => map.push((key, value)),
                    there => {
                        if there.is_none() {
                            merged = Some(parts.len());
                        }
                        parts.push((field_word(&key), Selection { maps: vec![vec![(key, value)]] }));
                    }
                }
            }
        }
        let many = parts.len() + joints.len() > 1;
        let mut out = vec![];
        for (word, selection) in parts {
            let name = if many { format!("{prefix}_{word}") } else { prefix.to_owned() };
            out.push(Joint::Name(self.add(&name, selection)));
        }
        for (place, bound) in joints.into_iter().enumerate() {
            let word = u8::try_from(place).ok().filter(|n| *n < 26).map(|n| char::from(b'a' + n).to_string());
            let word = word.unwrap_or_else(|| format!("part{}", place + 1));
            out.push(self.branch(bound, &format!("{prefix}_{word}")));
        }
        out
    }

    /// Alternatives: those that are maps share a list, the others are numbered.
    fn alternatives(&mut self, all: &[Bound], prefix: &str) -> Joint {
        let mut maps = vec![];
        let mut others = vec![];
        for bound in all {
            match self.map(bound) {
                Some(map) => maps.push(map),
                None => others.push(bound),
            }
        }
        let mut joint = vec![];
        let mut number = 0;
        if !maps.is_empty() {
            number += 1;
            joint.push(Joint::Name(self.add(&format!("{prefix}_{number}"), Selection { maps })));
        }
        for bound in others {
            number += 1;
            joint.push(self.branch(bound, &format!("{prefix}_{number}")));
        }
        one_or_any(joint)
    }

    fn filter(&mut self, bound: &Bound, name: &str) -> Joint {
        match self.selection(bound) {
            Some(selection) => Joint::Name(self.add(name, selection)),
            None => self.branch(bound, name),
        }
    }

    /// A condition as one selection, if it is one: a test, tests of different fields, or alternatives of these.
    fn selection(&mut self, bound: &Bound) -> Option<Selection> {
        match bound {
            Bound::Or(all) => {
                let maps = all.iter().map(|b| self.map(b)).collect::<Option<Vec<_>>>()?;
                Some(Selection { maps: if on(Mutant::SigmaAlternativesJoined) { vec![maps.concat()] } else { maps } })
            }
            other => Some(Selection { maps: vec![self.map(other)?] }),
        }
    }

    fn map(&mut self, bound: &Bound) -> Option<Items> {
        let tests: Vec<&Bound> = match bound {
            Bound::And(all) => all.iter().collect(),
            other => vec![other],
        };
        let mut out: Items = vec![];
        for test in tests {
            let Bound::Test(test) = test else { return None };
            let items = match items(test, self.filler) {
                Ok(items) => items,
                Err(error) => {
                    if !self.refused.contains(&error) {
                        self.refused.push(error);
                    }
                    vec![]
                }
            };
            for (key, value) in items {
                if out.iter().any(|(k, _)| *k == key) {
                    if on(Mutant::SigmaSecondTestLost) {
                        continue;
                    }
                    return None;
                }
                out.push((key, value));
            }
        }
        Some(out)
    }

    /// Adds a selection under a free name; the same one is not added twice.
    fn add(&mut self, name: &str, selection: Selection) -> String {
        let mut free = name.to_owned();
        let mut n = 2;
        while let Some(there) = self.out.selections.get(&free) {
            if *there == selection {
                return free;
            }
            free = format!("{name}_{n}");
            n += 1;
        }
        self.out.selections.insert(free.clone(), selection);
        free
    }

    /// The condition's text. `all of x_*` and `1 of x_*` where these are exactly the names meant.
    fn line(&self, joint: &Joint, outer: bool) -> String {
        let text = match joint {
            Joint::Name(name) => return name.clone(),
            Joint::Not(inner) if on(Mutant::SigmaNotLost) => return self.line(inner, false),
            Joint::Not(inner) => return format!("not {}", self.line(inner, false)),
            Joint::And(all) => {
                if let Some(short) = self.shorthand(all, "all of") {
                    return short;
                }
                let (names, rest): (Vec<&Joint>, Vec<&Joint>) = all.iter().partition(|j| matches!(j, Joint::Name(_)));
                let owned: Vec<Joint> = names.iter().map(|j| (*j).clone()).collect();
                let mut parts: Vec<String> = match self.shorthand(&owned, "all of") {
                    Some(short) => vec![short],
                    None => names.iter().map(|j| self.line(j, false)).collect(),
                };
                parts.extend(rest.iter().map(|j| self.line(j, false)));
                parts.join(" and ")
            }
            Joint::Or(all) => {
                if let Some(short) = self.shorthand(all, "1 of") {
                    return short;
                }
                all.iter().map(|j| self.line(j, false)).collect::<Vec<_>>().join(" or ")
            }
        };
        if outer || on(Mutant::SigmaParentheses) { text } else { format!("({text})") }
    }

    fn shorthand(&self, all: &[Joint], word: &str) -> Option<String> {
        let names: Vec<&str> = all
            .iter()
            .map(|j| match j {
                Joint::Name(name) => Some(name.as_str()),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let first = names.first().filter(|_| names.len() > 1)?;
        let ends: Vec<usize> = first.match_indices('_').map(|(i, _)| i + 1).collect();
        ends.into_iter().rev().find_map(|end| {
            let prefix = first.get(..end)?;
            let meant: Vec<&String> = self.out.selections.keys().filter(|k| k.starts_with(prefix)).collect();
            let exact = meant.len() == names.len() && names.iter().all(|n| n.starts_with(prefix));
            let close = exact || on(Mutant::SigmaShorthand) && names.iter().all(|n| n.starts_with(prefix));
            close.then(|| format!("{word} {prefix}*"))
        })
    }
}

/// A word for what a condition looks at, as SigmaHQ abbreviates it.
fn subject(bound: &Bound) -> String {
    let mut name = String::new();
    bound.each_test(&mut |t| {
        if name.is_empty() {
            name.clone_from(&t.column.name);
        }
    });
    field_word(&name)
}

fn field_word(key: &str) -> String {
    match key.split('|').next().unwrap_or("") {
        "Image" | "OriginalFileName" | "Description" => "img".to_owned(),
        "ParentImage" => "parent".to_owned(),
        "CommandLine" => "cli".to_owned(),
        "ParentCommandLine" => "parent_cli".to_owned(),
        "TargetFilename" => "file".to_owned(),
        "ImageLoaded" => "dll".to_owned(),
        other => slug(other),
    }
}

#[cfg(test)]
mod tests {
    use crate::compile::tests::on;

    /// What Sigma makes of a rule of these entries: its condition, or why there is none.
    fn said(entries: &str) -> Result<String, String> {
        let line = |text: String| text.lines().find_map(|l| l.trim().strip_prefix("condition: ").map(str::to_owned));
        on("sigma", entries).map(|text| line(text).expect("a condition"))
    }

    /// A rule with this many flags of weight 1.
    fn equal_flags(n: usize, threshold: usize) -> String {
        let flags: String = (0..n).map(|i| format!("flag f{i} weight 1 = command_line contains \"{i}x\"\n")).collect();
        format!("detect process where process.name is \"a.exe\"\n{flags}threshold {threshold}")
    }

    #[test]
    fn each_set_of_flags_that_reaches_the_threshold_is_named() {
        assert_eq!(said(&equal_flags(2, 1)).as_deref(), Ok("selection and 1 of flag_*"));
        assert_eq!(
            said(&equal_flags(3, 2)).as_deref(),
            Ok("selection and ((flag_f0 and flag_f1) or (flag_f0 and flag_f2) or (flag_f1 and flag_f2))")
        );
    }

    #[test]
    fn more_sets_than_anybody_reads_are_refused_with_their_number() {
        assert!(said(&equal_flags(8, 2)).is_ok());
        let why = said(&equal_flags(12, 6)).expect_err("refused");
        assert!(why.contains("more than 64: 65 were counted"), "{why}");
    }

    #[test]
    fn two_fields_are_not_compared_with_their_case() {
        assert!(said("detect process where executable is parent.executable").is_ok());
        let why = said("detect process where executable is cased parent.executable").expect_err("refused");
        assert!(why.contains("in any case only"), "{why}");
    }
}
