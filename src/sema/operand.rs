//! Operators: which types they take, and what they become.

use super::condition::{Found, Lower, exists};
use super::never::{self, Compare};
use super::{Report, case, text};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{FieldRef, Matcher, Op, Pred, Regex, Test, Text, cmdline};
use crate::source::Span;
use crate::syntax::ast::{Literal, Operator, Path, TextOperand, Value, Values};
use crate::vocabulary::{FieldId, Type};
use std::net::{IpAddr, Ipv6Addr};

/// A boolean field, or one of the two questions about arguments.
pub(super) fn is_true(field: FieldRef, span: Span) -> Pred {
    let question = match field.id.short().trim_start_matches("parent.") {
        "argument.is_unc" => cmdline::is_unc(),
        "argument.is_stream" => cmdline::is_stream(),
        _ => return Pred::Test(Test { field, op: Op::IsTrue, span }),
    };
    command_line(field, question, span)
}

/// A regular expression on the command line that an argument field belongs to.
pub(super) fn command_line(field: FieldRef, regex: Regex, span: Span) -> Pred {
    let name = if field.id.def().parent { "parent.command_line" } else { "command_line" };
    let id = FieldId::find(name).unwrap_or(field.id);
    let cased = regex.cased;
    let op = Op::Text(Text { matcher: Matcher::Regex(regex), all: false, cased });
    Pred::Test(Test { field: FieldRef { id, step: field.step }, op, span })
}

pub(super) fn lower(l: &mut Lower, path: &Path, operator: &Operator, span: Span) -> Pred {
    let (id, field) = match l.field(path) {
        None => {
            check_values_only(l, operator);
            return Pred::Const(false);
        }
        Some(Found::Elsewhere(id)) => (id, None),
        Some(Found::Field(field)) => (field.id, Some(field)),
    };
    let field_ref = field.unwrap_or(FieldRef { id, step: None });
    let ty = id.def().ty;
    let pred = match operator {
        Operator::Exists => lower_exists(l, field_ref, path, span),
        Operator::Is { cased, value } => lower_is(l, field_ref, path, value, *cased, span),
        Operator::In { cased, values } => {
            if check_cased(l, ty, *cased, path, span) {
                in_values(l, field_ref, path, values, *cased, span)
            } else {
                Pred::Const(false)
            }
        }
        Operator::Cidr(values) => lower_cidr(l, field_ref, path, values, span),
        Operator::Order(order, value) => lower_order(l, field_ref, path, *order, value, span),
        Operator::Text { op, cased, operand } => text::lower(l, field_ref, path, *op, *cased, operand, span),
    };
    if field.is_some() { pred } else { Pred::Const(false) }
}

/// The field is unknown; the values may still hold findings of their own.
fn check_values_only(l: &mut Lower, operator: &Operator) {
    if let Operator::Text { operand: TextOperand::Many { values, .. }, .. } = operator {
        l.project.lists.values(values, l.report);
    }
}

pub(super) fn wrong_operator(report: &mut Report, path: &Path, ty: Type, operator: &str, span: Span) -> Pred {
    let label = match ty {
        Type::Argument => format!("`{}` is each argument of a command line", path.dotted()),
        _ => format!("`{}` is {}", path.dotted(), ty.words()),
    };
    let help = match ty {
        _ if operator == "cased" => "only text has capitals: `cased` goes with strings, paths and arguments",
        Type::String => "text has is, in, contains, starts with, ends with, like, matches and exists",
        Type::Path => "paths have is, in, under, contains, starts with, ends with, like, matches and exists",
        Type::Argument if operator == "matches" => "`matches` is for `command_line`",
        Type::Argument => "arguments have is, in, under, contains, starts with, ends with, like and exists",
        Type::Int | Type::Size | Type::Time => "numbers, sizes and times have is, in, >=, <=, >, < and exists",
        Type::Bool => "use it alone, after `not`, or with `exists`",
        Type::Hash(_) | Type::Enum(_) => "it has is, in and exists",
        Type::Ip => "addresses have is, in, in cidr and exists",
        Type::Identity => "identities have `is` between two steps; ask for a name or an id of it",
    };
    report.push(
        Diagnostic::new(Code::WrongOperator, format!("`{operator}` cannot be used with `{}`", path.dotted()))
            .at(span, label)
            .help(help),
    );
    Pred::Const(false)
}

