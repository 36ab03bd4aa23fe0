//! `explain`: a rule in plain words, and its query for each target.

use crate::compile::compile;
use crate::diagnostic::Code;
use crate::document::Status;
use crate::duration;
use crate::project::Loaded;
use crate::sema::Rule;
use crate::syntax::ast::{
    Amount, Detect, Expr, List, Literal, Operator, Path, Pick, Query, StepRole, TextOp, TextOperand, Tool, ToolVerb,
    Value, Values,
};
use std::fmt::Write as _;

/// Renders the explanation of a rule.
#[must_use]
pub fn explain(rule: &Rule, loaded: &Loaded, targets: &[String]) -> String {
    let words = Words { loaded };
    let meta = &rule.meta;
    let systems: Vec<_> = meta.os.iter().map(|o| o.word()).collect();
    let mut out = format!("{}: {}\n", rule.name, meta.title);
    if !meta.description.is_empty() {
        let _ = writeln!(out, "{}", meta.description);
    }
    let attack =
        if meta.attack.is_empty() { String::new() } else { format!(", ATT&CK {}", meta.technique_ids().join(", ")) };
    let _ = writeln!(out, "Level {}, on {}{attack}.\n", meta.level.word(), systems.join(", "));
    if let [first, rest @ ..] = rule.tuned() {
        let keys = rest.iter().fold(first.0.clone(), |all, (key, _)| format!("{all}, {key}"));
        let _ = writeln!(out, "Set by a tune: {keys}.\n");
    }
    if let Some(disabled) = &rule.disabled {
        let _ = writeln!(out, "Disabled: {}\n", disabled.words());
    }
    if let Some(detect) = rule.detect() {
        words.detect(detect, &mut out);
    }
    if !rule.flags().is_empty() {
        out.push_str("\nFlags of a result\n");
        for flag in rule.flags() {
            let weight = flag.weight.map_or_else(String::new, |(w, _)| format!(" (weight {w})"));
            let _ = writeln!(out, "  {}{weight}, true if", flag.name.text);
            words.expr(&flag.expr, 2, &mut out);
        }
    }
    if let Some((threshold, _)) = rule.threshold {
        let _ = writeln!(out, "It fires when the weights add up to {threshold} or more.");
    }
    for exception in &rule.exceptions {
        let until = exception.until.as_ref().map_or_else(String::new, |u| format!(", until {u}"));
        let by = if exception.tuned { ", by a tune" } else { "" };
        let _ = writeln!(out, "\nExcept \"{}\" ({}{until}{by}), where", exception.title, exception.because);
        words.expr(&exception.expr, 1, &mut out);
    }
    out.push('\n');
    for name in targets {
        let Some(target) = loaded.targets.all.get(name) else { continue };
        if let Some((skip, _)) = loaded.skip_of(&rule.name, name) {
            let _ = writeln!(out, "{name}: skipped, {}\n", skip.because);
            continue;
        }
        match compile(rule, &loaded.project, target) {
            Ok(document) => {
                let status = match document.status {
                    Status::Exact => "exact",
                    Status::Degraded => "degraded",
                };
                let _ = writeln!(out, "{name}: {status}");
                for note in &document.printed.notes {
                    let _ = writeln!(out, "  {}", note.text);
                }
                let _ = writeln!(out, "{}", indented(&document.text));
            }
            Err(errors) => {
                let elsewhere = errors.iter().any(|error| error.code == Code::NotForTarget);
                let _ = writeln!(out, "{name}: {}", if elsewhere { "not for this target" } else { "unsupported" });
                for error in errors {
                    let place = crate::diagnostic::place(&error, &loaded.sources);
                    let label = error.labels.first().map_or("", |l| l.text.as_str());
                    let _ = writeln!(out, "  {place}: {label}");
                }
                out.push('\n');
            }
        }
    }
    format!("{}\n", out.trim_end())
}

fn indented(text: &str) -> String {
    text.lines().map(|l| if l.is_empty() { String::from("\n") } else { format!("    {l}\n") }).collect()
}

