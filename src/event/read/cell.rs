//! Values of columns, and the fields that come from them.

use super::Column;
use super::native::native;
use crate::event::Value;
use crate::target::{How, Mapping, Scalar};
use crate::vocabulary::Type;
use std::borrow::Cow;
use std::net::Ipv6Addr;

/// A column's value in one record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Number(i64),
    /// Another number.
    Fraction(f64),
    /// True or false.
    Bool(bool),
    /// A list of values, at least two.
    Many(Vec<Cell<'a>>),
}

impl Cell<'_> {
    /// Whether the value, or one of a list, is one of these.
    pub(super) fn is_any(&self, values: &[Scalar]) -> bool {
        match self {
            Cell::Many(all) => all.iter().any(|one| one.is_any(values)),
            one => values.iter().any(|v| one.is(v)),
        }
    }

    /// Numbers are written as texts in some logs, and words in either case.
    fn is(&self, value: &Scalar) -> bool {
        match (self, value) {
            (Cell::Number(a), Scalar::Number(b)) => a == b,
            (Cell::Text(a), Scalar::Number(b)) => a.parse() == Ok(*b),
            (Cell::Bool(a), Scalar::Number(b)) => i64::from(*a) == *b,
            (Cell::Text(a), Scalar::Text(b)) => a.eq_ignore_ascii_case(b),
            (Cell::Bool(a), Scalar::Text(b)) => b.parse() == Ok(*a),
            (Cell::Number(a), Scalar::Text(b)) => b.parse() == Ok(*a),
            (Cell::Many(_) | Cell::Fraction(_), _) => false,
        }
    }

    /// As text; a list's first one.
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Number(n) => n.to_string().into(),
            Cell::Fraction(n) => n.to_string().into(),
            Cell::Bool(b) => b.to_string().into(),
            Cell::Many(all) => return all.first()?.text(),
        })
    }

    /// As texts: each of a list.
    fn texts(&self) -> Vec<Cow<'_, str>> {
        match self {
            Cell::Many(all) => all.iter().filter_map(Cell::text).collect(),
            one => one.text().into_iter().collect(),
        }
    }

    fn number(&self) -> Option<i64> {
        match self {
            Cell::Number(n) => Some(*n),
            Cell::Text(text) => match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                Some(digits) => i64::from_str_radix(digits, 16).ok(),
                None => text.trim().parse().ok(),
            },
            Cell::Many(all) => all.first()?.number(),
            Cell::Fraction(_) | Cell::Bool(_) => None,
        }
    }
}

/// A field's value out of a column.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) column: Column,
    ty: Type,
    mapping: Mapping,
    /// Of a column that the target computes: the first that holds says the value.
    cases: Vec<TakeCase>,
}

/// A case of a computed column.
#[derive(Debug)]
pub(super) struct TakeCase {
    pub(super) filter: Vec<(Column, Vec<Scalar>)>,
    pub(super) value: TakeValue,
}

/// What a case says.
#[derive(Debug)]
pub(super) enum TakeValue {
    /// The value of a column.
    Column(Column),
    /// A text.
    Text(String),
}

impl Take {
    pub(super) fn new(column: Column, ty: Type, mapping: Mapping) -> Take {
        Take { column, ty, mapping, cases: vec![] }
    }

    /// A text that the target computes.
    pub(super) fn of_cases(cases: Vec<TakeCase>, ty: Type, mapping: Mapping) -> Take {
        Take { column: 0, ty, mapping, cases }
    }

