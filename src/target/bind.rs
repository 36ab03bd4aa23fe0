//! A rule's meaning in a target's columns: exact, degraded where the author allowed it, or unsupported.
//!
//! Guarantees: after this stage a missing value needs no thought but in numbers (a text that is empty or a filler holds
//! no test, because the tests that would hold on it carry a guard), and every part of the rule is there, or dropped
//! with a note, or the rule is refused with the place in its source.

use super::bound::{Bound, BoundOp, BoundTest, drop_implied, may_hold, without_repeated_values};
use super::column::{Column, How, MAPPED};
use super::constant::{Served, known_of_source, missing_words, not_told_apart};
use super::{Language, Mapping, Scalar, Source, Target, derive};
use crate::ir::{Body, Drop, FieldRef, Matcher, Named, Op, Pred, Regex, Score, Test, Text};
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind, Os, Type};
use indexmap::IndexSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What a target cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The field or operator in the source.
    pub span: Span,
    /// Why, to follow "target `x`".
    pub why: String,
    /// The target has no log source for these events at all, so the rule is not for this target.
    pub no_events: bool,
}

impl Unsupported {
    /// A part that the target's logs or language cannot express.
    pub fn new(span: Span, why: impl Into<String>) -> Unsupported {
        Unsupported { span, why: why.into(), no_events: false }
    }

    /// Events that the target does not log.
    pub fn no_events(span: Span, why: String) -> Unsupported {
        Unsupported { span, why, no_events: true }
    }
}

/// Why parts cannot be said, each reason once.
pub(super) fn reasons(refused: impl IntoIterator<Item = Unsupported>) -> String {
    let all: IndexSet<String> = refused.into_iter().map(|u| u.why).collect();
    all.into_iter().collect::<Vec<_>>().join(", and ")
}

/// A remark that belongs into the document and the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// The remark.
    pub text: String,
    /// Something of the rule was dropped, as its author allowed, or the document rests on what its platform does not
    /// document.
    pub degraded: bool,
}

/// One log source's share of a rule.
#[derive(Clone, Debug)]
pub struct SourceQuery<'t> {
    /// The log source.
    pub source: &'t Source,
    /// The kind of event.
    pub kind: Kind,
    /// The systems that the rule means among the source's.
    pub os: Vec<Os>,
    /// What it detects.
    pub detect: Bound,
    /// Exceptions by title; dropped ones are missing.
    pub exceptions: Vec<(usize, Bound)>,
    /// Flags by name; dropped ones are missing.
    pub flags: Vec<(String, Bound)>,
    /// What these flags, by their place among them, must reach together.
    pub score: Option<Score>,
    /// Columns that its rows show: name in the language, column.
    pub show: Vec<(String, Column)>,
    /// What conditions are called in the source.
    pub names: Vec<Called>,
}

/// A condition with its name in the source.
#[derive(Clone, Debug)]
pub struct Called {
    /// The words of the name.
    pub words: Vec<String>,
    /// The name is that of the values which the condition, one test, compares with.
    pub list: bool,
    /// The condition.
    pub bound: Bound,
}

/// A rule on a target.
#[derive(Clone, Debug)]
pub struct Plan<'t> {
    /// The target.
    pub target: &'t Target,
    /// One query for each log source.
    pub queries: Vec<SourceQuery<'t>>,
    /// Remarks, each once.
    pub notes: Vec<Note>,
}

