//! Mistakes of Sigma's lowering: changes of detections, and of the lines of correlations.

use super::Mistake;
use crate::text;
use arcanary::backend::Printed;
use arcanary::backend::stage::Change;
use arcanary::backend::stage::trees::sigma::{Joint, Selection, Selections, Value};
use std::mem::{replace, take};

const fn sigma(what: &'static str, change: fn(&mut Joint, &mut Selections)) -> Mistake {
    Mistake::new(what, Change::Sigma(change))
}

const fn correlation(what: &'static str, change: fn(&mut Printed)) -> Mistake {
    Mistake::new(what, Change::Printed(change))
}

/// Of rules over single events.
pub const MISTAKES: [Mistake; 26] = [
    sigma("`not` is left out of conditions", |joint, _| {
        walk(joint, &|joint| {
            if let Joint::Not(inner) = joint {
                *joint = take_joint(inner);
            }
        });
    }),
    sigma("letters' case counts", |_, selections| {
        each_item(selections, &|key, value| {
            if let Value::Texts(texts) = value
                && let Some((field, pattern)) = exact(key, texts)
            {
                (*key, *texts) = (format!("{field}|re"), vec![pattern]);
            }
        });
    }),
    sigma("letters' case counts in regular expressions", |_, selections| {
        each_pattern(selections, &|pattern| pattern.replacen("(?i)", "", 1).replacen("(?is)", "(?s)", 1));
    }),
    sigma("`cased` is ignored", |_, selections| {
        each_pattern(selections, &|pattern| match pattern.starts_with("(?") && !pattern.starts_with("(?:") {
            true => pattern.to_owned(),
            false => format!("(?i){pattern}"),
        });
    }),
    sigma("a backslash before another one is not doubled", |_, selections| {
        each_text(selections, &|text| text.replace(r"\\\", r"\\"));
    }),
    sigma("a backslash before a wildcard is not doubled", |_, selections| {
        each_text(selections, &|text| text.replace(r"\\*", r"\*").replace(r"\\?", r"\?"));
    }),
    sigma("a filler exists", |_, selections| {
        each_item(selections, &|_, value| {
            if let Value::Texts(texts) = value
                && texts[0].is_empty()
            {
                texts.truncate(1);
            }
        });
    }),
    sigma("one of the values of `contains all` is enough", |_, selections| {
        each_item(selections, &|key, _| *key = key.replace("|contains|all", "|contains"));
    }),
    sigma("`startswith` is `contains`", |_, selections| {
        each_item(selections, &|key, _| *key = key.replace("|startswith", "|contains"));
    }),
    sigma("`gte` is `gt`", |_, selections| {
        each_item(selections, &|key, _| *key = key.replace("|gte", "|gt").replace("|lte", "|lt"));
    }),
    sigma("an exception is demanded", |joint, _| {
        walk(joint, &|joint| {
            if let Joint::Not(inner) = joint
                && names(inner).iter().all(|name| name.starts_with("filter_optional"))
            {
                *joint = take_joint(inner);
            }
        });
    }),
    sigma("one of the sets of flags that reach a threshold is left out", |joint, _| {
        walk(joint, &|joint| {
            if let Joint::Or(sets) = joint
                && sets.iter().flat_map(names).all(|name| name.starts_with("flag_"))
            {
                sets.remove(0);
            }
        });
    }),
    sigma("of two tests of one field the first one stays", |joint, selections| {
        walk(joint, &|joint| {
            let Joint::And(all) = joint else { return };
            let mut keys: Vec<String> = vec![];
            all.retain(|one| match only_map(one, selections) {
                Some([(key, _)]) if keys.contains(key) => false,
                map => {
                    keys.extend(map.into_iter().flatten().map(|(key, _)| key.clone()));
                    true
                }
            });
        });
    }),
    sigma("alternatives share a map", |_, selections| {
        selections.values_mut().for_each(|s| s.maps = vec![s.maps.concat()]);
    }),
    sigma("`all of x_*` stands for some of these names", |joint, selections| {
        walk(joint, &|joint| {
            let (Joint::And(all) | Joint::Or(all)) = joint else { return };
            let [Joint::Name(first), Joint::Name(_), ..] = all.as_slice() else { return };
            let Some((prefix, _)) = first.rsplit_once('_') else { return };
            let meant = selections.keys().filter(|name| name.starts_with(&format!("{prefix}_")));
            if all.iter().flat_map(names).all(|name| name.starts_with(&format!("{prefix}_"))) {
                *all = meant.cloned().map(Joint::Name).collect();
            }
        });
    }),
    sigma("no single plain term stands in front of a regular expression below an OR", |joint, _| {
        if let Joint::And(all) = joint {
            all.rotate_left(1);
        }
    }),
    sigma("alternatives that ask a regular expression stand behind plain ones", |joint, selections| {
        walk(joint, &|joint| {
            if let Joint::Or(all) = joint {
                all.sort_by_key(|one| asks_regex(one, selections));
            }
        });
        selections.values_mut().for_each(|s| s.maps.sort_by_key(|map| map.iter().any(|(key, _)| key.ends_with("|re"))));
    }),
    sigma("alternatives of single plain terms stand right behind the first one", |joint, selections| {
        let Joint::And(all) = joint else { return };
        let several = |one: &Joint| one.selection(selections).is_some_and(|s| s.maps.len() > 1);
        all[1..].sort_by_key(|one| !several(one) || asks_regex(one, selections));
    }),
    sigma("a conjunction with a regular expression is negated as a whole", |joint, _| {
        walk(joint, &|joint| {
            let Joint::Or(all) = joint else { return };
            if all.iter().all(|one| matches!(one, Joint::Not(_))) {
                let inner = take(all).into_iter().map(|one| if let Joint::Not(inner) = one { *inner } else { one });
                *joint = Joint::Not(Box::new(Joint::And(inner.collect())));
            }
        });
    }),
    sigma("a pattern of single characters, and a star that is one, stay plain", |_, selections| {
        each_item(selections, &|key, value| {
            plain(key, value, &|text| text.contains(['?', '*']) && !text.contains('\n'))
        });
    }),
    sigma("a text with a line break stays plain", |_, selections| {
        each_item(selections, &|key, value| plain(key, value, &|text| text.contains('\n')));
    }),
    sigma("`windash` stands below a NOT", |_, selections| {
        each_item(selections, &|key, value| {
            if let Value::Texts(texts) = value
                && key.ends_with("|contains")
                && texts.len() % 5 == 0
                && texts.iter().all(|text| text.starts_with([' ']))
            {
                texts.retain(|text| text.starts_with(" -"));
                key.push_str("|windash");
            }
        });
    }),
    sigma("networks stay networks", |_, selections| {
        each_item(selections, &|key, value| {
            let begins = |text: &str| text.ends_with('.') && text.chars().all(|c| c == '.' || c.is_ascii_digit());
            if let (Some(field), Value::Texts(texts)) = (key.strip_suffix("|startswith"), &mut *value)
                && texts.iter().all(|text| begins(text.trim_start_matches("::ffff:")))
            {
                *key = format!("{field}|cidr");
                texts.retain(|text| begins(text));
                texts.iter_mut().for_each(|text| *text = network(text));
            }
        });
    }),
    sigma("a value with a quote stands among the first terms of a search", |joint, selections| {
        let Joint::And(all) = joint else { return };
        let quoted = |value: &Value| matches!(value, Value::Texts(texts) if texts.iter().any(|t| t.contains('"')));
        let has_quote = |one: &Joint| only_map(one, selections).is_some_and(|map| map.iter().any(|(_, v)| quoted(v)));
        all[1..].sort_by_key(|one| !has_quote(one));
    }),
    sigma("what is denied twice has two NOTs", |joint, _| {
        if let Joint::And(all) = joint {
            all.iter_mut().filter(|one| matches!(one, Joint::Name(name) if name.starts_with("filter_"))).for_each(
                |one| {
                    *one = Joint::Not(Box::new(Joint::Not(Box::new(take_joint(one)))));
                },
            );
        }
    }),
    sigma("a number in an exception may be missing", |_, selections| {
        selections.values_mut().flat_map(|s| &mut s.maps).for_each(|map| {
            let numbers = |field: &str| format!("{field}|g");
            let before = map.clone();
            map.retain(|(key, _)| match key.strip_suffix("|exists") {
                Some(field) => !before.iter().any(|(other, _)| other.starts_with(&numbers(field))),
                None => true,
            });
        });
    }),
];

/// Of rules over several events.
pub const OVER_TIME: [Mistake; 6] = [
    correlation("a sequence is a correlation without order", |printed| {
        each_line(printed, &|line| line.replace("type: temporal_ordered", "type: temporal"));
    }),
    correlation("the window is a year", |printed| {
        each_line(printed, &|line| {
            if line.starts_with("timespan: ") { "timespan: 365d".to_owned() } else { line.to_owned() }
        });
    }),
    correlation("the window is a second shorter", |printed| {
        each_line(printed, &|line| match line.strip_prefix("timespan: ").map(seconds) {
            Some(seconds @ 2..) => format!("timespan: {}s", seconds - 1),
            _ => line.to_owned(),
        });
    }),
    correlation("one of the group keys is left out", |printed| {
        text::each_list(printed, "correlation", &|lines| {
            let Some(first) = lines.iter().position(|line| line == "group-by:").map(|place| place + 1) else { return };
            if lines.get(first + 1).is_some_and(|line| line.starts_with("    - ")) {
                lines.remove(first);
            }
        });
    }),
    sigma("base rules do not ask that a group key has a value", |joint, _| {
        if let Joint::And(all) = joint {
            let asks_keys = |name: &String| name.starts_with("selection_keys") || name.starts_with("filter_main_keys");
            all.retain(|one| !names(one).iter().all(asks_keys));
        }
    }),
    correlation("a count must pass its number", |printed| {
        text::each_list(printed, "correlation", &|lines| {
            if lines.first().is_some_and(|line| line.ends_with("_count")) {
                lines.iter_mut().for_each(|line| *line = line.replace("gte: ", "gt: "));
            }
        });
    }),
];

fn take_joint(joint: &mut Joint) -> Joint {
    replace(joint, Joint::And(vec![]))
}

/// Changes a condition and all in it, from the inside out.
fn walk(joint: &mut Joint, change: &dyn Fn(&mut Joint)) {
    match joint {
        Joint::Not(inner) => walk(inner, change),
        Joint::And(all) | Joint::Or(all) => all.iter_mut().for_each(|one| walk(one, change)),
        Joint::Name(_) => {}
    }
    change(joint);
}

fn names(joint: &Joint) -> Vec<String> {
    let mut out = vec![];
    joint.each_name(&mut |name| out.push(name.to_owned()));
    out
}

/// The items of a selection that is one map.
fn only_map<'s>(joint: &Joint, selections: &'s Selections) -> Option<&'s [(String, Value)]> {
    match joint.selection(selections)?.maps.as_slice() {
        [map] => Some(map),
        _ => None,
    }
}

