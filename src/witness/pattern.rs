//! What a text is asked, as expressions: the whole one, and one for each of its alternatives.

use super::atom::Atoms;
use super::machine::Machine;
use super::variants;
use crate::ir::pattern::{Glob, Part};
use crate::ir::regex::{alternatives, escape};
use crate::ir::{self, Matcher};
use crate::vocabulary::Type;
use std::cell::OnceCell;
use std::rc::Rc;

/// Lists longer than this are looked through, not walked.
const LONGEST_LIST: usize = 300;

/// A text that some expression is found in.
#[derive(Debug)]
pub struct Pattern {
    /// The whole expression; `None` where a list is too long to be walked.
    whole: Option<String>,
    machine: OnceCell<Option<Rc<Machine>>>,
    /// The list, where there is no expression.
    list: Option<(Matcher, bool)>,
    /// Characters of the list.
    length: usize,
    /// Its alternatives.
    pub forms: Vec<Form>,
    /// There are more alternatives than `forms` has.
    pub cut: bool,
}

/// One alternative of a pattern.
#[derive(Clone, Debug)]
pub struct Form {
    /// An expression that implies the whole one.
    pub pattern: String,
    /// The text in the source that stands for it, if there is one.
    pub value: Option<String>,
    /// Texts that are likely to match.
    pub typical: Vec<String>,
    /// Words that its matches hold, with the author's capitals.
    pub spelling: Vec<String>,
}

fn flags(cased: bool) -> &'static str {
    if cased { "(?s)" } else { "(?is)" }
}

/// A value as an expression; of a path, its separators are alike.
fn escaped(value: &str, ty: Type) -> String {
    if ty != Type::Path {
        return escape(value);
    }
    value.split(['\\', '/']).map(escape).collect::<Vec<_>>().join(r"[\\/]")
}

/// The expression of what equals a text.
#[must_use]
pub fn equal(value: &str, cased: bool, ty: Type) -> String {
    format!("{}^{}$", flags(cased), escaped(value, ty))
}

impl Pattern {
    /// What a test of text asks of a field of this type.
    #[must_use]
    pub fn new(text: &ir::Text, ty: Type) -> Pattern {
        let flags = flags(text.cased);
        let list = |values: &[String], before: &str, after: &str, typical: &dyn Fn(&str) -> Vec<String>, ty: Type| {
            let form = |v: &String| Form {
                pattern: format!("{flags}{before}{}{after}", escaped(v, ty)),
                value: Some(v.clone()),
                typical: typical(v),
                spelling: vec![v.clone()],
            };
            let whole = (values.len() <= LONGEST_LIST).then(|| {
                let all: Vec<String> = values.iter().map(|v| escaped(v, ty)).collect();
                format!("{flags}{before}{}{after}", alternatives(&all))
            });
            (whole, values.iter().take(variants::MOST).map(form).collect(), values.len() > variants::MOST)
        };
        let same = |v: &str| vec![v.to_owned()];
        let (whole, forms, cut) = match &text.matcher {
            Matcher::Exact(values) => list(values, "^", "$", &same, ty),
            Matcher::Contains(values) => list(values, "", "", &same, Type::String),
            Matcher::StartsWith(values) => {
                list(values, "^", "", &|v| vec![format!("{v}x"), v.to_owned()], Type::String)
            }
            Matcher::EndsWith(values) => list(values, "", "$", &|v| vec![format!("x{v}"), v.to_owned()], Type::String),
            Matcher::Like(globs) => {
                let one = |g: &Glob| format!("{flags}^{}$", g.to_regex(".*", "."));
                let words = |g: &Glob| {
                    let literals = g.parts.iter().filter_map(|p| if let Part::Literal(t) = p { Some(t) } else { None });
                    literals.cloned().collect()
                };
                let form = |g: &Glob| Form {
                    pattern: one(g),
                    value: None,
                    typical: vec![like(g, "x"), like(g, "")],
                    spelling: words(g),
                };
                let whole =
                    (globs.len() <= LONGEST_LIST).then(|| alternatives(&globs.iter().map(one).collect::<Vec<_>>()));
                (whole, globs.iter().take(variants::MOST).map(form).collect(), globs.len() > variants::MOST)
            }
            Matcher::Regex(regex) => {
                let flags = if regex.cased { "" } else { "(?i)" };
                let forms = variants::of(&regex.pattern).into_iter().map(|p| Form {
                    pattern: format!("{flags}{p}"),
                    value: None,
                    typical: vec![],
                    spelling: variants::literals(&p),
                });
                let forms: Vec<Form> = forms.collect();
                let cut = forms.len() >= variants::MOST;
                (Some(regex.full()), forms, cut)
            }
        };
        let list = whole.is_none().then(|| (text.matcher.clone(), text.cased));
        let length = list.as_ref().map_or(0, |(matcher, _)| match matcher {
            Matcher::Exact(all) | Matcher::Contains(all) | Matcher::StartsWith(all) | Matcher::EndsWith(all) => {
                all.iter().map(String::len).sum()
            }
            Matcher::Like(_) | Matcher::Regex(_) => 0,
        });
        Pattern { whole, machine: OnceCell::new(), list, length, forms, cut }
    }

    /// The machine of the whole expression.
    pub fn machine(&self, atoms: &Atoms) -> Option<Rc<Machine>> {
        self.machine.get_or_init(|| self.whole.as_ref().and_then(|w| atoms.machine(w))).clone()
    }

    /// Whether a text matches.
    #[must_use]
    pub fn is_in(&self, text: &str, atoms: &Atoms) -> bool {
        if let Some(machine) = self.machine(atoms) {
            return machine.is_in(text);
        }
        let Some((matcher, cased)) = &self.list else { return false };
        if atoms.budget.is_spent() {
            return false;
        }
        atoms.budget.charge(self.length.saturating_add(text.len()));
        let fold = |t: &str| if *cased { t.to_owned() } else { t.to_lowercase() };
        let text = fold(text);
        match matcher {
            Matcher::Exact(all) => all.iter().any(|v| fold(v).replace('/', "\\") == text.replace('/', "\\")),
            Matcher::Contains(all) => all.iter().any(|v| text.contains(&fold(v))),
            Matcher::StartsWith(all) => all.iter().any(|v| text.starts_with(&fold(v))),
            Matcher::EndsWith(all) => all.iter().any(|v| text.ends_with(&fold(v))),
            Matcher::Like(_) | Matcher::Regex(_) => {
                self.forms.iter().any(|f| atoms.machine(&f.pattern).is_some_and(|m| m.is_in(&text)))
            }
        }
    }
}

/// A text of this form.
fn like(glob: &Glob, any: &str) -> String {
    let parts = glob.parts.iter().map(|p| match p {
        Part::Literal(text) => text.as_str(),
        Part::Any => any,
        Part::One => "x",
    });
    parts.collect()
}