/// Puts a rule into a target's columns.
///
/// # Errors
/// What the target cannot say, each with its place in the source.
pub fn bind<'t>(rule: &Rule, project: &Project, target: &'t Target) -> Result<Plan<'t>, Vec<Unsupported>> {
    let mut plan = Plan { target, queries: vec![], notes: vec![] };
    let (mut refused, mut missing) = (vec![], vec![]);
    let mut unserved: Vec<Os> = rule.meta.os.clone();
    let mut others = vec![];
    for kind in &rule.kinds {
        let sources = target.sources.get(kind).map_or(&[][..], Vec::as_slice);
        let mut served = Served::default();
        for source in sources {
            let Some(os) = served.by(source, &rule.meta.os) else { continue };
            others.extend(not_told_apart(&rule.body(project, *kind, &os).detect, source, &rule.meta.os));
            match bind_source(rule, project, target, source, *kind, &os) {
                Ok((Some(query), notes)) => {
                    plan.queries.push(query);
                    plan.notes.extend(notes);
                }
                Ok((None, _)) => {}
                Err(mut errors) => refused.append(&mut errors),
            }
        }
        unserved.retain(|o| !served.systems.contains(o));
        if let Some(why) = served.lacks(*kind, &rule.meta.os) {
            refused.push(Unsupported::no_events(rule.detect_span, why));
            continue;
        }
        let detect = |os: Os| rule.body(project, *kind, &[os]).detect.clone();
        missing.extend(missing_words(&detect, rule.detect_span, &served));
    }
    // A rule that asks for nothing but words that no source has is not for this target.
    let nothing_else = refused.is_empty() && plan.queries.is_empty();
    refused.extend(missing.into_iter().map(|word| Unsupported { no_events: word.no_events || nothing_else, ..word }));
    if !refused.is_empty() {
        let mut seen: Vec<Unsupported> = vec![];
        refused.retain(|r| {
            let new = !seen.contains(r);
            seen.push(r.clone());
            new
        });
        return Err(refused);
    }
    if plan.queries.is_empty() {
        return Err(vec![Unsupported::new(rule.detect_span, "has no log source in which this could be true")]);
    }
    for os in unserved {
        plan.notes.push(Note {
            text: format!("Covers no {} events: the target has no log source for them.", os.word()),
            degraded: true,
        });
    }
    plan.notes.extend(mixed(others));
    let mut seen = std::collections::HashSet::new();
    plan.notes.retain(|n| seen.insert(n.clone()));
    Ok(plan)
}

/// The remark that other systems' events are found too.
pub(super) fn mixed(mut others: Vec<Os>) -> Option<Note> {
    others.sort_unstable();
    others.dedup();
    let words: Vec<&str> = others.into_iter().map(Os::word).collect();
    (!words.is_empty()).then(|| Note {
        text: format!(
            "The log source does not tell systems apart: events of {} are looked at too.",
            words.join(" and ")
        ),
        degraded: false,
    })
}

type Bindings<'t> = (Option<SourceQuery<'t>>, Vec<Note>);

fn bind_source<'t>(
    rule: &Rule,
    project: &Project,
    target: &'t Target,
    source: &'t Source,
    kind: Kind,
    os: &[Os],
) -> Result<Bindings<'t>, Vec<Unsupported>> {
    let body = rule.body(project, kind, os);
    let fixed = |pred| known_of_source(pred, source, os);
    let detect = fixed(&body.detect);
    if detect.is(false) {
        return Ok((None, vec![]));
    }
    let mut binder = Binder::new(target, source, kind, &rule.kinds, os);
    let detect = binder.pred(&detect);
    let mut silenced = detect == Bound::Const(false);
    let mut exceptions = vec![];
    for (i, pred) in body.exceptions.iter().enumerate() {
        let title = rule.exceptions.get(i).map_or("", |e| e.title.as_str());
        match binder.whole(&fixed(pred), &format!("The exception \"{title}\"")) {
            // An exception that nothing meets is no part of the query; one that everything meets silences it.
            None | Some(Bound::Const(false)) => {}
            Some(Bound::Const(true)) => silenced = true,
            Some(bound) => exceptions.push((i, bound)),
        }
    }
    let mut flags = vec![];
    let mut weights = vec![];
    for flag in &body.flags {
        if let Some(bound) = binder.whole(&fixed(&flag.pred), &format!("The flag {}", flag.name)) {
            weights.extend(flag.weight.map(|weight| (flags.len(), weight)));
            flags.push((flag.name.clone(), bound));
        }
    }
    let score = body.score.as_ref().map(|s| Score { weights, threshold: s.threshold });
    let show = binder.show(rule, &body);
    let names = binder.names(&body.names);
    if !binder.refused.is_empty() {
        return Err(binder.refused);
    }
    if silenced || score.as_ref().is_some_and(|s| never_reached(s, &flags)) {
        return Ok((None, binder.notes));
    }
    let query = SourceQuery { source, kind, os: os.to_vec(), detect, exceptions, flags, score, show, names };
    Ok((Some(query), binder.notes))
}

/// Whether the flags that may hold in a log source are too few.
fn never_reached(score: &Score, flags: &[(String, Bound)]) -> bool {
    score.of(|index| flags.get(index).is_some_and(|(_, bound)| *bound != Bound::Const(false))) < score.threshold
}

