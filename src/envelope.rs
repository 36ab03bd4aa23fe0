//! Stage 5: documents around printed queries. The one module that knows the template engine.
//!
//! Templates (`templates/`) see only what a printer made: any other value stops the rendering. A document in a format
//! that we can read is read again and compared with what went in.

use crate::backend::{Fragment, Printed};
use crate::sema::Rule;
use crate::target::{Language, Target};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Text that a printer made.
#[derive(Debug)]
struct PrintedText(String);

impl Object for PrintedText {
    fn repr(self: &Arc<Self>) -> minijinja::value::ObjectRepr {
        minijinja::value::ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.0.is_empty()
    }
}

static ENVIRONMENT: LazyLock<Result<Environment<'static>, String>> =
    LazyLock::new(|| environment().map_err(|e| e.to_string()));

fn environment() -> Result<Environment<'static>, Error> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    env.set_formatter(|out, _state, value| match value.downcast_object_ref::<PrintedText>() {
        Some(text) => out.write_str(&text.0).map_err(Error::from),
        None => Err(Error::new(ErrorKind::InvalidOperation, format!("no printer made `{value}`"))),
    });
    env.add_template("kql", include_str!("../templates/kql/query.kql"))?;
    env.add_template("spl", include_str!("../templates/spl/query.spl"))?;
    env.add_template("sigma", include_str!("../templates/sigma/rule.yml"))?;
    Ok(env)
}

fn value(fragment: &Fragment) -> Value {
    match fragment {
        Fragment::Text(text) => Value::from_object(PrintedText(text.clone())),
        Fragment::List(all) => Value::from(all.iter().map(value).collect::<Vec<_>>()),
        Fragment::Record(fields) => Value::from(fields.iter().map(|(k, v)| (*k, value(v))).collect::<BTreeMap<_, _>>()),
    }
}

/// The document of a rule on a target.
///
/// # Errors
/// A message for the developers of this program: a template that does not fit its data, or a document that does not
/// read as it was meant. No source can cause it.
pub fn document(rule: &Rule, target: &Target, printed: &Printed) -> Result<String, String> {
    let language = target.language;
    let comment: fn(&str) -> String = match language {
        Language::Kql => crate::backend::kql::comment,
        Language::Spl => crate::backend::spl::comment,
        Language::Sigma => crate::backend::one_line,
    };
    let text = |t: &str| Fragment::Text(comment(t));
    let lines = |all: Vec<String>| Fragment::List(all.iter().map(|l| text(l)).collect());
    let meta = &rule.meta;
    let mut data = printed.fragments.clone();
    data.push(("notes", lines(printed.notes.iter().map(|n| n.text.clone()).collect())));
    if language != Language::Sigma {
        data.push(("title", text(&meta.title)));
        data.push(("id", text(&meta.id)));
        let attack =
            if meta.attack.is_empty() { String::new() } else { format!(", ATT&CK: {}", meta.attack.join(", ")) };
        data.push(("level", text(&format!("{}{attack}", meta.level.word()))));
        let line = |key: &str, value: &Option<String>| value.as_ref().map(|v| format!("{key}: {v}"));
        let credits = [line("author", &meta.author), line("license", &meta.license)].into_iter().flatten();
        data.push((
            "credits",
            lines(credits.chain(meta.references.iter().map(|r| format!("reference: {r}"))).collect()),
        ));
        data.push((
            "description",
            lines(meta.description.lines().map(str::to_owned).filter(|l| !l.trim().is_empty()).collect()),
        ));
    }
    let env = ENVIRONMENT.as_ref().map_err(Clone::clone)?;
    let template = match language {
        Language::Kql => "kql",
        Language::Spl => "spl",
        Language::Sigma => "sigma",
    };
    let rendered = env
        .get_template(template)
        .and_then(|t| t.render(value(&Fragment::Record(data))))
        .map_err(|e| format!("{e:#}"))?;
    let rendered = format!("{}\n", rendered.trim_end());
    if language == Language::Sigma {
        read_again(rule, &rendered)?;
    }
    Ok(rendered)
}

/// A Sigma document must read as YAML and carry the rule's own id, title and level; base rules of a correlation have no
/// level.
fn read_again(rule: &Rule, text: &str) -> Result<(), String> {
    use serde::Deserialize as _;
    let several = rule.over_several_events().is_some();
    let mut main = false;
    for (i, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let document = serde_yaml::Value::deserialize(document)
            .map_err(|e| format!("the document of `{}` is not YAML: {e}", rule.name))?;
        let field = |key: &str| document.get(key).and_then(|v| v.as_str()).unwrap_or("").to_owned();
        let title = crate::backend::one_line(&rule.meta.title).to_lowercase();
        let alerts = !several || document.get("correlation").is_some();
        let same = field("title").to_lowercase().starts_with(&title)
            && field("level") == if alerts { rule.meta.level.word() } else { "" }
            && (i > 0 || several || field("id") == rule.meta.id);
        main |= alerts && field("id") == rule.meta.id;
        if !same {
            return Err(format!("the document of `{}` does not read as it was written", rule.name));
        }
    }
    if main { Ok(()) } else { Err(format!("no document of `{}` carries its id", rule.name)) }
}
