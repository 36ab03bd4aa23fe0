//! The one file that knows the template engine.
//!
//! Templates (`templates/`) see only what a printer made: any other value stops the rendering.

use crate::backend::Fragment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The templates, by the names under which documents are rendered.
const TEMPLATES: [(&str, &str); 18] = [
    ("kql", include_str!("../../templates/kql/query.kql")),
    ("kql-body", include_str!("../../templates/kql/body.kql")),
    ("spl", include_str!("../../templates/spl/query.spl")),
    ("sigma", include_str!("../../templates/sigma/rule.yml")),
    ("sigma-filter", include_str!("../../templates/sigma/filter.yml")),
    ("sigma-regression", include_str!("../../templates/sigma/regression.yml")),
    ("sentinel-rule", include_str!("../../templates/sentinel/rule.yaml")),
    ("sentinel-hunting", include_str!("../../templates/sentinel/hunting.yaml")),
    ("sentinel-arm", include_str!("../../templates/sentinel/arm.json")),
    ("sentinel-arm-hunting", include_str!("../../templates/sentinel/arm-hunting.json")),
    ("defender-rule", include_str!("../../templates/defender/rule.json")),
    ("splunk-conf", include_str!("../../templates/splunk/conf.conf")),
    ("splunk-readme", include_str!("../../templates/splunk/README.md")),
    ("splunk-detection", include_str!("../../templates/splunk/detection.yml")),
    ("splunk-data-source", include_str!("../../templates/splunk/data-source.yml")),
    ("splunk-macro", include_str!("../../templates/splunk/macro.yml")),
    ("splunk-story", include_str!("../../templates/splunk/story.yml")),
    ("navigator", include_str!("../../templates/navigator/layer.json")),
];

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
    for (name, text) in TEMPLATES {
        env.add_template(name, text)?;
    }
    Ok(env)
}

fn value(fragment: Fragment) -> Value {
    match fragment {
        Fragment::Text(text) => Value::from_object(PrintedText(text)),
        Fragment::List(all) => Value::from(all.into_iter().map(value).collect::<Vec<_>>()),
        Fragment::Record(fields) => {
            Value::from(fields.into_iter().map(|(k, v)| (k, value(v))).collect::<BTreeMap<_, _>>())
        }
    }
}

/// A template with these fragments in it, ending with one line break.
///
/// # Errors
/// A message for the developers of this program: a template that does not fit its data.
pub fn render(template: &str, data: Vec<(String, Fragment)>) -> Result<String, String> {
    let env = ENVIRONMENT.as_ref().map_err(Clone::clone)?;
    let data: BTreeMap<String, Value> = data.into_iter().map(|(k, v)| (k, value(v))).collect();
    let rendered = env.get_template(template).and_then(|t| t.render(data)).map_err(|e| format!("{e:#}"))?;
    Ok(format!("{}\n", rendered.trim_end()))
}
