//! Sequences and `together`: from their steps, flags and exceptions to one normal form.

use super::condition::{Allowed, StepScope};
use super::joint::Splitter;
use super::made::all_made;
use super::temporal::{different, key, window};
use super::{Project, Report, Rule};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Equal, Joint, JointFlag, OneEvent, Pred, Role, Step, StepField, Steps};
use crate::source::Span;
use crate::syntax::ast;
use crate::vocabulary::Os;

/// Lowers the steps of a rule for some systems.
pub(super) fn lower(rule: &Rule, written: &ast::Steps, project: &Project, os: &[Os], report: &mut Report) -> Steps {
    let scopes = rule.scopes();
    let mut steps: Vec<Step> = vec![];
    let mut asked: Vec<(usize, Joint)> = vec![];
    let mut keys = vec![];
    for (i, (step, scope)) in written.steps.iter().zip(scopes).enumerate() {
        let earlier = scopes.get(..i).unwrap_or(&[]);
        let mut splitter = Splitter { project, os, steps: earlier, own: Some((i, scope)), report };
        let joint = splitter.joint(&step.query.expr, Allowed::Operand);
        asked.extend(joint.conjuncts().into_iter().map(|j| (i, j)));
        steps.push(Step {
            name: step.name.text.clone(),
            span: step.name.span,
            role: scope.role,
            events: always(scope),
            exceptions: vec![],
            equalities: vec![],
            conditions: vec![],
        });
        keys.extend(written.keys.iter().filter_map(|path| key(path, scope, os, project, report)));
    }
    for (step, joint) in asked {
        place(step, joint, &mut steps);
    }
    steps.iter_mut().for_each(|step| step.events = all_made(&step.events, step.span));
    let mut out = Steps {
        ordered: written.ordered,
        keys: different(keys),
        within: window(&written.within, project, report),
        steps,
        exceptions: vec![],
        flags: vec![],
        show: shown(rule),
        names: vec![],
    };
    outside(rule, project, os, &mut out, report);
    out.names = std::mem::take(&mut report.names);
    out
}

/// Every event of a step's kinds.
fn always(scope: &StepScope) -> OneEvent {
    OneEvent::new(scope.kinds.iter().map(|kind| (*kind, Pred::Const(true))).collect())
}

/// Puts one operand of a step's condition where it belongs.
fn place(index: usize, joint: Joint, steps: &mut [Step]) {
    let role = |steps: &[Step], i: usize| steps.get(i).map(|s| s.role);
    match joint {
        // Both events are in every match, so it does not matter which of them is asked.
        Joint::One(read, event)
            if read == index
                || (role(steps, index) == Some(Role::Required) && role(steps, read) == Some(Role::Required)) =>
        {
            if let Some(step) = steps.get_mut(read) {
                step.events = step.events.join(&event, true);
            }
        }
        Joint::Const(false) => {
            if let Some(step) = steps.get_mut(index) {
                step.events = OneEvent::new(step.events.kinds().map(|kind| (kind, Pred::Const(false))).collect());
            }
        }
        other => {
            let Some(step) = steps.get_mut(index) else { return };
            match other {
                Joint::Equal(Equal { left, .. }) if left.step != index => step.conditions.push(other),
                Joint::Equal(equal) => step.equalities.push(equal),
                other => step.conditions.push(other),
            }
        }
    }
}

/// The fields of `show`, each behind its step's name.
fn shown(rule: &Rule) -> Option<Vec<StepField>> {
    let named = |(name, id): &(String, Option<crate::vocabulary::FieldId>)| {
        let step = name.split('.').next().and_then(|first| rule.scopes().iter().position(|s| s.name == first))?;
        Some(StepField { step, field: (*id)? })
    };
    rule.meta.show.as_ref().map(|all| all.iter().filter_map(named).collect())
}

