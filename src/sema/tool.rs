//! `runs U to V with S` and its kin: what a utility's declaration makes of an event.

use super::condition::{Lower, words};
use super::parts::{Member, Part};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::cmdline::{self, Manner};
use crate::ir::paths::{self, Folder};
use crate::ir::{Drop, FieldRef, Matcher, Op, Pred, Regex, Test, Text};
use crate::source::Span;
use crate::syntax::ast::{Pick, Tool, ToolVerb};
use crate::vocabulary::{FieldId, Kind, Os, Shape, Utility, Verb};
use std::collections::BTreeSet;

/// The fields that a tool condition reads.
struct Subject {
    name: FieldRef,
    executable: FieldRef,
    command_line: FieldRef,
    original_name: FieldRef,
    script: bool,
    parent: bool,
}

pub(super) fn lower(l: &mut Lower, tool: &Tool) -> Pred {
    Pred::or(each_member(l, tool).into_iter().map(|m| m.pred()))
}

/// What a tool condition asks of each utility that it may mean.
pub(super) fn each_member(l: &mut Lower, tool: &Tool) -> Vec<Member> {
    let Some(members) = members(l, tool) else { return vec![] };
    let is_group = l.project.groups.contains_key(&tool.utility.text);
    check_picks(l, tool, &members, is_group);
    let Some(subject) = subject(l, tool) else { return vec![] };
    let mut out = vec![];
    let mut met = false;
    for utility in members {
        if !utility.os.iter().any(|os| l.place.os.contains(os)) {
            continue;
        }
        met = true;
        let parts = member(l, tool, utility, &subject, is_group);
        if let Ok(parts) = &parts {
            names(l, tool, utility, &subject, parts);
        }
        out.push(Member { utility: utility.name.clone(), parts });
    }
    if !met {
        let systems: Vec<_> = l.place.os.iter().map(|o| o.word()).collect();
        let diagnostic = Diagnostic::new(
            Code::NeverRuns,
            format!("`{}` does not run on {}", tool.utility.text, systems.join(" or ")),
        )
        .at(tool.utility.span, "its `os` and the rule's do not meet");
        let alone = (!is_group).then(|| l.project.utilities.get(&tool.utility.text)).flatten();
        l.report.push(match alone {
            Some(utility) => {
                let systems: Vec<_> = utility.os.iter().map(|o| o.word()).collect();
                diagnostic.also(utility.span, format!("declared for {}", systems.join(" and ")))
            }
            None => diagnostic,
        });
    }
    out
}

/// What a utility's condition and its parts are called: `SevenZip`, `SevenZipCreates`, `SevenZipWithPassword`.
fn names(l: &mut Lower, tool: &Tool, utility: &Utility, subject: &Subject, parts: &[(Part, Pred)]) {
    let word = |w: &str| w.to_owned();
    let picked = |pick: &Option<Pick>, of: &dyn Fn(&str) -> bool, end: &str| -> Vec<String> {
        let Some(pick) = pick else { return vec![] };
        let names = pick.names.iter().filter(|n| of(&n.text));
        let each: Vec<String> = names.map(|n| format!("{}{end}", n.text)).collect();
        words(&each.join(if pick.all { " and " } else { " or " }))
    };
    let mut program: Vec<String> = subject.parent.then(|| word("parent")).into_iter().collect();
    program.extend((tool.verb != ToolVerb::Runs).then(|| word(tool.verb.word())));
    program.extend(utility.words_of_name());
    let verb = picked(&tool.to, &|n| utility.verbs.contains_key(n), "s");
    let mut switch = picked(&tool.with, &|n| utility.switches.contains_key(n), "");
    if !switch.is_empty() {
        switch.insert(0, word("with"));
    }
    let mut name = |kept: &[Part], parts_of_name: [&[String]; 3]| {
        let pred = Pred::and(parts.iter().filter(|(p, _)| kept.contains(p)).map(|(_, pred)| pred.clone()));
        l.name(parts_of_name.concat(), &pred);
    };
    let words_of_script = parts.iter().any(|(part, _)| *part == Part::Words);
    if words_of_script {
        name(&[Part::Image], [&program, &[word("program")], &[]]);
        name(&[Part::Image, Part::Words], [&program, &[], &[]]);
    } else {
        name(&[Part::Image], [&program, &[], &[]]);
    }
    if !verb.is_empty() {
        name(&[Part::Image, Part::Verb], [&program, &verb, &[]]);
    }
    if !switch.is_empty() {
        name(&[Part::Image, Part::Switch], [&program, &[], &switch]);
        name(&[Part::Image, Part::Verb, Part::Switch], [&program, &verb, &switch]);
    }
}