/// Binds conditions on the events of one kind in one log source.
pub(super) struct Binder<'a> {
    pub(super) target: &'a Target,
    pub(super) source: &'a Source,
    pub(super) kind: Kind,
    /// All kinds of event that the rule, or the step, reads.
    pub(super) kinds: &'a [Kind],
    pub(super) os: &'a [Os],
    pub(super) notes: Vec<Note>,
    pub(super) refused: Vec<Unsupported>,
    /// Do not drop `when available` parts one by one: the whole exception or flag goes.
    pub(super) strict: bool,
}

impl<'a> Binder<'a> {
    pub(super) fn new(
        target: &'a Target,
        source: &'a Source,
        kind: Kind,
        kinds: &'a [Kind],
        os: &'a [Os],
    ) -> Binder<'a> {
        Binder { target, source, kind, kinds, os, notes: vec![], refused: vec![], strict: false }
    }

    /// Whether the target can say a condition.
    pub(super) fn says(&mut self, pred: &Pred) -> bool {
        let before = self.refused.len();
        self.pred(pred);
        let says = self.refused.len() == before;
        self.refused.truncate(before);
        says
    }

    /// Conditions that the target can say, with what they are called.
    pub(super) fn names(&mut self, all: &[Named]) -> Vec<Called> {
        // Sigma has no columns to name.
        if !self.target.language.computes() {
            return vec![];
        }
        let (refused, notes) = (self.refused.len(), self.notes.len());
        let mut out = vec![];
        for named in all {
            let bound = self.pred(&known_of_source(&named.pred, self.source, self.os));
            let says = self.refused.len() == refused;
            self.refused.truncate(refused);
            if says && !matches!(bound, Bound::Const(_)) {
                out.push(Called { words: named.words.clone(), list: named.list, bound });
            }
        }
        self.notes.truncate(notes);
        out
    }

    fn refuse(&mut self, span: Span, why: impl Into<String>) -> Bound {
        self.refused.push(Unsupported::new(span, why));
        Bound::Const(false)
    }

    /// An exception or flag: `None` if it was dropped as a whole.
    pub(super) fn whole(&mut self, pred: &Pred, what: &str) -> Option<Bound> {
        self.strict = true;
        let (notes, refused) = (self.notes.len(), self.refused.len());
        let bound = self.pred(pred);
        self.strict = false;
        let droppable = has_when_available(pred);
        if self.refused.len() > refused && droppable && self.only_available(pred, refused) {
            let why = reasons(self.refused.drain(refused..));
            self.notes.truncate(notes);
            let text = format!("{what} is left out: the target {why}.");
            self.notes.push(Note { text, degraded: true });
            return None;
        }
        Some(bound)
    }

    /// Whether all that was refused lies in parts that may go.
    fn only_available(&self, pred: &Pred, from: usize) -> bool {
        let mut spans = vec![];
        available_spans(pred, &mut spans);
        self.refused
            .iter()
            .skip(from)
            .all(|u| spans.iter().any(|s| s.file == u.span.file && s.start <= u.span.start && u.span.end <= s.end))
    }

    pub(super) fn pred(&mut self, pred: &Pred) -> Bound {
        match pred {
            Pred::Const(value) => Bound::Const(*value),
            Pred::Not(inner) => self.pred(inner).not(),
            Pred::And(all) => self.and(all),
            Pred::Or(all) => Bound::or(all.iter().map(|p| self.pred(p)).collect()),
            Pred::Test(test) => self.test(test),
            Pred::Droppable { pred, why: Drop::WhenAvailable, .. } if self.strict => self.pred(pred),
            Pred::Droppable { pred, why, .. } => self.droppable(pred, why),
        }
    }

    fn and(&mut self, all: &[Pred]) -> Bound {
        match Bound::and(all.iter().map(|p| self.pred(p)).collect()) {
            Bound::And(mut all) => {
                drop_implied(&mut all, &self.target.filler);
                Bound::and(all)
            }
            other => other,
        }
    }

    fn droppable(&mut self, pred: &Pred, why: &Drop) -> Bound {
        let before = self.refused.len();
        let bound = self.pred(pred);
        if self.refused.len() == before {
            return self.or_lacking(pred, why, bound);
        }
        let lacking = reasons(self.refused.drain(before..));
        let text = match why {
            Drop::WhenAvailable => format!("A condition is left out, which may add alerts: the target {lacking}."),
            Drop::Alternative => format!("A way of firing is lost: the target {lacking}."),
            Drop::OriginalName(utility) => format!("Renamed copies of {utility} escape: the target {lacking}."),
        };
        self.notes.push(Note { text, degraded: true });
        Bound::Const(why.value())
    }

    /// A part that may go holds, too, where an event lacks a field that the target's log sources may not fill.
    fn or_lacking(&mut self, pred: &Pred, why: &Drop, bound: Bound) -> Bound {
        let lacking = self.lacking(pred, why);
        if lacking.is_empty() {
            return bound;
        }
        let names: Vec<String> = lacking.iter().map(|test| format!("`{}`", test.field.id.short())).collect();
        let text = format!(
            "A condition holds where an event has no {}, which may add alerts: not every source fills it.",
            names.join(" or ")
        );
        self.notes.push(Note { text, degraded: true });
        let mut parts: Vec<Bound> = lacking.iter().map(|test| self.test(test).not()).collect();
        parts.push(bound);
        Bound::or(parts)
    }

    /// That an event has the fields of a part, of which some log sources have none: such a part holds without them.
    pub(super) fn lacking(&self, pred: &Pred, why: &Drop) -> Vec<Test> {
        let mut out: Vec<Test> = vec![];
        if *why == Drop::WhenAvailable {
            pred.each_test(&mut |test| {
                let there = Test { op: Op::Exists, ..test.clone() };
                if self.target.may_lack.contains(&test.field.id) && !out.iter().any(|t| t.field == there.field) {
                    out.push(there);
                }
            });
        }
        out
    }

    fn mapping(&mut self, field: FieldRef, span: Span) -> Option<Mapping> {
        let found = self.target.mapping_in(self.source, field.id, self.kind).cloned();
        if found.is_none() && self.target.mapping(field.id, self.kind).is_some() {
            let place = self.source.word().unwrap_or_else(|| self.kind.word());
            self.refuse(span, format!("has no `{}` in {place} events", field.id.short()));
        } else if found.is_none() && self.logged_with_another_kind(field.id) {
            // Events of this log source lack the field, and a test of what an event lacks is false.
            let (name, kind) = (field.id.short(), self.kind.word());
            self.notes.push(Note {
                text: format!("{kind} events have no `{name}` here: what it is asked is false for them."),
                degraded: false,
            });
        } else if found.is_none() {
            self.refuse(span, format!("has no `{}` in {} events", field.id.short(), self.kind.word()));
        }
        found
    }

    /// In `process or script where …` a field need be logged with one of the kinds only.
    fn logged_with_another_kind(&self, field: FieldId) -> bool {
        self.kinds.iter().any(|k| *k != self.kind && self.target.mapping(field, *k).is_some())
    }

    fn test(&mut self, test: &Test) -> Bound {
        let span = test.span;
        let Some(mapping) = self.mapping(test.field, span) else { return Bound::Const(false) };
        if let Some(text) = self.target.caveats.get(&self.kind).and_then(|of| of.get(&test.field.id)) {
            self.notes.push(Note { text: text.clone(), degraded: false });
        }
        let ty = test.field.id.def().ty;
        let exists = |column: Column| Bound::Test(BoundTest { column, op: BoundOp::Exists, span });
        match (&test.op, &mapping) {
            (Op::Exists, Mapping::Keyed { column, key, bare }) => {
                let column = Column::whole(column.clone(), Type::String);
                let keyed = self.text(column.clone(), contains(vec![format!("{key}=")]), span);
                let alone = ty.digest().filter(|_| *bare).map(|pattern| self.text(column, regex(pattern), span));
                Bound::or([keyed].into_iter().chain(alone).collect())
            }
            (Op::Exists, Mapping::Words { column, words }) => {
                let all = words.values().flatten().cloned().collect();
                Bound::Test(BoundTest {
                    column: Column::whole(column.clone(), Type::String),
                    op: BoundOp::In(all),
                    span,
                })
            }
            // An account without a domain is its own name, without a backslash.
            (Op::Exists, Mapping::Part(How::Domain, column)) => {
                self.text(Column::whole(column.clone(), Type::String), contains(vec!["\\".to_owned()]), span)
            }
            (Op::Exists, _) => exists(column_of(&mapping, ty).to_whole_if_text(ty)),
            (Op::IsTrue, Mapping::Equals { column, value }) => Bound::Test(BoundTest {
                column: Column::whole(column.clone(), Type::String),
                op: BoundOp::In(vec![value.clone()]),
                span,
            }),
            (Op::Word(words), Mapping::Words { column, words: known }) => self.words(words, column, known, test),
            (Op::Order(order, n), _) if column_of(&mapping, ty).how != How::Name => {
                Bound::Test(BoundTest { column: column_of(&mapping, ty), op: BoundOp::Order(*order, *n), span })
            }
            (Op::Number(all), _) => {
                let all = all.iter().map(|n| Scalar::Number(*n)).collect(); // of a time: microseconds
                Bound::Test(BoundTest { column: column_of(&mapping, ty), op: BoundOp::In(all), span })
            }
            (Op::Cidr(networks), Mapping::Column(column)) => self.networks(networks.clone(), column, span),
            (Op::Same { other, cased }, _) => self.same(&mapping, ty, *other, *cased, span),
            (Op::Text(text), Mapping::Keyed { column, key, bare }) => self.keyed(text, (column, key, *bare), test),
            (Op::Text(text), Mapping::Column(column)) if ty == Type::Ip => self.address(text, column, span),
            (Op::Text(text), Mapping::Column(_) | Mapping::Part(..)) => {
                let column = column_of(&mapping, ty);
                let text = if ty == Type::Path { native(text.clone(), self.os) } else { text.clone() };
                self.text(column, text, span)
            }
            _ => self.refuse(span, format!("cannot ask this of `{}`", test.field.id.short())),
        }
    }

    fn words(
        &mut self,
        words: &[&str],
        column: &str,
        known: &indexmap::IndexMap<String, Vec<Scalar>>,
        test: &Test,
    ) -> Bound {
        let mut values = vec![];
        for word in words {
            match known.get(*word) {
                Some(scalars) => values.extend(scalars.iter().cloned()),
                None => {
                    return self.refuse(test.span, format!("does not log `{}` {word}", test.field.id.short()));
                }
            }
        }
        if let Some(known) = self.source.filter.get(column) {
            // All events of the log source have one of these values.
            values.retain(|value| known.contains(value));
            if values.is_empty() || known.iter().all(|value| values.contains(value)) {
                return Bound::Const(!values.is_empty());
            }
        }
        Bound::Test(BoundTest { column: Column::whole(column, Type::String), op: BoundOp::In(values), span: test.span })
    }

    fn same(&mut self, mapping: &Mapping, ty: Type, other: FieldRef, cased: bool, span: Span) -> Bound {
        let Some(theirs) = self.mapping(other, span) else { return Bound::Const(false) };
        let (a, b) = (self.compared(mapping, ty), self.compared(&theirs, ty));
        let plain = |m: &Mapping| {
            matches!(m, Mapping::Column(_)) || (matches!(m, Mapping::Part(..)) && self.target.language.computes())
        };
        if !plain(mapping) || !plain(&theirs) {
            return self.refuse(span, "cannot compare parts of columns with each other");
        }
        if ty == Type::Ip && !self.target.language.computes() {
            let text = format!("Addresses are compared as they are written: `{MAPPED}10.1.2.3` and `10.1.2.3` differ.");
            self.notes.push(Note { text, degraded: true });
        }
        let there = |column: &Column| {
            let column = if ty == Type::Ip { column.to_whole() } else { column.clone() };
            Bound::Test(BoundTest { column, op: BoundOp::Exists, span })
        };
        let mut all = vec![there(&a)];
        // `NULL` is a value where the filler is `null`, and without case the two are equal.
        let folds = |filler: &String| filler.chars().any(char::is_alphabetic);
        if !cased && self.target.filler.iter().any(folds) {
            all.push(there(&b));
        }
        all.push(Bound::Test(BoundTest { column: a, op: BoundOp::Same(b, cased), span }));
        Bound::and(all)
    }

    /// A column as its values are compared with those of another one.
    fn compared(&self, mapping: &Mapping, ty: Type) -> Column {
        compared(mapping, ty, self.target.language)
    }

    /// An address in one of some networks. What is written as an address of IPv6 and is one of IPv4 is in none of IPv6.
    fn networks(&self, networks: Vec<String>, column: &str, span: Span) -> Bound {
        let (around, others): (Vec<String>, Vec<String>) = networks.into_iter().partition(|n| is_around_mapped(n));
        let whole = Column::whole(column, Type::Ip);
        let of = |networks: Vec<String>| {
            let column = if self.target.language.computes() { address_of(column) } else { whole.clone() };
            Bound::Test(BoundTest { column, op: BoundOp::Cidr(networks), span })
        };
        let mapped = Text { matcher: Matcher::StartsWith(vec![MAPPED.to_owned()]), all: false, cased: false };
        let mapped = Bound::Test(BoundTest { column: whole.clone(), op: BoundOp::Text(mapped), span });
        let mut parts = vec![];
        parts.extend((!others.is_empty()).then(|| of(others)));
        parts.extend((!around.is_empty()).then(|| Bound::and(vec![of(around), mapped.not()])));
        Bound::or(parts)
    }

    /// Equal addresses: one of IPv4 has two spellings, of which one is an address of IPv6; one of IPv6 has many, and is a
    /// network of its own.
    fn address(&mut self, text: &Text, column: &str, span: Span) -> Bound {
        let Matcher::Exact(values) = &text.matcher else { return self.refuse(span, "cannot ask this of an address") };
        let (six, four): (Vec<String>, Vec<String>) = values.iter().cloned().partition(|v| v.contains(':'));
        let mut parts = vec![];
        if !four.is_empty() {
            let both = four.iter().cloned().chain(four.iter().map(|v| format!("{MAPPED}{v}"))).collect();
            let column = Column::whole(column, Type::Ip);
            parts.push(self.text(column, Text { matcher: Matcher::Exact(both), ..text.clone() }, span));
        }
        if !six.is_empty() {
            parts.push(self.networks(six.iter().map(|v| format!("{v}/128")).collect(), column, span));
        }
        Bound::or(parts)
    }

    /// `KEY=value` somewhere in a column, or the value alone where the column may hold that: whole values only.
    fn keyed(&mut self, text: &Text, (column, key, bare): (&str, &str, bool), test: &Test) -> Bound {
        let column = Column::whole(column, Type::String);
        match &text.matcher {
            Matcher::Exact(values) => {
                let keyed = contains(values.iter().map(|v| format!("{key}={v}")).collect());
                let keyed = self.text(column.clone(), keyed, test.span);
                let alone = bare.then(|| self.text(column, text.clone(), test.span));
                Bound::or([keyed].into_iter().chain(alone).collect())
            }
            _ => self.refuse(
                test.span,
                format!(
                    "holds `{}` among others in one column, where only whole values can be found",
                    test.field.id.short()
                ),
            ),
        }
    }

    /// A test of text, simplified, derived and guarded.
    fn text(&mut self, column: Column, text: Text, span: Span) -> Bound {
        let all = text.all;
        let parts: Vec<Bound> = derive::simplify(text)
            .into_iter()
            .map(|mut text| {
                without_repeated_values(&mut text);
                if column.how == How::Whole {
                    return self.guarded(column.clone(), text, span);
                }
                if let Some(bound) = derive::cheap(&column, &text, self.os, self.target.language, span) {
                    return self.guard_each(bound);
                }
                if self.target.language.computes() {
                    return self.guarded(column.clone(), text, span);
                }
                match derive::regex(&column, &text, span) {
                    Some(bound) if self.holds_on_nothing(&text) => {
                        let there = BoundTest { column: column.to_whole(), op: BoundOp::Exists, span };
                        Bound::and(vec![Bound::Test(there), bound])
                    }
                    Some(bound) => bound,
                    None => self.refuse(
                        span,
                        format!("has only a part of `{}` to ask this of, and computes nothing", column.name),
                    ),
                }
            })
            .collect();
        if all { Bound::and(parts) } else { Bound::or(parts) }
    }

    /// Whether a test of text could hold where there is no value, but nothing or a filler.
    fn holds_on_nothing(&self, text: &Text) -> bool {
        may_hold(text, "") || self.target.filler.iter().any(|f| may_hold(text, f))
    }

    /// Tests of whole columns that stand for tests of their parts, each with its guard.
    fn guard_each(&self, bound: Bound) -> Bound {
        match bound {
            Bound::And(all) => Bound::and(all.into_iter().map(|b| self.guard_each(b)).collect()),
            Bound::Or(all) => Bound::or(all.into_iter().map(|b| self.guard_each(b)).collect()),
            Bound::Test(BoundTest { column, op: BoundOp::Text(text), span }) => self.guarded(column, text, span),
            other => other,
        }
    }

    fn guarded(&self, column: Column, text: Text, span: Span) -> Bound {
        let guard = self.holds_on_nothing(&text);
        let test = Bound::Test(BoundTest { column: column.clone(), op: BoundOp::Text(text), span });
        if !guard {
            return test;
        }
        Bound::And(vec![Bound::Test(BoundTest { column, op: BoundOp::Exists, span }), test])
    }

    /// Whether KQL shows a field of the kind only where the rule asks it. The parent's path is shown where its name is a part
    /// of it, since the log says no more.
    fn only_if_asked(&self, name: &str) -> bool {
        let whole = |field: &str| {
            let mapping = FieldId::find(field).and_then(|id| self.target.mapping_in(self.source, id, self.kind));
            matches!(mapping, Some(Mapping::Column(_)))
        };
        let spared = name == "original_name" || name == "parent.executable" && whole("parent.name");
        spared && self.target.language == Language::Kql
    }

    /// Whether a field is shown for the entities of Microsoft's alerts only: elsewhere, and as a part of a column that is
    /// shown, it would only make rows wider.
    fn only_for_entities(&self, name: &str) -> bool {
        let mapping = FieldId::find(name).and_then(|id| self.target.mapping_in(self.source, id, self.kind));
        let whole = matches!(mapping, Some(Mapping::Column(_)));
        let computed = matches!(mapping, Some(Mapping::Part(How::Computed, _)));
        let fits = match name {
            "user.domain" | "file.name" | "file.hash.sha256" => whole,
            // Where the domain is computed, the SID says as much in fewer words.
            "user.id" => computed,
            _ => return false,
        };
        !fits || self.target.language != Language::Kql
    }

    /// The columns of a result: the author's, or those of the kind; what the target lacks is left out.
    fn show(&mut self, rule: &Rule, body: &Body) -> Vec<(String, Column)> {
        let chosen = rule.meta.show.clone();
        let fields: Vec<(String, Option<FieldId>)> = match &chosen {
            Some(fields) => fields.clone(),
            None => {
                let shown = default_show(self.kind).iter().map(|n| ((*n).to_owned(), FieldId::find(n)));
                let said = |id: &Option<FieldId>| id.is_some_and(|id| is_said(&body.detect, id));
                let asked = |id: &Option<FieldId>| id.is_some_and(|id| asks(body, id));
                let shown = shown.filter(|(name, _)| !self.only_for_entities(name));
                shown.filter(|(name, id)| !said(id) && (!self.only_if_asked(name) || asked(id))).collect()
            }
        };
        let mut out = vec![];
        for (name, id) in fields {
            let Some(id) = id else { continue };
            if !id.def().has_kind(self.kind) {
                continue;
            }
            match self.target.mapping_in(self.source, id, self.kind) {
                Some(mapping) => out.push((name, column_of(mapping, id.def().ty))),
                None if chosen.is_some() => {
                    let text = format!("Results show no `{name}`: the target has none in {} events.", self.kind.word());
                    self.notes.push(Note { text, degraded: false });
                }
                None => {}
            }
        }
        out
    }
}