fn asks_regex(joint: &Joint, selections: &Selections) -> bool {
    let asks = |s: &Selection| s.maps.iter().flatten().any(|(key, _)| key.ends_with("|re"));
    names(joint).iter().filter_map(|name| selections.get(name)).any(asks)
}

/// Changes keys and values.
fn each_item(selections: &mut Selections, change: &dyn Fn(&mut String, &mut Value)) {
    let items = selections.values_mut().flat_map(|s| &mut s.maps).flatten();
    items.for_each(|(key, value)| change(key, value));
}

fn each_pattern(selections: &mut Selections, change: &dyn Fn(&str) -> String) {
    each_item(selections, &|key, value| {
        if let Value::Texts(texts) = value
            && key.ends_with("|re")
        {
            texts.iter_mut().for_each(|text| *text = change(text));
        }
    });
}

/// Changes texts that are no regular expressions.
fn each_text(selections: &mut Selections, change: &dyn Fn(&str) -> String) {
    each_item(selections, &|key, value| {
        if let Value::Texts(texts) = value
            && !key.ends_with("|re")
        {
            texts.iter_mut().for_each(|text| *text = change(text));
        }
    });
}

/// A key of plain texts as its field and the regular expression for these texts in their own letters.
fn exact<'k>(key: &'k str, texts: &[String]) -> Option<(&'k str, String)> {
    let (field, modifier) = key.split_once('|').unwrap_or((key, ""));
    let (before, behind) = match modifier {
        "" => ("^", "$"),
        "contains" => ("", ""),
        "startswith" => ("^", ""),
        "endswith" => ("", "$"),
        _ => return None,
    };
    let each: Vec<String> = texts.iter().map(|text| format!("{before}{}{behind}", pattern(text))).collect();
    Some((field, each.join("|")))
}