fn members<'a>(l: &mut Lower<'a, '_>, tool: &Tool) -> Option<Vec<&'a Utility>> {
    let project = l.project;
    let name = &tool.utility.text;
    if let Some(utility) = project.utilities.get(name) {
        return Some(vec![utility]);
    }
    if let Some(members) = project.groups.get(name) {
        return Some(members.iter().filter_map(|m| project.utilities.get(m)).collect());
    }
    if !project.is_broken(name) {
        let known = project.utilities.keys().chain(project.groups.keys()).map(String::as_str);
        l.report.unknown("utility or group", name, tool.utility.span, known);
    }
    None
}

/// A verb or switch that no member has is an error, and so is one that a single utility lacks.
fn check_picks(l: &mut Lower, tool: &Tool, members: &[&Utility], is_group: bool) {
    if members.iter().any(|m| l.project.is_broken(&m.name)) || l.project.is_broken(&tool.utility.text) {
        return;
    }
    let verbs: BTreeSet<&str> = members.iter().flat_map(|m| m.verbs.keys().map(String::as_str)).collect();
    let switches: BTreeSet<&str> = members.iter().flat_map(|m| m.switches.keys().map(String::as_str)).collect();
    for (pick, what, plural, known, other, keyword) in [
        (&tool.to, "verb", "verbs", &verbs, &switches, "with"),
        (&tool.with, "switch", "switches", &switches, &verbs, "to"),
    ] {
        for name in pick.iter().flat_map(|p| &p.names).filter(|n| !known.contains(n.text.as_str())) {
            let message = match is_group {
                true => format!("no utility of `{}` has {what} `{}`", tool.utility.text, name.text),
                false => format!("`{}` has no {what} `{}`", tool.utility.text, name.text),
            };
            let words: Vec<&str> = known.iter().copied().collect();
            let label = match words.is_empty() {
                true => format!("it declares no {plural}"),
                false => format!("its {plural}: {}", words.join(", ")),
            };
            let diagnostic = Diagnostic::new(Code::UnknownPick, message).at(name.span, label);
            let diagnostic = match other.contains(name.text.as_str()) {
                true => diagnostic.help(format!("write `{keyword} {}`", name.text)),
                false => l.report.did_you_mean(diagnostic, &name.text, name.span, words),
            };
            l.report.push(diagnostic);
        }
    }
}

fn subject(l: &mut Lower, tool: &Tool) -> Option<Subject> {
    let (step, parent) = match &tool.subject {
        None if l.place.outside => {
            l.report.push(
                Diagnostic::new(Code::StepMissing, format!("`{}` in which step?", tool.verb.word()))
                    .at(tool.verb_span, "outside the steps, a condition carries its step's name")
                    .help(format!("write {}", steps(l, tool.verb.word()))),
            );
            return None;
        }
        None => (None, false),
        Some(path) => {
            let parts: Vec<&str> = path.parts.iter().map(|p| p.text.as_str()).collect();
            let step = parts.first().and_then(|p| l.place.steps.iter().position(|s| s.name == *p));
            match (step, parts.as_slice()) {
                (None, ["parent"]) if !l.place.outside => (None, true),
                (Some(i), [_]) => (Some(i), false),
                (Some(i), [_, "parent"]) => (Some(i), true),
                _ => {
                    l.report.push(
                        Diagnostic::new(Code::WrongSubject, format!("`{}` cannot run a utility", path.dotted()))
                            .at(path.span, "only the event's own process and its `parent` run utilities"),
                    );
                    return None;
                }
            }
        }
    };
    let kinds = match step {
        Some(index) => l.named_step(index, tool.verb_span)?,
        None => l.place.kinds.to_vec(),
    };
    if !kinds.contains(&Kind::Process) && !kinds.contains(&Kind::Script) {
        l.report.push(
            Diagnostic::new(Code::ToolNeedsProcess, format!("`{}` is asked of process events", tool.verb.word()))
                .at(
                    tool.verb_span,
                    format!("these are {} events", kinds.iter().map(|k| k.word()).collect::<Vec<_>>().join(" or ")),
                )
                .help(format!("name the acting process instead: `process.name in [{}]`", images(l, tool))),
        );
        return None;
    }
    let kind = if step.is_some() { l.place.step_kind.unwrap_or(Kind::Process) } else { l.place.kind };
    if !matches!(kind, Kind::Process | Kind::Script) {
        return None; // events of the other kinds run nothing
    }
    let field = |name: &str| {
        let name = if parent { format!("parent.{name}") } else { name.to_owned() };
        FieldId::find(&name).map(|id| FieldRef { id, step })
    };
    let script = kind == Kind::Script && !parent;
    Some(Subject {
        name: if parent { field("name")? } else { field("process.name")? },
        executable: field("executable")?,
        command_line: if script {
            FieldRef { id: FieldId::find("script.text")?, step }
        } else {
            field("command_line")?
        },
        original_name: field("original_name")?,
        script: kind == Kind::Script,
        parent,
    })
}