/// What an operator compares with: where it is written, and whether it is one value or the elements of a list.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub(super) span: Span,
    pub(super) single: bool,
}

impl Operand {
    pub(super) fn one(span: Span) -> Self {
        Self { span, single: true }
    }

    pub(super) fn many(span: Span) -> Self {
        Self { span, single: false }
    }
}

/// A finding about a value shows where the value stands and, if that is elsewhere, where it is used: a list's element is
/// to blame for what it is, a parameter's user for asking for it.
pub(super) fn used(mut diagnostic: Diagnostic, operand: Operand) -> Diagnostic {
    let Some(value) = diagnostic.span() else { return diagnostic };
    let Operand { span, single } = operand;
    if value.file == span.file && span.start <= value.start && value.end <= span.end {
        return diagnostic;
    }
    // What changes a list or parameter changes all its users: that is for the author to decide.
    diagnostic.help.retain(|h| h.patch.is_none());
    match diagnostic.labels.iter_mut().find(|l| l.primary) {
        Some(label) if single => {
            label.span = span;
            diagnostic.also(value, "its value")
        }
        _ => diagnostic.also(span, "used here"),
    }
}

pub(super) fn wrong_value(report: &mut Report, path: &Path, ty: Type, literal: &Literal, operand: Operand) {
    report.push(used(super::wrong_value(&path.dotted(), ty, literal), operand));
}

fn check_cased(l: &mut Lower, ty: Type, cased: bool, path: &Path, span: Span) -> bool {
    if cased && !ty.is_text() {
        wrong_operator(l.report, path, ty, "cased", span);
    }
    !cased || ty.is_text()
}

/// The event has the field; the two questions about arguments have an answer where there is a command line.
fn present(field: FieldRef, span: Span) -> Pred {
    let def = field.id.def();
    let id = match def.short.trim_start_matches("parent.") {
        "argument.is_unc" | "argument.is_stream" => {
            FieldId::find(if def.parent { "parent.command_line" } else { "command_line" })
        }
        _ => None,
    };
    exists(FieldRef { id: id.unwrap_or(field.id), step: field.step }, span)
}

fn lower_exists(l: &mut Lower, field: FieldRef, path: &Path, span: Span) -> Pred {
    match field.id.def().ty {
        Type::Identity => wrong_operator(l.report, path, Type::Identity, "exists", span),
        Type::Argument => command_line(field, cmdline::argument_exists(), span),
        _ => present(field, span),
    }
}

fn lower_is(l: &mut Lower, field: FieldRef, path: &Path, value: &Value, cased: bool, span: Span) -> Pred {
    let ty = field.id.def().ty;
    if !check_cased(l, ty, cased, path, span) {
        return Pred::Const(false);
    }
    let Value::Path(other) = value else {
        let Value::Literal(literal) = value else { return Pred::Const(false) };
        return equals(l, field, path, vec![literal.clone()], cased, (Operand::one(value.span()), span));
    };
    if let (Type::Enum(words), Some(word)) = (ty, other.single()) {
        return match words.iter().find(|w| **w == word.text) {
            Some(word) => Pred::Test(Test { field, op: Op::Word(vec![word]), span }),
            None => {
                l.report.push(super::unknown_word(
                    &format!("value of `{}`", path.dotted()),
                    &word.text,
                    word.span,
                    words,
                ));
                Pred::Const(false)
            }
        };
    }
    if let Some(name) = other.single() {
        if let Some(literal) = l.project.lists.param(&name.text) {
            return equals(l, field, path, vec![literal.clone()], cased, (Operand::one(name.span), span));
        }
        if l.project.lists.named(&name.text).is_some() {
            l.report.push(
                Diagnostic::new(Code::ListNeedsIn, format!("`{}` is a list", name.text))
                    .at(name.span, "`is` takes one value")
                    .patch("equal to an element is `in`", span, format!("{} in {}", path.dotted(), name.text)),
            );
            return Pred::Const(false);
        }
    }
    if let Some(name) = other.single() {
        let known = FieldId::find(&name.text).is_some() || l.place.steps.iter().any(|s| s.name == name.text);
        if !known && !l.project.is_broken(&name.text) {
            unknown_value(l, ty, &name.text, name.span);
            return Pred::Const(false);
        }
    }
    same(l, field, path, other, cased, span)
}