    /// The field's value in a record's cells.
    pub(super) fn among<'c>(
        &self,
        cell: impl Fn(&Column) -> Option<&'c Cell<'c>>,
        filler: &[String],
    ) -> Option<Value<'c>> {
        if self.cases.is_empty() {
            return cell(&self.column).and_then(|c| self.value(c, filler));
        }
        self.cases.iter().find_map(|case| {
            let is = |(column, values): &(Column, Vec<Scalar>)| cell(column).is_some_and(|c| c.is_any(values));
            if !case.filter.iter().all(is) {
                return None;
            }
            match &case.value {
                TakeValue::Column(column) => {
                    let text = cell(column)?.text()?;
                    (!filler.iter().any(|f| **f == *text)).then_some(Value::Text(text))
                }
                TakeValue::Text(text) => Some(Value::of(text.clone())),
            }
        })
    }

    /// The field's value; none where the column has a filler or something that the field cannot hold.
    pub(super) fn value<'c>(&self, cell: &'c Cell, filler: &[String]) -> Option<Value<'c>> {
        if matches!(cell, Cell::Text(text) if filler.iter().any(|f| f == text)) {
            return None;
        }
        match &self.mapping {
            Mapping::Equals { value, .. } => Some(Value::Bool(cell.is_any(std::slice::from_ref(value)))),
            Mapping::Words { words, .. } => {
                let (word, _) = words.iter().find(|(_, scalars)| cell.is_any(scalars))?;
                let Type::Enum(known) = self.ty else { return None };
                known.iter().find(|w| *w == word).map(|w| Value::of(*w))
            }
            Mapping::Keyed { key, bare, .. } => {
                let digits = if let (Type::Hash(digits), true) = (self.ty, *bare) { Some(digits) } else { None };
                cell.texts().into_iter().find_map(|text| keyed(&text, key, digits)).map(Value::of)
            }
            Mapping::Part(How::Hex, _) => cell.number().map(Value::Number),
            Mapping::Part(How::Folder, _) => part(How::Folder, native(cell.text()?)).map(Value::Text),
            Mapping::Part(how, _) => part(*how, cell.text()?).map(Value::Text),
            Mapping::Column(_) => match self.ty {
                Type::Int | Type::Size => cell.number().map(Value::Number),
                Type::Time => time(cell).map(Value::Number),
                Type::Path => cell.text().map(native).map(Value::Text),
                Type::Ip => cell.text().map(unmapped).map(Value::Text),
                _ => cell.text().map(Value::Text),
            },
        }
    }
}

/// An IPv4 address that is written as one of IPv6 is the IPv4 address: `::ffff:10.1.2.3` is `10.1.2.3`.
fn unmapped(text: Cow<str>) -> Cow<str> {
    let four = text.parse::<Ipv6Addr>().ok().and_then(|six| six.to_ipv4_mapped());
    four.map_or(text, |four| four.to_string().into())
}

/// `SHA256=…` among others; or a text of so many hexadecimal digits and nothing else.
fn keyed(text: &str, key: &str, digits: Option<usize>) -> Option<String> {
    let mut pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let keyed = pairs.find(|(k, _)| k.trim().eq_ignore_ascii_case(key)).map(|(_, value)| value.trim());
    let is_digest = |text: &&str| Some(text.len()) == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
    keyed.or_else(|| Some(text.trim()).filter(is_digest)).map(str::to_owned)
}

/// A part of a text, in the text itself where that is borrowed.
fn part(how: How, whole: Cow<str>) -> Option<Cow<str>> {
    let separator = |c: char| matches!(c, '\\' | '/');
    let cut = |text: &str| -> Option<std::ops::Range<usize>> {
        let name = text.rfind(separator).map_or(0, |i| i + 1);
        Some(match how {
            How::Whole | How::Hex | How::Address | How::Computed => 0..text.len(),
            How::Name => name..text.len(),
            How::Extension => text.rfind('.').filter(|dot| *dot >= name)? + 1..text.len(),
            How::Folder => 0..name.checked_sub(1)?,
            How::Account => text.rfind('\\').map_or(0, |i| i + 1)..text.len(),
            How::Domain => 0..text.find('\\')?,
        })
    };
    Some(match whole {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(cut(text)?)?),
        Cow::Owned(text) => Cow::Owned(text.get(cut(&text)?)?.to_owned()),
    })
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970 by their size, or a date in words, as microseconds; none
/// beyond the years of the calendar.
fn time(cell: &Cell) -> Option<i64> {
    let scaled = |n: i64| {
        Some(match n.unsigned_abs() {
            0..100_000_000_000 => n.checked_mul(1_000_000)?,
            100_000_000_000..100_000_000_000_000 => n.checked_mul(1000)?,
            100_000_000_000_000..100_000_000_000_000_000 => n,
            _ => n / 1000,
        })
    };
    #[allow(clippy::cast_possible_truncation, reason = "microseconds of this era; what is beyond is left out")]
    let fraction = |n: f64| {
        let scale = match n.abs() {
            size if size < 1e11 => 1e6,
            size if size < 1e14 => 1e3,
            size if size < 1e17 => 1.0,
            _ => 1e-3,
        };
        let micros = (n * scale).round();
        (micros.abs() < 9e18).then_some(micros as i64)
    };
    let read = match cell {
        Cell::Number(n) => scaled(*n),
        Cell::Fraction(n) => fraction(*n),
        Cell::Text(text) => crate::event::time::parse(text).or_else(|| match text.trim().parse::<i64>() {
            Ok(n) => scaled(n),
            Err(_) => fraction(text.trim().parse().ok()?),
        }),
        Cell::Bool(_) | Cell::Many(_) => None,
    };
    read.filter(|micros| crate::event::time::is_known(*micros))
}