/// Whether a rule asks a field itself; a utility that is known by its original name does not count.
fn asks(body: &Body, field: FieldId) -> bool {
    fn reads(pred: &Pred, field: FieldId) -> bool {
        match pred {
            Pred::Const(_) | Pred::Droppable { why: Drop::OriginalName(_), .. } => false,
            Pred::Not(inner) | Pred::Droppable { pred: inner, .. } => reads(inner, field),
            Pred::And(all) | Pred::Or(all) => all.iter().any(|p| reads(p, field)),
            Pred::Test(test) => test.field.id == field,
        }
    }
    let flags = body.flags.iter().map(|f| &f.pred);
    [&body.detect].into_iter().chain(&body.exceptions).chain(flags).any(|p| reads(p, field))
}

/// Whether a condition holds for one word of a field alone: a column of it would say the same in all rows.
pub(super) fn is_said(pred: &Pred, field: FieldId) -> bool {
    match pred {
        Pred::And(all) => all.iter().any(|p| is_said(p, field)),
        Pred::Test(Test { field: tested, op: Op::Word(words), .. }) => tested.id == field && words.len() == 1,
        _ => false,
    }
}

fn contains(values: Vec<String>) -> Text {
    Text { matcher: Matcher::Contains(values), all: false, cased: false }
}

