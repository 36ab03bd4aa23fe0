//! `arcanary witness`

use super::{Exit, Input, counted, exit_of, no_such_rule, print_as_is, report as say, tell};
use crate::compile::compile;
use crate::diagnostic::Diagnostic;
use crate::escape;
use crate::project::{Loaded, unknown_target};
use crate::sema::Rule;
use crate::target::{Target, bind};
use crate::witness::{
    Refused, Verdict, Witness, Witnesses, ecs, report, witnesses, witnesses_of_several_on, witnesses_on,
};
use clap::Args;
use serde_json::{Map, Value as Json};

/// Generate events that a rule fires on, and near misses
#[derive(Args)]
pub struct WitnessArgs {
    /// The rule's name
    rule: String,
    #[command(flatten)]
    input: Input,
    /// Print rows of this target's logs [default: events in ECS]
    #[arg(long, value_name = "T")]
    target: Option<String>,
    /// Print the events only, ready to send to a SIEM
    #[arg(long)]
    raw: bool,
}

impl WitnessArgs {
    pub fn run(&self) -> Exit {
        let loaded = self.input.load();
        if loaded.has_errors() {
            return self.findings(&loaded.diagnostics, &loaded);
        }
        let Some(rule) = loaded.project.rules.get(&self.rule) else {
            return no_such_rule(&self.rule, &loaded);
        };
        let made = match &self.target {
            None => self.as_ecs(rule, &loaded),
            Some(name) => match loaded.targets.all.get(name) {
                Some(target) => self.as_rows(rule, target, &loaded),
                None => Err(vec![unknown_target(name, &loaded.targets)]),
            },
        };
        match made {
            Ok((lines, summary)) => {
                print_as_is(&escape::json(&lines));
                tell(&summary);
                Exit::Fine
            }
            Err(diagnostics) => self.findings(&diagnostics, &loaded),
        }
    }

    fn findings(&self, diagnostics: &[Diagnostic], loaded: &Loaded) -> Exit {
        say(diagnostics, &loaded.sources, self.input.printed.format);
        exit_of(diagnostics)
    }

    fn as_ecs(&self, rule: &Rule, loaded: &Loaded) -> Result<(String, String), Vec<Diagnostic>> {
        let made = witnesses(rule, &loaded.project).map_err(|refused| vec![report::finding(rule, &refused)])?;
        if rule.over_several_events().is_some() && !self.raw {
            let line = |w: &Witness| {
                let events = w.events.iter().map(ecs::object).collect();
                format!("{}\n", report::line_of_several(rule, w, None, events, &loaded.sources))
            };
            return Ok((made.all.iter().map(line).collect(), summary(rule, &[&made])));
        }
        let lines = made.all.iter().flat_map(|w| {
            w.events.iter().map(|event| self.line(rule, w, None, ecs::object(event), loaded)).collect::<Vec<_>>()
        });
        let lines = lines.collect();
        Ok((lines, summary(rule, &[&made])))
    }

    fn as_rows(&self, rule: &Rule, target: &Target, loaded: &Loaded) -> Result<(String, String), Vec<Diagnostic>> {
        for note in compile(rule, &loaded.project, target)?.printed.notes {
            tell(&format!("note: {}", note.text));
        }
        if rule.over_several_events().is_some() {
            return self.several_as_rows(rule, target, loaded);
        }
        // A rule that compiles can be bound.
        let Ok(plan) = bind(rule, &loaded.project, target) else { return Err(vec![]) };
        let logs =
            witnesses_on(rule, &loaded.project, &plan).map_err(|refused| vec![report::finding(rule, &refused)])?;
        let mut lines = String::new();
        let mut number = 0;
        for log in &logs {
            let place = log.place();
            for witness in &log.witnesses.all {
                for event in &witness.events {
                    number += 1;
                    lines.push_str(&self.line(rule, witness, Some(&place), log.row(event, number), loaded));
                }
            }
        }
        let summary = summary(rule, &logs.iter().map(|l| &l.witnesses).collect::<Vec<_>>());
        Ok((lines, summary))
    }

    fn several_as_rows(
        &self,
        rule: &Rule,
        target: &Target,
        loaded: &Loaded,
    ) -> Result<(String, String), Vec<Diagnostic>> {
        let refused = |why: Option<Refused>| why.iter().map(|why| report::finding(rule, why)).collect::<Vec<_>>();
        let sets = witnesses_of_several_on(rule, &loaded.project, target).map_err(refused)?;
        let mut number = 0;
        let mut lines = String::new();
        for witness in &sets.witnesses.all {
            let rows = sets.rows(witness, &mut number);
            if self.raw {
                rows.into_iter().for_each(|(_, row)| lines.push_str(&format!("{}\n", Json::Object(row))));
            } else {
                let (logs, rows): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
                let line = report::line_of_several(rule, witness, Some(&logs), rows, &loaded.sources);
                lines.push_str(&format!("{line}\n"));
            }
        }
        Ok((lines, summary(rule, &[&sets.witnesses])))
    }

    fn line(
        &self,
        rule: &Rule,
        witness: &Witness,
        place: Option<&str>,
        event: Map<String, Json>,
        loaded: &Loaded,
    ) -> String {
        let line = match self.raw {
            true => Json::Object(event),
            false => report::line(rule, witness, place, event, &loaded.sources),
        };
        format!("{line}\n")
    }
}

fn summary(rule: &Rule, all: &[&Witnesses]) -> String {
    let count = |f: fn(&Verdict) -> bool| all.iter().flat_map(|w| &w.all).filter(|w| f(&w.verdict)).count();
    let fires = count(|v| *v == Verdict::Fires);
    let near = count(|v| *v == Verdict::NearMiss);
    let excepted = count(|v| matches!(v, Verdict::Excepted(_)));
    let misses = if near == 1 { "1 near miss".to_owned() } else { format!("{near} near misses") };
    let mut text = format!("{fires} firing, {misses}, {excepted} excepted");
    let sum = |f: fn(&Witnesses) -> usize| all.iter().map(|w| f(w)).sum::<usize>();
    for (n, what) in [
        (sum(|w| w.never_alone), "condition that cannot be negated alone"),
        (sum(|w| w.impossible.len()), "alternative that no event can satisfy"),
    ] {
        if n > 0 {
            let (noun, rest) = what.split_once(' ').unwrap_or((what, ""));
            text.push_str(&format!("; {} {rest}", counted(n, noun)));
        }
    }
    if all.iter().any(|w| w.cut) {
        text.push_str("\nthe rule has more branches than the search limit: some have no event here");
    }
    if all.iter().any(|w| w.cut_off) {
        text.push_str(&format!(
            "\nthe search for `{}` reached its limit: some conditions and exceptions may have no event here",
            rule.name
        ));
    }
    text
}
