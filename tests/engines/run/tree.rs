//! A made rule: its conditions are trees, so that one that goes wrong can be cut down, and it prints as an author writes.

use arcanary::vocabulary::Kind;
use std::fmt::Write as _;

/// A condition.
#[derive(Clone, Debug)]
pub enum Cond {
    /// As it is written.
    Leaf(String),
    Not(Box<Cond>),
    And(Vec<Cond>),
    Or(Vec<Cond>),
}

impl Cond {
    fn print(&self, outer: bool) -> String {
        let join = |all: &[Cond], word: &str| {
            let text = all.iter().map(|c| c.print(false)).collect::<Vec<_>>().join(word);
            if outer { text } else { format!("({text})") }
        };
        match self {
            Cond::Leaf(text) => text.clone(),
            Cond::Not(inner) => format!("not {}", inner.print(false)),
            Cond::And(all) => join(all, " and "),
            Cond::Or(all) => join(all, " or "),
        }
    }

    /// What is left when one part goes, larger cuts first.
    fn smaller(&self) -> Vec<Cond> {
        let of = |all: &[Cond], make: fn(Vec<Cond>) -> Cond| {
            let mut out: Vec<Cond> = all.to_vec();
            for i in 0..all.len() {
                if all.len() > 2 {
                    let mut fewer = all.to_vec();
                    fewer.remove(i);
                    out.push(make(fewer));
                }
                for less in all[i].smaller() {
                    let mut changed = all.to_vec();
                    changed[i] = less;
                    out.push(make(changed));
                }
            }
            out
        };
        match self {
            Cond::Leaf(_) => vec![],
            Cond::Not(inner) => {
                let less = inner.smaller().into_iter().map(|c| Cond::Not(Box::new(c)));
                [(**inner).clone()].into_iter().chain(less).collect()
            }
            Cond::And(all) => of(all, Cond::And),
            Cond::Or(all) => of(all, Cond::Or),
        }
    }
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its name.
    pub name: String,
    pub number: u64,
    pub kinds: &'static [Kind],
    pub os: &'static str,
    pub detect: Cond,
    pub flags: Vec<Cond>,
    pub except: Option<Cond>,
    /// A weight for each flag, and the threshold.
    pub score: Option<(Vec<u64>, u64)>,
}

impl Made {
    /// The rule as text.
    pub fn text(&self) -> String {
        let mut out = format!(
            "rule {} {{\n  title \"Random {}\" id 00000000-0000-4000-8000-{:012x} level low os [{}]\n  detect {} where {}\n",
            self.name,
            self.name,
            self.number,
            self.os,
            self.kinds.iter().map(|k| k.word()).collect::<Vec<_>>().join(" or "),
            self.detect.print(true)
        );
        for (i, flag) in self.flags.iter().enumerate() {
            let weight = match &self.score {
                Some((weights, _)) => format!(" weight {}", weights[i]),
                None => String::new(),
            };
            let _ = writeln!(out, "  flag Flag{i}{weight} = {}", flag.print(true));
        }
        if let Some((_, threshold)) = &self.score {
            let _ = writeln!(out, "  threshold {threshold}");
        }
        if let Some(except) = &self.except {
            let _ = writeln!(out, "  except \"Some reason\" because \"a ticket\" where {}", except.print(true));
        }
        out + "}\n"
    }

    /// Smaller rules.
    pub fn smaller(&self) -> Vec<Made> {
        let mut out = vec![];
        if self.except.is_some() {
            out.push(Made { except: None, ..self.clone() });
        }
        if self.score.is_some() {
            out.push(Made { score: None, ..self.clone() });
        }
        for i in 0..self.flags.len() {
            let mut less = self.clone();
            less.flags.remove(i);
            if let Some((weights, _)) = &mut less.score {
                weights.remove(i);
            }
            out.push(less);
        }
        out.extend(self.detect.smaller().into_iter().map(|detect| Made { detect, ..self.clone() }));
        for (i, flag) in self.flags.iter().enumerate() {
            for less in flag.smaller() {
                let mut flags = self.flags.clone();
                flags[i] = less;
                out.push(Made { flags, ..self.clone() });
            }
        }
        if let Some(except) = &self.except {
            out.extend(except.smaller().into_iter().map(|c| Made { except: Some(c), ..self.clone() }));
        }
        out
    }
}