fn regex(pattern: String) -> Text {
    Text { matcher: Matcher::Regex(Regex { pattern, ..Regex::default() }), all: false, cased: false }
}

/// What an analyst needs of each kind of event.
#[must_use]
pub fn default_show(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Process => &[
            "event.time",
            "host.name",
            "user.domain",
            "user.name",
            "user.id",
            "process.name",
            "executable",
            "command_line",
            "original_name",
            "process.pid",
            "process.hash.sha256",
            "parent.name",
            "parent.executable",
            "parent.command_line",
        ],
        Kind::File => &[
            "event.time",
            "host.name",
            "user.domain",
            "user.name",
            "user.id",
            "file.action",
            "file.name",
            "file.path",
            "file.size",
            "file.hash.sha256",
            "process.name",
            "executable",
            "command_line",
            "process.pid",
            "parent.name",
        ],
        Kind::Library => &[
            "event.time",
            "host.name",
            "user.domain",
            "user.name",
            "user.id",
            "dll.path",
            "dll.hash.sha256",
            "dll.code_signature.status",
            "process.name",
            "executable",
            "command_line",
            "process.pid",
        ],
        Kind::Network => &[
            "event.time",
            "host.name",
            "user.domain",
            "user.name",
            "user.id",
            "network.direction",
            "source.ip",
            "destination.ip",
            "destination.port",
            "destination.domain",
            "process.name",
            "executable",
            "command_line",
            "process.pid",
        ],
        Kind::Script => &["event.time", "host.name", "user.name", "script.text", "script.path"],
    }
}