/// The image names of a utility as a list's inside.
fn images(l: &Lower, tool: &Tool) -> String {
    let utility = l.project.utilities.get(&tool.utility.text);
    let names: Vec<_> = utility.into_iter().flat_map(|u| &u.image).map(|i| format!("\"{i}\"")).collect();
    if names.is_empty() || names.len() > 6 { "\"7z.exe\", …".to_owned() } else { names.join(", ") }
}

/// `one runs` or `two runs`, for each step that runs anything.
fn steps(l: &Lower, verb: &str) -> String {
    let runs = |kinds: &[Kind]| kinds.contains(&Kind::Process) || kinds.contains(&Kind::Script);
    let all: Vec<_> =
        l.place.steps.iter().filter(|s| runs(&s.kinds)).map(|s| format!("`{} {verb} …`", s.name)).collect();
    all.join(" or ")
}

fn text(field: FieldRef, matcher: Matcher, cased: bool, span: Span) -> Pred {
    Pred::Test(Test { field, op: Op::Text(Text { matcher, all: false, cased }), span })
}

fn regex(field: FieldRef, regex: Regex, span: Span) -> Pred {
    let cased = regex.cased;
    text(field, Matcher::Regex(regex), cased, span)
}

fn any_regex(field: FieldRef, regexes: Vec<Regex>, span: Span) -> Pred {
    Pred::or(regexes.into_iter().map(|r| regex(field, r, span)).collect::<Vec<_>>())
}

/// What the condition says of one utility, or what the utility lacks.
fn member(
    l: &mut Lower,
    tool: &Tool,
    utility: &Utility,
    subject: &Subject,
    is_group: bool,
) -> Result<Vec<(Part, Pred)>, Part> {
    if subject.script {
        // Script text has no process image: only cmdlets can be recognised in it.
        if tool.verb != ToolVerb::Runs || subject.parent || utility.words().is_empty() {
            return Err(Part::Image);
        }
    }
    let span = tool.span;
    let mut parts = vec![];
    if !subject.script {
        parts.push((Part::Image, image(l, tool, utility, subject, is_group)));
    }
    let words = utility.words();
    if let Some(pick) = &tool.to {
        match verbs(l, tool, pick, utility, subject) {
            Some(pred) => parts.push((Part::Verb, pred)),
            None => return Err(Part::Verb),
        }
    } else if !words.is_empty() && tool.verb != ToolVerb::Resembles {
        let key = "to *".to_owned();
        let manner = Manner::default();
        let found =
            l.project.patterns.get(&utility.name, key, || cmdline::shapes(&[Shape::Word(words)], utility, manner));
        parts.push((Part::Words, any_regex(subject.command_line, found, span)));
    }
    if let Some(pick) = &tool.with {
        match switches(l, tool, pick, utility, subject) {
            Some(pred) => parts.push((Part::Switch, pred)),
            None => return Err(Part::Switch),
        }
    }
    if parts.is_empty() || (tool.verb == ToolVerb::Resembles && tool.to.is_none() && tool.with.is_none()) {
        l.report.push(
            Diagnostic::new(Code::EmptyResembles, "`resembles` needs a verb or a switch")
                .at(tool.span, "every command line resembles this")
                .help("add `to …` or `with …`"),
        );
        return Err(Part::Verb);
    }
    Ok(parts)
}

fn image(l: &mut Lower, tool: &Tool, utility: &Utility, subject: &Subject, is_group: bool) -> Pred {
    let span = tool.span;
    let systems: Vec<Os> = utility.os.iter().copied().filter(|os| l.place.os.contains(os)).collect();
    let exact = |field: FieldRef, names: Vec<String>| match names.is_empty() {
        true => Pred::Const(false),
        false => text(field, Matcher::Exact(names), false, span),
    };
    let named = || exact(subject.name, utility.images_on(&systems));
    let original = || match systems.contains(&Os::Windows) {
        true => exact(subject.original_name, utility.original.clone()),
        false => Pred::Const(false),
    };
    for (pred, what) in [(named(), "names"), (original(), "original names")] {
        l.name_list([utility.words_of_name(), words(what)].concat(), &pred);
    }
    match tool.verb {
        ToolVerb::Resembles => Pred::Const(true),
        ToolVerb::Runs => {
            let original = match original() {
                Pred::Const(false) => Pred::Const(false),
                pred if utility.original_when_available && !utility.image.is_empty() => {
                    Pred::Droppable { pred: Box::new(pred), why: Drop::OriginalName(utility.name.clone()), span }
                }
                pred => pred,
            };
            Pred::or([named(), original])
        }
        ToolVerb::Renamed => {
            if utility.original.is_empty() && !is_group {
                l.report.push(
                    Diagnostic::new(Code::NoOriginalName, format!("`{}` declares no `original`", utility.name))
                        .at(tool.utility.span, "a renamed copy cannot be recognised")
                        .also(utility.span, "declared here")
                        .help("add its PE original file names: `original [\"…\"]`"),
                );
            }
            Pred::and([original(), named().not()])
        }
        ToolVerb::Relocated => {
            if utility.home.is_empty() {
                if !is_group {
                    l.report.push(
                        Diagnostic::new(Code::NoHome, format!("`{}` declares no `home`", utility.name))
                            .at(tool.utility.span, "without a home folder, nothing is outside of it")
                            .also(utility.span, "declared here")
                            .help("add the folders it is installed in: `home ['…']`"),
                    );
                }
                return Pred::Const(false);
            }
            let homes: Vec<Folder> = utility.home.iter().filter_map(|h| Folder::parse(h)).collect();
            Pred::and([named(), paths::under(subject.executable, &homes, l.place.os, false, span).not()])
        }
    }
}

