//! Exceptions apart from their rule, as Sigma's filters: who runs the rule chooses which of them to load.

use super::detection::{Detection, exception};
use super::selection::{Selection, slug};
use super::yaml::{quoted, scalar};
use super::{document, id_of, list, logsource, selection, text, title_case};
use crate::backend::{Fragment, one_line};
use crate::sema::Rule;
use crate::target::{Plan, SourceQuery, Unsupported};
use uuid::Uuid;

/// The documents of a rule without the exceptions that filters can say, and these filters.
pub fn apart(rule: &Rule, plan: &Plan) -> Result<(Vec<Fragment>, Vec<Fragment>), Vec<Unsupported>> {
    let (mut bare, mut filters) = (vec![], vec![]);
    for (i, query) in plan.queries.iter().enumerate() {
        let mut inside = SourceQuery { exceptions: vec![], ..query.clone() };
        for (index, bound) in &query.exceptions {
            match exception(rule, bound, plan.target) {
                Some(selection) => filters.push(filter(rule, query, i, *index, &selection)),
                None => inside.exceptions.push((*index, bound.clone())),
            }
        }
        let detection = Detection::of(rule, &inside, plan.target, &[])?;
        bare.push(document(rule, plan, &inside, i, &detection));
    }
    Ok((bare, filters))
}

fn filter(rule: &Rule, query: &SourceQuery, place: usize, index: usize, said: &Selection) -> Fragment {
    let (title, because, until) = rule
        .exceptions
        .get(index)
        .map_or(("", "", None), |e| (e.title.as_str(), e.because.as_str(), e.until.as_deref()));
    let namespace = Uuid::parse_str(&rule.meta.id).unwrap_or(Uuid::NAMESPACE_URL);
    let of = id_of(rule, query, place);
    let id = Uuid::new_v5(&namespace, format!("exception={title}&rule={of}").as_bytes());
    let until = until.map_or_else(String::new, |day| format!(" (until {day})"));
    let about = format!("Exception of the rule {}: {because}{until}", rule.meta.title);
    Fragment::record(vec![
        ("name", text(slug(title))),
        ("title", text(scalar(&title_case(&one_line(title))))),
        ("id", text(id.to_string())),
        ("description", text(scalar(&one_line(&about)))),
        ("logsource", Fragment::List(logsource(query))),
        ("rules", list([quoted(&of)])),
        ("selection", selection("selection", said)),
    ])
}