/// A bare word that names neither a parameter nor a field: often text without its quotes.
pub(super) fn unknown_value(l: &mut Lower, ty: Type, word: &str, span: Span) {
    let lists = &l.project.lists;
    let diagnostic = Diagnostic::new(Code::UnknownName, format!("there is no parameter or field `{word}`"))
        .at(span, "not defined anywhere in this project");
    let fields = crate::vocabulary::fields::all().map(|f| f.short());
    let diagnostic = l.report.did_you_mean(diagnostic, word, span, lists.names().chain(fields));
    l.report.push(match diagnostic.help.is_empty() && ty.is_text() {
        true => diagnostic.patch("write text in quotes", span, format!("\"{word}\"")),
        false => diagnostic,
    });
}

fn same(l: &mut Lower, field: FieldRef, path: &Path, other: &Path, cased: bool, span: Span) -> Pred {
    let ty = field.id.def().ty;
    let found = match l.field(other) {
        None => return Pred::Const(false),
        Some(Found::Elsewhere(_)) => return Pred::Const(false),
        Some(Found::Field(found)) => found,
    };
    let other_sort = ty == Type::Identity && identity_sort(field.id) != identity_sort(found.id);
    if std::mem::discriminant(&found.id.def().ty) != std::mem::discriminant(&ty) || ty == Type::Argument || other_sort {
        l.report.push(
            Diagnostic::new(Code::WrongType, format!("`{}` and `{}` cannot be equal", path.dotted(), other.dotted()))
                .at(other.span, if other_sort { identity_sort(found.id) } else { found.id.def().ty.words() })
                .also(path.span, if other_sort { identity_sort(field.id) } else { ty.words() }),
        );
        return Pred::Const(false);
    }
    if ty == Type::Identity && found.step == field.step {
        l.report.push(
            Diagnostic::new(Code::WrongOperator, format!("`{}` is compared within one event", path.dotted()))
                .at(span, "identities are compared between the steps of a sequence"),
        );
        return Pred::Const(false);
    }
    Pred::Test(Test { field, op: Op::Same { other: found, cased }, span })
}

/// What an identity is one of.
fn identity_sort(field: FieldId) -> &'static str {
    match field.short() {
        "host" => "a host",
        "user" => "a user",
        _ => "a process",
    }
}

fn in_values(l: &mut Lower, field: FieldRef, path: &Path, values: &Values, cased: bool, span: Span) -> Pred {
    if let Type::Enum(words) = field.id.def().ty {
        return in_words(l, field, path, values, words, span);
    }
    let literals = l.project.lists.values(values, l.report);
    if literals.is_empty() {
        return Pred::Const(false);
    }
    let pred = equals(l, field, path, literals, cased, (Operand::many(values.span()), span));
    if let Values::Path(list) = values {
        l.name_list(super::condition::words(&list.dotted()), &pred);
    }
    pred
}

fn in_words(
    l: &mut Lower,
    field: FieldRef,
    path: &Path,
    values: &Values,
    words: &'static [&'static str],
    span: Span,
) -> Pred {
    let what = format!("value of `{}`", path.dotted());
    let Values::List(list) = values else {
        l.report.push(
            Diagnostic::new(Code::WrongType, format!("`{}` takes its words in place", path.dotted()))
                .at(values.span(), "expected a list in brackets")
                .note(format!("the words are {}", words.join(", "))),
        );
        return Pred::Const(false);
    };
    let mut found = vec![];
    for value in &list.values {
        match value {
            Value::Path(p) => match words.iter().find(|w| **w == p.dotted()) {
                Some(word) => found.push(*word),
                None => l.report.push(super::unknown_word(&what, &p.dotted(), p.span, words)),
            },
            Value::Literal(literal) => {
                wrong_value(l.report, path, field.id.def().ty, literal, Operand::many(values.span()))
            }
        }
    }
    if found.is_empty() { Pred::Const(false) } else { Pred::Test(Test { field, op: Op::Word(found), span }) }
}