/// A plain text as a regular expression.
fn pattern(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let escaped = rest.next_if(|next| matches!(next, '*' | '?' | '\\'));
                out.extend(['\\', escaped.unwrap_or('\\')]);
            }
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '.' | '+' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// A regular expression that stands for a text, or for a pattern, becomes one again, if that is such.
fn plain(key: &mut String, value: &mut Value, such: &dyn Fn(&str) -> bool) {
    let (Some(field), Value::Texts(texts)) = (key.strip_suffix("|re"), &mut *value) else { return };
    let Some(pattern) = texts[0].strip_prefix("(?i)") else { return };
    let whole = pattern.strip_prefix("(?s:").and_then(|p| p.strip_suffix(')')).unwrap_or(pattern);
    let (start, end) = (whole.strip_prefix('^'), whole.strip_suffix('$'));
    let modifier = match (start.is_some(), end.is_some()) {
        (true, true) => "",
        (true, false) => "|startswith",
        (false, true) => "|endswith",
        (false, false) => "|contains",
    };
    if let Some(text) = unescaped(whole.trim_start_matches('^').trim_end_matches('$')).filter(|text| such(text)) {
        *key = format!("{field}{modifier}");
        *texts = vec![text];
    }
}

/// The pattern that a regular expression without alternatives and classes is.
fn unescaped(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('\\')) => out.push_str(r"\\"),
            ('\\', Some(c @ ('*' | '?'))) => out.extend(['\\', *c]),
            ('\\', Some(c)) => out.push(*c),
            ('.', Some('*')) => out.push('*'),
            ('.', _) => {
                out.push('?');
                continue;
            }
            ('(' | '[' | '|', _) => return None,
            _ => {
                out.push(c);
                continue;
            }
        }
        rest.next();
    }
    Some(out)
}

/// The network whose addresses begin so.
fn network(beginning: &str) -> String {
    let octets = beginning.matches('.').count();
    format!("{beginning}{}/{}", vec!["0"; 4 - octets].join("."), octets * 8)
}

/// Changes the lines of correlations.
fn each_line(printed: &mut Printed, change: &dyn Fn(&str) -> String) {
    text::each(printed, "correlation", change);
}

/// A timespan in seconds.
fn seconds(timespan: &str) -> u64 {
    let (number, unit) = timespan.split_at(timespan.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 86_400,
    };
    number.parse::<u64>().expect("a whole number") * unit
}