fn verbs(l: &mut Lower, tool: &Tool, pick: &Pick, utility: &Utility, subject: &Subject) -> Option<Pred> {
    let free = tool.verb == ToolVerb::Resembles;
    let mut parts = vec![];
    for name in &pick.names {
        let Some(verb) = utility.verbs.get(&name.text) else {
            if pick.all {
                return None;
            }
            continue;
        };
        if *verb == Verb::Default && free {
            l.report.push(
                Diagnostic::new(
                    Code::DefaultResembled,
                    format!("almost every command line resembles `{}` to `{}`", utility.name, name.text),
                )
                .at(name.span, "this verb is `default`: it means that no other verb is there")
                .help("`runs` looks at the program too"),
            );
            return None;
        }
        parts.extend(one_verb(l, tool, utility, &name.text, verb, subject));
    }
    (!parts.is_empty()).then(|| if pick.all { Pred::and(parts) } else { Pred::or(parts) })
}

fn one_verb(l: &Lower, tool: &Tool, utility: &Utility, name: &str, verb: &Verb, subject: &Subject) -> Option<Pred> {
    let span = tool.span;
    match verb {
        Verb::Default if subject.script => None,
        Verb::Default => {
            let manner = manner(l, tool);
            let key = format!("not {name} {manner:?}");
            let others = l.project.patterns.get(&utility.name, key, || cmdline::other_verbs(utility, name, manner));
            Some(any_regex(subject.command_line, others, span).not())
        }
        Verb::Shapes(shapes) => {
            let shapes = readable(shapes, subject);
            if shapes.is_empty() {
                return None;
            }
            let manner = manner(l, tool);
            let key = format!("to {name} {manner:?} {}", subject.script);
            let found = l.project.patterns.get(&utility.name, key, || cmdline::shapes(&shapes, utility, manner));
            Some(any_regex(subject.command_line, found, span))
        }
    }
}

/// How the shapes of a condition are asked.
fn manner(l: &Lower, tool: &Tool) -> Manner {
    Manner { free: tool.verb == ToolVerb::Resembles, windows: l.place.os.contains(&Os::Windows) }
}

/// A script holds cmdlets and their parameters; all other shapes belong to command lines.
fn readable(shapes: &[Shape], subject: &Subject) -> Vec<Shape> {
    let fits = |s: &&Shape| !subject.script || matches!(s, Shape::Word(_) | Shape::Parameter { .. });
    shapes.iter().filter(fits).cloned().collect()
}

fn switches(l: &Lower, tool: &Tool, pick: &Pick, utility: &Utility, subject: &Subject) -> Option<Pred> {
    let manner = Manner { free: false, ..manner(l, tool) };
    let mut groups: Vec<(String, Vec<Shape>)> = vec![];
    for name in &pick.names {
        match utility.switches.get(&name.text) {
            None if pick.all => return None,
            None => {}
            Some(shapes) => {
                let shapes = readable(shapes, subject);
                match groups.last_mut() {
                    Some((key, all)) if !pick.all => {
                        key.push_str(&name.text);
                        key.push(' ');
                        all.extend(shapes);
                    }
                    _ => groups.push((format!("with {} ", name.text), shapes)),
                }
            }
        }
    }
    if pick.all && groups.iter().any(|(_, shapes)| shapes.is_empty()) {
        return None;
    }
    groups.retain(|(_, shapes)| !shapes.is_empty());
    let parts: Vec<Pred> = groups
        .into_iter()
        .map(|(key, shapes)| {
            let key = format!("{key}{manner:?} {}", subject.script);
            let found = l.project.patterns.get(&utility.name, key, || cmdline::shapes(&shapes, utility, manner));
            any_regex(subject.command_line, found, tool.span)
        })
        .collect();
    (!parts.is_empty()).then(|| Pred::and(parts))
}