/// A column as its values are compared with those of another one: addresses as what they are, where a language computes.
pub(super) fn compared(mapping: &Mapping, ty: Type, language: Language) -> Column {
    match mapping {
        Mapping::Column(column) if ty == Type::Ip && language.computes() => address_of(column),
        mapping => column_of(mapping, ty),
    }
}

fn address_of(column: &str) -> Column {
    Column::part(column, How::Address)
}

/// Whether a network of IPv6 holds the addresses of IPv4 that are written as those of IPv6, among others.
fn is_around_mapped(network: &str) -> bool {
    let read = network.split_once('/').and_then(|(a, n)| Some((a.parse::<Ipv6Addr>().ok()?, n.parse::<u32>().ok()?)));
    let mapped = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().to_bits();
    read.is_some_and(|(first, length)| {
        let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
        length < 96 && (first.to_bits() & mask) == (mapped & mask)
    })
}

pub(super) fn column_of(mapping: &Mapping, ty: Type) -> Column {
    match mapping {
        Mapping::Part(how, column) => Column::part(column.clone(), *how),
        other => Column::whole(other.column(), ty),
    }
}

impl Column {
    /// Whether a part of a column is there follows from the whole column.
    fn to_whole_if_text(&self, ty: Type) -> Column {
        if matches!(self.how, How::Whole | How::Extension | How::Computed) {
            self.clone()
        } else {
            Column::whole(self.name.clone(), if self.how == How::Hex { Type::String } else { ty })
        }
    }
}

pub(super) fn has_when_available(pred: &Pred) -> bool {
    let mut spans = vec![];
    available_spans(pred, &mut spans);
    !spans.is_empty()
}

pub(super) fn available_spans(pred: &Pred, out: &mut Vec<Span>) {
    match pred {
        Pred::Const(_) | Pred::Test(_) => {}
        Pred::Not(inner) => available_spans(inner, out),
        Pred::And(all) | Pred::Or(all) => all.iter().for_each(|p| available_spans(p, out)),
        Pred::Droppable { why: Drop::WhenAvailable, span, .. } => out.push(*span),
        Pred::Droppable { pred, .. } => available_spans(pred, out),
    }
}

/// Paths in logs are native, so a value is compared with its own system's separators.
fn native(mut text: Text, os: &[Os]) -> Text {
    if let Matcher::Exact(values) = &mut text.matcher {
        for value in values {
            let unix = value.starts_with('/') && !value.starts_with("//") && os.iter().any(|o| *o != Os::Windows);
            if os.contains(&Os::Windows) && !unix {
                *value = value.replace('/', "\\");
            } else if !os.contains(&Os::Windows) {
                *value = value.replace('\\', "/");
            }
        }
    }
    text
}