/// Exceptions and flags, which stand outside the steps.
fn outside(rule: &Rule, project: &Project, os: &[Os], out: &mut Steps, report: &mut Report) {
    let scopes = rule.scopes();
    for (i, exception) in rule.exceptions.iter().enumerate() {
        let own = exception.step.and_then(|step| Some((step, scopes.get(step)?)));
        let steps = if own.is_some() { &[] } else { scopes };
        let joint = Splitter { project, os, steps, own, report }.joint(&exception.expr, Allowed::Anywhere);
        except(i, exception.span(), joint, out, report);
    }
    for flag in rule.flags() {
        let mut splitter = Splitter { project, os, steps: scopes, own: None, report };
        let joint = splitter.joint(&flag.expr, Allowed::Anywhere);
        out.flags.push(JointFlag { name: flag.name.text.clone(), joint, span: flag.name.span });
    }
}

/// An exception that reads one step belongs to that step; the others are conditions of the match.
fn except(index: usize, span: Span, joint: Joint, out: &mut Steps, report: &mut Report) {
    let read = joint.steps();
    let bad = read.iter().filter_map(|i| out.steps.get(*i)).find(|s| s.role != Role::Required);
    if let Some(step) = bad {
        let why = match step.role {
            Role::Optional => "an optional step does not decide a match, so an exception cannot read it",
            _ => "a match has no such event",
        };
        report.push(
            Diagnostic::new(Code::BadStep, format!("an exception cannot read `{}`", step.name))
                .at(span, why)
                .also(step.span, "this step"),
        );
        return;
    }
    match joint {
        Joint::One(step, event) => {
            if let Some(step) = out.steps.get_mut(step) {
                step.exceptions.push((index, event));
            }
        }
        Joint::Const(false) => {}
        joint => out.exceptions.push((index, joint)),
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::{Joint, Meaning, Op, Pred, Role, Steps};
    use crate::sema::{Project, resolve};
    use crate::vocabulary::{FieldId, Kind, Os};
    use std::sync::Arc;

    /// A rule of these entries, beside a utility.
    fn project(entries: &str) -> Project {
        let text = format!(
            "rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n{entries}\n}}
             utility zip \"Zip\" {{ os [windows] image [\"zip.exe\"] verb create = word [\"Zip-It\"] }}"
        );
        let mut sources = crate::source::Sources::new();
        let file = sources.add("r.det", &text);
        let (project, found) = resolve(vec![crate::syntax::parse(file, &text)], &indexmap::IndexMap::new());
        assert!(found.is_empty(), "{found:?}");
        project
    }

    fn steps(entries: &str) -> Arc<Steps> {
        let project = project(entries);
        match project.rules["r"].meaning(&project, &[Os::Windows]) {
            Meaning::Steps(steps) => steps,
            other => panic!("{other:?}"),
        }
    }

    fn field(name: &str) -> FieldId {
        FieldId::find(name).expect(name)
    }

    #[test]
    fn each_step_keeps_what_reads_it_alone_and_names_what_joins_it() {
        let all = steps(
            r#"detect sequence by host, user.name, host within 15m {
                 made: process where process.name is "a.exe"
                 without gone: file where file.action is deleted and process is made.process
                 kept: file where file.action is created and made.command_line contains "x" and process is made.process
                                  and user is made.user when available
               }"#,
        );
        assert!(all.ordered && all.within.micros == 900_000_000);
        assert_eq!(all.keys.iter().map(|k| k.field.short()).collect::<Vec<_>>(), ["host", "user.name"]);
        let [made, gone, kept] = all.steps.as_slice() else { panic!() };
        assert!(matches!(made.events.of(Kind::Process), Pred::And(both) if both.len() == 2), "{made:?}");
        assert_eq!((gone.role, all.gap(1)), (Role::Without, Some((0, 2))));
        assert!(matches!(kept.events.of(Kind::File), Pred::Test(t) if t.op == Op::Word(vec!["created"])), "{kept:?}");
        assert!(kept.conditions.is_empty());
        let [process, user] = kept.equalities.as_slice() else { panic!("{kept:?}") };
        assert_eq!((process.left.step, process.left.field), (2, field("process")));
        assert_eq!((process.right.step, process.right.field, process.available), (0, field("process"), None));
        assert_eq!((user.left.field, user.right.field), (field("user"), field("user")));
        assert!(user.available.is_some());
    }

    #[test]
    fn a_choice_between_joins_stays_a_condition_over_both_steps() {
        let all = steps(
            r#"detect sequence by host within 15m {
                 made: process where process.name is "a.exe"
                 kept: file where process is made.process or (parent is made.process and not file.size > 5)
               }"#,
        );
        let [Joint::Or(ways)] = all.steps[1].conditions.as_slice() else { panic!("{:?}", all.steps[1]) };
        assert!(matches!(&ways[0], Joint::Equal(e) if e.right.step == 0));
        let Joint::And(both) = &ways[1] else { panic!("{ways:?}") };
        assert!(matches!(&both[0], Joint::Equal(e) if e.left.field == field("parent")));
        assert!(matches!(&both[1], Joint::One(1, event) if matches!(event.of(Kind::File), Pred::Not(_))));
        assert!(all.steps[1].events.is(true));
    }

    #[test]
    fn what_an_optional_or_absent_event_needs_of_another_is_no_condition_of_that_one() {
        let all = steps(
            r#"detect sequence by host within 15m {
                 made: process where process.name is "a.exe"
                 without gone: file where file.action is deleted and made.process.pid is 4
                 kept: file where file.action is created
                 optional sent: network where made.process.pid is 4
               }"#,
        );
        assert!(matches!(all.steps[0].events.of(Kind::Process), Pred::Test(_)), "{:?}", all.steps[0]);
        for step in [1, 3] {
            assert!(matches!(all.steps[step].conditions.as_slice(), [Joint::One(0, _)]), "{:?}", all.steps[step]);
        }
    }

    #[test]
    fn exceptions_stand_with_the_one_step_that_they_read_and_the_others_with_the_match() {
        let all = steps(
            r#"detect together by host within 15m {
                 made: process where process.name is "a.exe"
                 kept: file where file.action is created
               }
               except "Agent" because "1" where kept.process.name is "agent.exe" or kept.file.size > 5
               except "Itself" because "2" where made.user.name is kept.user.name and made.process.pid is 4"#,
        );
        assert_eq!(all.steps[1].exceptions.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0]);
        let [(1, Joint::And(both))] = all.exceptions.as_slice() else { panic!("{:?}", all.exceptions) };
        assert!(matches!(both.as_slice(), [Joint::Equal(_), Joint::One(0, _)]));
    }

    #[test]
    fn a_flag_is_asked_of_each_kind_of_event_that_its_step_reads() {
        let all = steps(
            r#"detect sequence by host within 15m {
                 made: script or process where runs zip to create
                 kept: file where file.action is created
               }
               flag Ran = made runs zip
               flag Large = kept.file.size > 5 and not made.script.text contains "x""#,
        );
        let Joint::One(0, ran) = &all.flags[0].joint else { panic!("{:?}", all.flags[0]) };
        assert!(matches!(ran.of(Kind::Script), Pred::Test(t) if t.field.id == field("script.text")), "{ran:?}");
        assert!(!ran.of(Kind::Process).is(false) && ran.of(Kind::Process) != ran.of(Kind::Script));
        let Joint::And(parts) = &all.flags[1].joint else { panic!("{:?}", all.flags[1]) };
        let Joint::One(0, made) = &parts[1] else { panic!("{parts:?}") };
        // A process event has no script text: what it is asked is false, and its negation true.
        assert!(made.of(Kind::Process).is(true) && matches!(made.of(Kind::Script), Pred::Not(_)), "{made:?}");
    }

    #[test]
    fn a_count_takes_its_exceptions_from_the_events() {
        let project = project(
            r#"detect distinct file.directory >= 10 by host, user.name within 1h of file where file.action is created
               except "Agent" because "1" where process.name is "agent.exe""#,
        );
        let Meaning::Count(count) = project.rules["r"].meaning(&project, &[Os::Windows]) else { panic!() };
        assert_eq!(count.distinct.map(|k| k.field), Some(field("file.directory")));
        assert_eq!((count.at_least, count.within.micros, count.keys.len()), (10, 3_600_000_000, 2));
        assert!(matches!(count.exceptions.as_slice(), [(0, event)] if !event.is(false)));
    }
}
