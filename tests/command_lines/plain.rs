//! `command_lines: plain` for Sigma: what plain texts find, miss and find wrongly of the recorded command lines, beside the regular
//! expressions; written to `docs/command-lines.md` with `UPDATE_DOCS=1`.

use super::oracle::holds;
use super::oracle::project::root;
use super::{asked_rules, cases, event};
use arcanary::ir::{Matcher, Op, Pred, Test, Text};
use arcanary::vocabulary::{Kind, Os};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Plain texts in place of the regular expressions that have some.
fn plainly(pred: &Pred) -> Pred {
    let each = |all: &[Pred]| all.iter().map(plainly).collect();
    match pred {
        Pred::Const(value) => Pred::Const(*value),
        Pred::Not(inner) => Pred::Not(Box::new(plainly(inner))),
        Pred::And(all) => Pred::And(each(all)),
        Pred::Or(all) => Pred::Or(each(all)),
        Pred::Droppable { pred, why, span } => {
            Pred::Droppable { pred: Box::new(plainly(pred)), why: why.clone(), span: *span }
        }
        Pred::Test(test) => match &test.op {
            Op::Text(Text { matcher: Matcher::Regex(regex), .. }) if !regex.plain.is_empty() => {
                let matcher = Matcher::Contains(regex.plain.clone());
                Pred::Test(Test { op: Op::Text(Text { matcher, all: false, cased: false }), ..test.clone() })
            }
            _ => pred.clone(),
        },
    }
}

/// Verdicts about what is there, and what is not.
#[derive(Clone, Copy, Default)]
struct Count {
    found: usize,
    missed: usize,
    wrong: usize,
}

impl Count {
    fn add(&mut self, truth: bool, said: bool) {
        match (truth, said) {
            (true, true) => self.found += 1,
            (true, false) => self.missed += 1,
            (false, true) => self.wrong += 1,
            (false, false) => {}
        }
    }

    fn plus(self, other: Count) -> Count {
        let Count { found, missed, wrong } = other;
        Count { found: self.found + found, missed: self.missed + missed, wrong: self.wrong + wrong }
    }
}

#[test]
fn the_page_says_what_plain_texts_find_miss_and_find_wrongly() {
    let (project, rules) = asked_rules("rules");
    let mut by_utility: BTreeMap<String, (usize, Count, Count)> = BTreeMap::new();
    for case in cases() {
        let utility = &project.utilities[&case.utility];
        for (key, truth) in &case.expect {
            // Questions about arguments stay regular expressions.
            if ["unc", "stream"].contains(&key.as_str()) {
                continue;
            }
            let rule = &project.rules[&rules[&(case.utility.clone(), key.clone())]];
            let detect = rule.body(&project, Kind::Process, &Os::ALL).detect.clone();
            let event = event(&case, utility);
            let (verdicts, exact, plain) = by_utility.entry(case.utility.clone()).or_default();
            *verdicts += 1;
            exact.add(*truth, holds(&detect, &event));
            plain.add(*truth, holds(&plainly(&detect), &event));
        }
    }
    let sum = by_utility.values().fold((0, Count::default(), Count::default()), |(n, exact, plain), of| {
        (n + of.0, exact.plus(of.1), plain.plus(of.2))
    });
    let mut table = "| utility | verdicts | exact: found | missed | false | plain: found | missed | false |\n|---|---|---|---|---|---|---|---|\n".to_owned();
    let rows = by_utility.iter().map(|(name, of)| (format!("`{name}`"), *of)).chain([("all".to_owned(), sum)]);
    for (name, (verdicts, exact, plain)) in rows {
        let _ = writeln!(
            table,
            "| {name} | {verdicts} | {} | {} | {} | {} | {} | {} |",
            exact.found, exact.missed, exact.wrong, plain.found, plain.missed, plain.wrong
        );
    }
    let (_, exact, plain) = sum;
    assert!(
        plain.missed + plain.wrong > exact.missed + exact.wrong,
        "plain texts are worse: that is why they are degraded"
    );
    let path = root("docs/command-lines.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- plain -->\n").expect("the section");
    let (written, after) = rest.split_once("<!-- /plain -->\n").expect("its end");
    if std::env::var("UPDATE_DOCS").is_ok_and(|v| v == "1") {
        std::fs::write(&path, format!("{before}<!-- plain -->\n{table}<!-- /plain -->\n{after}")).unwrap();
        return;
    }
    assert_eq!(written, table, "docs/command-lines.md: run again with UPDATE_DOCS=1");
}
