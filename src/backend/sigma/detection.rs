//! A condition as Sigma's selections and the line that joins them, in the shape in which SigmaHQ writes rules:
//! `all of selection_1_* or all of selection_2_*`, `selection and not 1 of filter_main_*`.

use super::build::Builder;
use super::item::Items;
use super::joint::Joint;
use super::order::{asks_behind, ordered};
use super::shape::{shaped, shaped_to_deny};
use crate::backend::exception_line;
use crate::backend::yaml::comment;
use crate::sema::Rule;
use crate::stage;
use crate::target::{Bound, SourceQuery, Target, Unsupported};
use indexmap::IndexMap;

/// Selections by name.
pub type Selections = IndexMap<String, Selection>;

/// The values of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Text.
    Texts(Vec<String>),
    /// Numbers.
    Numbers(Vec<i64>),
    /// True or false.
    Flag(bool),
}

/// A search identifier: one map, or a list of maps of which one is enough.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Selection {
    /// Each map: key and values.
    pub maps: Vec<Items>,
}

/// The detection part of a rule.
#[derive(Clone, Debug, Default)]
pub struct Detection {
    /// By name, in the order of the condition.
    pub selections: Selections,
    /// The line that joins them.
    pub condition: String,
    /// A comment for each exception: its title, why, until when.
    pub excepted: Vec<String>,
}

impl Detection {
    /// The detection of one log source, in events that have a value in each of the columns `keys`.
    ///
    /// # Errors
    /// What Sigma cannot say.
    pub fn of(
        rule: &Rule,
        query: &SourceQuery,
        target: &Target,
        keys: &[String],
    ) -> Result<Detection, Vec<Unsupported>> {
        let mut builder = Builder::new(rule);
        let mut parts = match shaped(&query.detect, target) {
            Bound::Const(_) => vec![],
            other => vec![builder.top(&other)],
        };
        if let Some(score) = &query.score {
            let flags: Vec<(String, Bound)> =
                query.flags.iter().map(|(name, bound)| (name.clone(), shaped(bound, target))).collect();
            parts.extend(builder.score(score, &flags, rule)?);
        }
        if !keys.is_empty() {
            parts.extend(builder.has(keys, &target.filler));
        }
        if parts.is_empty() {
            return Err(vec![Unsupported {
                span: rule.detect_span,
                why: "cannot say a condition that is always true".into(),
            }]);
        }
        parts.extend(builder.excepted(rule, query, target));
        let joint = gathered(Joint::and(parts), &builder.selections);
        let mut selections = std::mem::take(&mut builder.selections);
        let mut joint = ordered(joint, &mut selections);
        stage::sigma(&mut joint, &mut selections);
        let mut places = IndexMap::new();
        joint.each_name(&mut |name| {
            let place = places.len();
            places.entry(name).or_insert(place);
        });
        selections.sort_by_cached_key(|name, _| places.get(name.as_str()).copied().unwrap_or(usize::MAX));
        let condition = joint.line(&selections);
        let excepted = query.exceptions.iter().map(|(index, _)| comment(&exception_line(rule, *index))).collect();
        if builder.refused.is_empty() {
            Ok(Detection { selections, condition, excepted })
        } else {
            Err(builder.refused)
        }
    }
}

/// Several filters of one sort are `not 1 of filter_main_*`. One that asks a regular expression stays by itself: it is a
/// plain step in Splunk there, and a column of its own below an OR.
fn gathered(joint: Joint, selections: &Selections) -> Joint {
    let Joint::And(mut all) = joint else { return joint };
    for prefix in ["filter_main_", "filter_optional_"] {
        let filter = |j: &Joint| match j {
            Joint::Not(inner) => {
                matches!(&**inner, Joint::Name(name) if name.starts_with(prefix))
                    && inner.selection(selections).is_some_and(|s| !asks_behind(s))
            }
            _ => false,
        };
        let meant = selections.keys().filter(|name| name.starts_with(prefix)).count();
        let found = all.iter().filter(|j| filter(j)).count();
        if found < 2 || found != meant {
            continue;
        }
        let (some, rest): (Vec<Joint>, Vec<Joint>) = all.into_iter().partition(filter);
        let some = some.into_iter().filter_map(|j| if let Joint::Not(inner) = j { Some(*inner) } else { None });
        all = rest;
        all.push(Joint::Or(some.collect()).not());
    }
    Joint::and(all)
}

/// An exception as one selection, if it is one: Sigma's filters hold no more.
pub fn exception(rule: &Rule, bound: &Bound, target: &Target) -> Option<Selection> {
    let mut builder = Builder::new(rule);
    builder.selection(&shaped_to_deny(bound, target)).filter(|_| builder.refused.is_empty())
}

/// Words for a name: small letters, digits and `_`.
pub fn slug(text: &str) -> String {
    let words: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let slug = words.split_whitespace().collect::<Vec<_>>().join("_");
    if slug.is_empty() { "other".to_owned() } else { slug }
}

/// A word for what a condition looks at, as SigmaHQ abbreviates it.
pub fn subject(bound: &Bound) -> String {
    let mut name = String::new();
    bound.each_test(&mut |t| {
        if name.is_empty() {
            name.clone_from(&t.column.name);
        }
    });
    field_word(&name)
}

pub fn field_word(key: &str) -> String {
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
