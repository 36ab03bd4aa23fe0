//! Rules and tunes: their entries in the canonical order, each section aligned.

use super::conditions::{quoted, range, words};
use super::layout::{Doc, group, indent, text};
use super::order::{Section, is_aligned, rank};
use super::tree::short;
use super::{Body, Entry, Printer};
use crate::syntax::ast::*;

/// Fields of a test's event share a column up to this width.
const FIELD: usize = 20;

/// `where` without `and`, and without `or`: how far to indent these so that the operands share a column.
const AND: usize = 2;
const OR: usize = 3;

impl<'a> Printer<'a> {
    /// `rule NAME { … }` or `tune NAME { … }` whose last token ends at `end`.
    pub(super) fn parts(&mut self, word: &str, name: &Ident, parts: &[RulePart], end: usize) -> Vec<Doc> {
        let columns = Columns::of(parts);
        let head = self.cursor.take(self.cursor.token(name.span.end).0);
        let mut body = Body::default();
        for part in parts {
            self.entry(&mut body, range(part.span), |p| p.part(part, &columns));
        }
        self.close(&mut body, end);
        let mut ranked: Vec<_> = parts.iter().map(rank).zip(std::mem::take(&mut body.entries)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let mut last: Option<Section> = None;
        for ((section, _), mut entry) in ranked {
            let keeps = matches!(section, Section::Excepts | Section::Tests);
            entry.blank = last.is_some_and(|last| last != section || (keeps && entry.blank));
            last = Some(section);
            body.entries.push(entry);
        }
        self.cursor.put_back(head);
        vec![text(format!("{word} {} ", name.text)), Self::braces(body, 0)]
    }

    /// `{ … }` with an entry a line; `column` is where comments stand.
    pub(super) fn braces(body: Body, column: usize) -> Doc {
        if body.entries.is_empty() && body.head.is_none() && body.tail.is_empty() {
            return text("{}");
        }
        let mut docs: Vec<Doc> = vec![];
        docs.extend(body.head.map(|note| Doc::Suffix(note.text.to_owned(), 0)));
        for Entry { lead, docs: inner, trail, blank } in body.entries {
            docs.extend(blank.then_some(Doc::Hard));
            docs.extend(lead.iter().flat_map(|note| [Doc::Hard, text(note.text)]));
            docs.push(Doc::Hard);
            docs.extend(inner);
            docs.extend(trail.map(|note| Doc::Suffix(note.text.to_owned(), column)));
        }
        docs.extend(body.tail.iter().flat_map(|note| [Doc::Hard, text(note.text)]));
        Doc::Concat(vec![text("{"), indent(docs), Doc::Hard, text("}")])
    }

    fn part(&mut self, part: &RulePart, columns: &Columns) -> Vec<Doc> {
        match &part.kind {
            RulePartKind::Meta { key, value } => {
                let width = if is_aligned(&key.text) { columns.key } else { 0 };
                vec![text(format!("{:<width$} ", key.text)), self.meta(value)]
            }
            RulePartKind::Disable(reason) => vec![text(format!("disable {}", because(reason)))],
            RulePartKind::Detect(Detect::Query(query)) => {
                let query = self.query(query);
                vec![group(vec![text("detect "), query])]
            }
            RulePartKind::Detect(Detect::Count(count)) => vec![self.count(count)],
            RulePartKind::Detect(Detect::Steps(steps)) => self.steps(steps, part.span.end),
            RulePartKind::Flag(flag) => {
                let chain = self.chain(&flag.expr, Doc::Line);
                vec![group(vec![text(columns.flag(flag)), indent(chain)])]
            }
            RulePartKind::Threshold(_, span) => vec![text(format!("threshold {}", self.written(*span)))],
            RulePartKind::Except(Except::Named { name, step }) => {
                let step = step.as_ref().map_or_else(String::new, |s| format!(" on {}", s.text));
                vec![text(format!("except {}{step}", name.text))]
            }
            RulePartKind::Except(Except::Inline { title, reason, expr }) => {
                self.excepts(format!("except {} {}", quoted(title), because(reason)), reason, expr)
            }
            RulePartKind::Test(test) => self.test(test),
        }
    }

    fn meta(&mut self, value: &MetaValue) -> Doc {
        match value {
            MetaValue::Text(t) => text(quoted(t)),
            MetaValue::Uuid(id, _) => text(id.clone()),
            MetaValue::Date(date, _) => text(date.clone()),
            MetaValue::Path(path) => text(short(path)),
            MetaValue::Schedule { every, over } => {
                text(format!("every {} over {}", self.written(every.1), self.written(over.1)))
            }
            MetaValue::Throttle { period, keys } => text(format!("{} by {}", self.written(period.1), paths(keys))),
            MetaValue::List(elements, span) => {
                let elements = elements.iter().map(|element| match element {
                    MetaElement::Text(t) => (quoted(t), t.span, true),
                    MetaElement::Path(path) => (short(path), path.span, false),
                    MetaElement::Relation(word, id, at) => (format!("{} {id}", word.text), word.span.to(*at), false),
                    MetaElement::Claim(path, tactics, at) => {
                        (format!("{} as [{}]", short(path), words(tactics, ", ")), path.span.to(*at), false)
                    }
                });
                self.bracket(elements.collect(), span.end)
            }
        }
    }

    /// `head where …`, with the condition on a line of its own where it does not fit.
    pub(super) fn excepts(&mut self, head: String, reason: &Reason, expr: &Expr) -> Vec<Doc> {
        let behind = reason.until.as_ref().map_or(reason.because.span.end, |(_, span)| span.end);
        let word = self.cursor.token(behind);
        let docs = self.slot(word, Doc::Line, |p| {
            let chain = p.chain(expr, text(" "));
            vec![group(vec![text("where"), indent(chain)])]
        });
        vec![group(vec![text(head), indent(docs)])]
    }

    /// `kinds where …`, the operands on lines of their own where they do not fit.
    fn query(&mut self, query: &Query) -> Doc {
        let chain = self.chain(&query.expr, Doc::Line);
        Doc::Concat(vec![text(format!("{} where", words(&query.kinds, " or "))), indent(chain)])
    }

    fn amount(&self, amount: &Amount) -> String {
        self.written(amount.span())
    }

    fn count(&mut self, count: &Count) -> Doc {
        let what = count.distinct.as_ref().map_or("count".to_owned(), |path| format!("distinct {}", short(path)));
        let (least, within) = (self.amount(&count.at_least), self.amount(&count.within));
        let head = format!("detect {what} >= {least} by {} within {within} of", paths(&count.keys));
        let start = count.query.kinds.first().map_or(0, |kind| kind.span.start);
        let docs = self.slot((start, start), Doc::Line, |p| vec![group(vec![p.query(&count.query)])]);
        group(vec![text(head), indent(docs)])
    }

    fn steps(&mut self, steps: &Steps, end: usize) -> Vec<Doc> {
        let word = if steps.ordered { "sequence" } else { "together" };
        let line = format!("detect {word} by {} within {} ", paths(&steps.keys), self.amount(&steps.within));
        let head = self.cursor.take(self.cursor.token(steps.within.span().end).0);
        let names = steps.steps.iter().filter(|s| s.role == StepRole::Required).map(|s| s.name.text.len());
        let width = names.max().unwrap_or(0);
        let mut body = Body::default();
        for step in &steps.steps {
            self.entry(&mut body, range(step.span), |p| p.step(step, width));
        }
        self.close(&mut body, end);
        for entry in &mut body.entries {
            entry.blank = false;
        }
        self.cursor.put_back(head);
        vec![text(line), Self::braces(body, 0)]
    }

    fn step(&mut self, step: &Step, width: usize) -> Vec<Doc> {
        let (role, width) = match step.role {
            StepRole::Required => ("", width + 1),
            StepRole::Optional => ("optional ", 0),
            StepRole::Without => ("without ", 0),
        };
        let name = format!("{}:", step.name.text);
        let head = format!("{role}{name:<width$} {} ", words(&step.query.kinds, " or "));
        let by = if matches!(super::tree::bare(&step.query.expr), Expr::Or(..)) { OR } else { AND };
        let chain = self.chain(&step.query.expr, text(" "));
        vec![text(head), Doc::Align(vec![group(vec![text("where"), Doc::Indent(by, chain)])])]
    }

    fn test(&mut self, test: &Test) -> Vec<Doc> {
        let mut docs = vec![text(format!("test {} ", quoted(&test.title)))];
        match &test.verdict {
            Verdict::Silent => docs.push(text("silent")),
            Verdict::Excepted(by) => docs.push(text(format!("excepted by {}", quoted(by)))),
            Verdict::Fires(None) => docs.push(text("fires")),
            Verdict::Fires(Some(flags)) => {
                docs.push(text("fires with "));
                docs.push(self.names(&flags.names, flags.span.end));
            }
        }
        let mut input = vec![];
        match &test.input {
            TestInput::Recorded { path, reader } => {
                let line = format!("events {} as {}", quoted(path), reader.text);
                input.extend(self.slot((path.span.start, reader.span.end), Doc::Hard, |_| vec![text(line)]));
            }
            TestInput::Events(events) => {
                for event in events {
                    input.extend(self.slot(range(event.span), Doc::Hard, |p| vec![p.event(event)]));
                }
            }
        }
        docs.push(indent(input));
        docs
    }

    fn event(&mut self, event: &Event) -> Doc {
        let offset = event.offset.map_or_else(String::new, |(_, span)| format!("+{} ", self.written(span)));
        let line = text(format!("{offset}{} {{", event.kind.text));
        let head = self.cursor.take(self.cursor.token(event.kind.span.end).0);
        let names: Vec<String> = event.fields.iter().map(|(path, _)| short(path)).collect();
        let width = names.iter().map(String::len).filter(|len| *len <= FIELD).max().unwrap_or(0);
        let mut docs = vec![];
        for (i, ((path, value), name)) in event.fields.iter().zip(names).enumerate() {
            let (value, end) = match value {
                EventValue::Literal(literal) => (self.literal(literal), literal.span().end),
                EventValue::Word(word) => (word.text.clone(), word.span.end),
            };
            let pad = Doc::IfBroken(" ".repeat(width.saturating_sub(name.len())));
            docs.extend((i > 0).then(|| text(",")));
            let field = vec![text(name), pad, text(format!(" {value}"))];
            docs.extend(self.slot((path.span.start, end), Doc::Line, |_| field));
        }
        let any = !docs.is_empty();
        docs.extend(any.then(|| Doc::IfBroken(",".to_owned())));
        docs.extend(super::comments::lines(&self.cursor.take(event.span.end)));
        let close = if any { Doc::Line } else { Doc::Soft };
        self.cursor.put_back(head);
        group(vec![line, indent(docs), close, text("}")])
    }
}

/// `because "…" until DATE`
pub(super) fn because(reason: &Reason) -> String {
    let until = reason.until.as_ref().map_or_else(String::new, |(date, _)| format!(" until {date}"));
    format!("because {}{until}", quoted(&reason.because))
}

fn paths(paths: &[Path]) -> String {
    paths.iter().map(short).collect::<Vec<_>>().join(", ")
}

/// The columns of a rule.
struct Columns {
    key: usize,
    flag: usize,
    weight: usize,
}

impl Columns {
    fn of(parts: &[RulePart]) -> Self {
        let mut columns = Columns { key: 0, flag: 0, weight: 0 };
        for part in parts {
            match &part.kind {
                RulePartKind::Meta { key, .. } if is_aligned(&key.text) => {
                    columns.key = columns.key.max(key.text.len())
                }
                RulePartKind::Flag(flag) => {
                    columns.flag = columns.flag.max(flag.name.text.len());
                    columns.weight = columns.weight.max(weight(flag).len());
                }
                _ => {}
            }
        }
        columns
    }

    /// `flag NAME weight 50 =`
    fn flag(&self, flag: &Flag) -> String {
        let (name, weight) = (&flag.name.text, weight(flag));
        format!("flag {name:<flag$}{weight:<width$} =", flag = self.flag, width = self.weight)
    }
}

fn weight(flag: &Flag) -> String {
    flag.weight.map_or_else(String::new, |(weight, _)| format!(" weight {weight}"))
}