/// Conditions in words.
struct Words<'a> {
    loaded: &'a Loaded,
}

impl Words<'_> {
    fn detect(&self, detect: &Detect, out: &mut String) {
        match detect {
            Detect::Query(query) => self.query("It matches", query, out),
            Detect::Count(count) => {
                let what = count
                    .distinct
                    .as_ref()
                    .map_or_else(|| "events".to_owned(), |p| format!("different values of {}", p.dotted()));
                let keys = paths(&count.keys);
                let least = self.count(&count.at_least);
                let _ = writeln!(
                    out,
                    "It matches when, for one {keys}, at least {least} {what} fall within {} of",
                    self.within(&count.within)
                );
                self.query(" ", &count.query, out);
            }
            Detect::Steps(steps) => {
                let order = if steps.ordered { "in this order" } else { "in any order" };
                let within = self.within(&steps.within);
                let _ = writeln!(
                    out,
                    "It matches when these happen {order}, for one {}, within {within}:",
                    paths(&steps.keys)
                );
                for step in &steps.steps {
                    let role = match step.role {
                        StepRole::Required => "",
                        StepRole::Optional => " (if it happens)",
                        StepRole::Without => " (must not happen in between)",
                    };
                    self.query(&format!("  {}{role}:", step.name.text), &step.query, out);
                }
            }
        }
    }

    fn query(&self, lead: &str, query: &Query, out: &mut String) {
        let kinds: Vec<&str> = query.kinds.iter().map(|k| k.text.as_str()).collect();
        let _ = writeln!(out, "{lead} {} events where", kinds.join(" or "));
        self.expr(&query.expr, 1, out);
    }

    /// How many.
    fn count(&self, amount: &Amount) -> String {
        match amount {
            Amount::Literal(n, _) => n.to_string(),
            Amount::Param(name) => self.param(&name.text),
        }
    }

    /// How long.
    fn within(&self, amount: &Amount) -> String {
        match amount {
            Amount::Literal(seconds, _) => duration::written(*seconds),
            Amount::Param(name) => self.param(&name.text),
        }
    }

    /// A parameter with its value.
    fn param(&self, name: &str) -> String {
        match self.loaded.project.lists.param(name) {
            Some(value) => format!("{} (parameter {name})", literal(value)),
            None => name.to_owned(),
        }
    }

    /// A condition as an indented list.
    fn expr(&self, expr: &Expr, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        match expr {
            Expr::Group(inner, _) => self.expr(inner, depth, out),
            Expr::And(all, _) | Expr::Or(all, _) => {
                let word =
                    if matches!(expr, Expr::And(..)) { "all of these are true:" } else { "any of these is true:" };
                let _ = writeln!(out, "{indent}{word}");
                for inner in all {
                    self.expr(inner, depth + 1, out);
                }
            }
            Expr::Not(inner, _) => {
                let _ = writeln!(out, "{indent}this is false:");
                self.expr(inner, depth + 1, out);
            }
            Expr::WhenAvailable(inner, _) => {
                let _ = writeln!(out, "{indent}(if the target has the fields)");
                self.expr(inner, depth, out);
            }
            Expr::Tool(tool) => {
                let _ = writeln!(out, "{indent}- {}", self.tool(tool));
            }
            Expr::Test(path, operator, _) => {
                let _ = writeln!(out, "{indent}- {} {}", path.dotted(), self.operator(operator));
            }
            Expr::Bare(path) => {
                let _ = writeln!(out, "{indent}- {}", path.dotted());
            }
        }
    }

    fn tool(&self, tool: &Tool) -> String {
        let project = &self.loaded.project;
        let name = &tool.utility.text;
        let title = match project.utilities.get(name) {
            Some(utility) => utility.title.clone(),
            None => {
                let members = project.groups.get(name).into_iter().flatten();
                let titles: Vec<&str> =
                    members.filter_map(|m| project.utilities.get(m)).map(|u| u.title.as_str()).collect();
                format!("any of {} ({})", name, titles.join(", "))
            }
        };
        let who =
            tool.subject.as_ref().map_or_else(|| "the process".to_owned(), |s| format!("the process's {}", s.dotted()));
        let mut text = match tool.verb {
            ToolVerb::Runs => format!("{who} is {title}, by file name or original name"),
            ToolVerb::Renamed => format!("{who} is {title} under another file name"),
            ToolVerb::Relocated => format!("{who} has a file name of {title}, outside of its usual folders"),
            ToolVerb::Resembles => format!("the command line of {who} has the form of {title}, under any program name"),
        };
        if let Some(to) = &tool.to {
            let _ = write!(text, ", with verb {}", pick(to));
        }
        if let Some(with) = &tool.with {
            let _ = write!(text, ", with switch {}", pick(with));
        }
        text
    }

    fn operator(&self, operator: &Operator) -> String {
        let exact = |cased: bool| if cased { " (case-sensitive)" } else { "" };
        match operator {
            Operator::Exists => "exists".to_owned(),
            Operator::Is { cased, value: v } => format!("is {}{}", value(v), exact(*cased)),
            Operator::In { cased, values } => format!("is one of {}{}", self.values(values), exact(*cased)),
            Operator::Cidr(values) => format!("is in {}", self.values(values)),
            Operator::Order(order, v) => format!("{} {}", order.sign(), value(v)),
            Operator::Text { op, cased, operand } => {
                let verb = match op {
                    TextOp::Contains => "contains",
                    TextOp::StartsWith => "starts with",
                    TextOp::EndsWith => "ends with",
                    TextOp::Like => "matches the pattern",
                    TextOp::Matches => "matches the regular expression",
                    TextOp::Under => "is in or below",
                };
                let what = match operand {
                    TextOperand::One(v) => value(v),
                    TextOperand::Many { all, values } => {
                        format!("{} {}", if *all { "each of" } else { "any of" }, self.values(values))
                    }
                };
                format!("{verb} {what}{}", exact(*cased))
            }
        }
    }

    fn values(&self, values: &Values) -> String {
        match values {
            Values::List(list) => self.list(list),
            Values::Path(path) => match self.loaded.project.lists.named(&path.dotted()) {
                Some(all) => format!("{} ({})", path.dotted(), all.iter().map(literal).collect::<Vec<_>>().join(", ")),
                None => path.dotted(),
            },
            Values::Encoded { wide, list, .. } => {
                format!("the Base64 of {}{}", self.list(list), if *wide { " in UTF-16" } else { "" })
            }
        }
    }

    fn list(&self, list: &List) -> String {
        let all: Vec<String> = list
            .values
            .iter()
            .map(|v| match v {
                Value::Path(path) if self.loaded.project.lists.named(&path.dotted()).is_some() => {
                    self.values(&Values::Path(path.clone()))
                }
                other => value(other),
            })
            .collect();
        all.join(", ")
    }
}

fn pick(pick: &Pick) -> String {
    let names: Vec<&str> = pick.names.iter().map(|n| n.text.as_str()).collect();
    match (names.as_slice(), pick.all) {
        ([one], _) => (*one).to_owned(),
        (many, true) => format!("all of {}", many.join(", ")),
        (many, false) => format!("any of {}", many.join(", ")),
    }
}

fn paths(paths: &[Path]) -> String {
    paths.iter().map(Path::dotted).collect::<Vec<_>>().join(" and ")
}

fn value(value: &Value) -> String {
    match value {
        Value::Path(path) => path.dotted(),
        Value::Literal(l) => literal(l),
    }
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("'{}'", text.value),
        Literal::Int(n, _) => n.to_string(),
        Literal::Size(n, _) => format!("{n} bytes"),
        Literal::Duration(seconds, _) => duration::written(*seconds),
        Literal::Date(date, _) => date.clone(),
        Literal::Bool(b, _) => b.to_string(),
    }
}