/// Equal to one of some literals.
fn equals(
    l: &mut Lower,
    field: FieldRef,
    path: &Path,
    literals: Vec<Literal>,
    cased: bool,
    (operand, span): (Operand, Span),
) -> Pred {
    let ty = field.id.def().ty;
    if let (Type::Bool, [Literal::Bool(value, _)]) = (ty, literals.as_slice()) {
        let holds = is_true(field, span);
        return if *value { holds } else { Pred::and([present(field, span), holds.not()]) };
    }
    let numbers: Option<Vec<i64>> = literals.iter().map(|v| number(v, ty)).collect();
    if let (Some(numbers), true) = (numbers, matches!(ty, Type::Int | Type::Size | Type::Time)) {
        return Pred::Test(Test { field, op: Op::Number(numbers), span });
    }
    let mut texts = vec![];
    for literal in &literals {
        match literal {
            Literal::Text(t) if valid_text(&t.value, ty) => texts.push(meant(&t.value, ty)),
            Literal::Text(t) if t.value.is_empty() && ty.is_text() => l.report.push(used(empty_text(t.span), operand)),
            other if matches!((number(other, ty), ty), (Some(_), Type::Int | Type::Size | Type::Time)) => {}
            other => wrong_value(l.report, path, ty, other, operand),
        }
    }
    if texts.is_empty() {
        return Pred::Const(false);
    }
    if ty.is_text() && !cased {
        let cure = "compare it as it is written, with `is cased` or `in cased`, or leave the letter out";
        case::check(l.report, None, case::texts(&literals), operand, cure);
    }
    let written: Vec<(&str, Span)> = case::texts(&literals).collect();
    never::check(l, (field, path), (Compare::Is, cased), &written, (operand, span));
    if ty == Type::Argument {
        return match text::no_quotes(l, &literals, operand) {
            true => command_line(field, cmdline::argument_is(&texts, cased), span),
            false => Pred::Const(false),
        };
    }
    Pred::Test(Test { field, op: Op::Text(Text { matcher: Matcher::Exact(texts), all: false, cased }), span })
}

/// A text as it is compared. An IPv4 address that is written as one of IPv6, `::ffff:10.1.2.3`, is the IPv4 address.
fn meant(text: &str, ty: Type) -> String {
    let four = (ty == Type::Ip).then(|| text.parse::<Ipv6Addr>().ok()?.to_ipv4_mapped()).flatten();
    four.map_or_else(|| text.to_owned(), |four| four.to_string())
}

fn valid_text(text: &str, ty: Type) -> bool {
    match ty {
        Type::String | Type::Path | Type::Argument => !text.is_empty(),
        Type::Hash(digits) => text.len() == digits && text.chars().all(|c| c.is_ascii_hexdigit()),
        Type::Ip => text.parse::<std::net::IpAddr>().is_ok(),
        _ => false,
    }
}

pub(super) fn empty_text(span: Span) -> Diagnostic {
    Diagnostic::new(Code::EmptyText, "an empty text equals and finds nothing")
        .at(span, "empty")
        .note("an empty field is a missing field")
        .help("ask `not F exists` for a field that is missing")
}

/// A literal as the number that a field of this type holds: bytes, or microseconds since 1970.
fn number(literal: &Literal, ty: Type) -> Option<i64> {
    match (literal, ty) {
        (Literal::Int(n, _), Type::Int | Type::Size) | (Literal::Size(n, _), Type::Size) => i64::try_from(*n).ok(),
        (Literal::Date(date, _), Type::Time) => day_number(date).map(|days| days * 86_400_000_000),
        _ => None,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
fn day_number(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-').map(|p| p.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn lower_order(
    l: &mut Lower,
    field: FieldRef,
    path: &Path,
    order: crate::syntax::ast::Order,
    value: &Value,
    span: Span,
) -> Pred {
    let ty = field.id.def().ty;
    if !matches!(ty, Type::Int | Type::Size | Type::Time) {
        return wrong_operator(l.report, path, ty, order.sign(), span);
    }
    let literal = match value {
        Value::Literal(literal) => Some(literal.clone()),
        Value::Path(name) => {
            let param = name.single().and_then(|n| l.project.lists.param(&n.text)).cloned();
            if param.is_none() {
                if FieldId::find(&name.dotted()).is_some() {
                    l.report.push(not_a_field(order.sign(), "a value", name.span));
                } else if !l.project.is_broken(&name.dotted()) {
                    l.report.unknown("parameter", &name.dotted(), name.span, l.project.lists.names());
                }
                return Pred::Const(false);
            }
            param
        }
    };
    let Some(literal) = literal else { return Pred::Const(false) };
    match number(&literal, ty) {
        Some(number) => Pred::Test(Test { field, op: Op::Order(order, number), span }),
        None => {
            wrong_value(l.report, path, ty, &literal, Operand::one(value.span()));
            Pred::Const(false)
        }
    }
}

pub(super) fn not_a_field(operator: &str, wanted: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::WrongValue, format!("`{operator}` takes {wanted}, not a field"))
        .at(span, "a field")
        .note("two fields can be compared with `is` only")
}

fn lower_cidr(l: &mut Lower, field: FieldRef, path: &Path, values: &Values, span: Span) -> Pred {
    let ty = field.id.def().ty;
    if ty != Type::Ip {
        return wrong_operator(l.report, path, ty, "in cidr", span);
    }
    let mut networks = vec![];
    for literal in l.project.lists.values(values, l.report) {
        match literal {
            Literal::Text(t) if network(&t.value).is_some_and(|meant| meant.is_written(&t.value)) => {
                networks.push(network(&t.value).and_then(|meant| meant.of_four()).unwrap_or(t.value))
            }
            other => l.report.push(used(bad_network(&other), Operand::many(values.span()))),
        }
    }
    if networks.is_empty() { Pred::Const(false) } else { Pred::Test(Test { field, op: Op::Cidr(networks), span }) }
}

fn bad_network(literal: &Literal) -> Diagnostic {
    let found = |message: String, label: &str| Diagnostic::new(Code::BadNetwork, message).at(literal.span(), label);
    let label = "expected an address and a prefix length, such as '10.0.0.0/8'";
    let Literal::Text(t) = literal else { return found(format!("{} is not a network", literal.words()), label) };
    if let Some(meant) = network(&t.value) {
        let (first, length) = (meant.first, meant.length);
        let message = format!("`{}` is not how a network is written", t.value);
        let label = match meant.given == first {
            true => "the prefix length begins with 0".to_owned(),
            false => format!("bits behind the first {length} are set"),
        };
        return found(message, &label).patch("the network around it", t.span, format!("'{first}/{length}'"));
    }
    let diagnostic = found(format!("`{}` is not a network", t.value), label);
    match t.value.parse::<IpAddr>() {
        Ok(address) => {
            let length = if address.is_ipv4() { 32 } else { 128 };
            diagnostic.patch("this one address alone", t.span, format!("'{address}/{length}'"))
        }
        Err(_) => diagnostic,
    }
}

struct Network {
    given: IpAddr,
    /// Its first address.
    first: IpAddr,
    length: u32,
}

impl Network {
    /// Whether a text writes it as every engine takes it: Python and pySigma refuse bits of a host, and some read zeros in
    /// front as octal.
    fn is_written(&self, text: &str) -> bool {
        self.given == self.first && text.rsplit('/').next() == Some(self.length.to_string().as_str())
    }

    /// The network of IPv4 that it is, if it is written as one of IPv6: `10.0.0.0/8` of `::ffff:10.0.0.0/104`.
    fn of_four(&self) -> Option<String> {
        let IpAddr::V6(first) = self.first else { return None };
        let length = self.length.checked_sub(96)?;
        first.to_ipv4_mapped().map(|first| format!("{first}/{length}"))
    }
}

/// The network that a text means.
fn network(text: &str) -> Option<Network> {
    let (address, length) = text.split_once('/')?;
    let given = address.parse::<IpAddr>().ok()?;
    let length = length.bytes().all(|b| b.is_ascii_digit()).then(|| length.parse::<u32>().ok())??;
    let host = |most: u32| most.checked_sub(length);
    let first = match given {
        IpAddr::V4(given) => IpAddr::V4((u32::from(given) & u32::MAX.checked_shl(host(32)?).unwrap_or(0)).into()),
        IpAddr::V6(given) => IpAddr::V6((u128::from(given) & u128::MAX.checked_shl(host(128)?).unwrap_or(0)).into()),
    };
    Some(Network { given, first, length })
}
