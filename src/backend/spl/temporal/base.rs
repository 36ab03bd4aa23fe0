//! The base search: as much of the steps' conditions as it can ask, or the rows of one data model or of several.

use super::make::{field, stat, text};
use super::rows::Rows;
use crate::backend::spl::ast::{Base, Eval, Model, Query, Search, Stat, Step};
use crate::backend::spl::lower::{dataset, filled, filter_search, split, unique};
use crate::backend::spl::search::{Names as Fields, joined};
use crate::target::temporal::StepSource;

impl Rows<'_> {
    /// What the base search asks of the events of some log sources; nothing where one is asked nothing.
    fn asked_first(&self, of: &[&StepSource], prefix: &str, shared: bool) -> Option<Search> {
        let mut ways = vec![];
        for source in of {
            let own = source.source.macro_name.iter().filter(|_| !shared);
            let mut parts: Vec<Search> = own.map(|m| Search::Macro(m.clone())).collect();
            parts.extend(filter_search(source.source));
            parts.extend(split(&Fields { prefix }, &source.detect).0);
            let narrowed = self.narrowed.iter().find(|(narrow, _)| std::ptr::eq(*narrow, *source));
            parts.extend(narrowed.map(|(_, values)| values.clone()));
            ways.push(joined(parts, true)?);
        }
        joined(ways, false)
    }

    /// A search for the events of some log sources, to stand alone.
    pub fn search_of(&self, of: &[&StepSource]) -> Option<Search> {
        self.asked_first(of, "", false)
    }

    /// The base search, now that it is known what is read behind it.
    fn base(&self) -> Base {
        let all: Vec<&StepSource> = self.branches().into_iter().map(|(_, s)| s).collect();
        let models = unique(all.iter().filter_map(|s| s.source.datamodel.clone()).collect());
        if models.is_empty() {
            let mut macros: Vec<Option<String>> = all.iter().map(|s| s.source.macro_name.clone()).collect();
            macros.dedup();
            let shared = if let [Some(name)] = macros.as_slice() { Some(name.clone()) } else { None };
            let ways = self.asked_first(&all, "", shared.is_some());
            let parts = shared.map(Search::Macro).into_iter().chain(ways).collect();
            return Base::Search(joined(parts, true).unwrap_or(Search::And(vec![])));
        }
        let filler = self.target.filler.first().cloned().unwrap_or_else(|| "unknown".to_owned());
        let model = |datamodel: String| {
            let own: Vec<&StepSource> =
                all.iter().copied().filter(|s| s.source.datamodel.as_ref() == Some(&datamodel)).collect();
            let filter = self.asked_first(&own, dataset(&datamodel), true);
            let by = self.logged().into_iter().filter(|f| models.len() == 1 || self.has(&own, f)).collect();
            Model { datamodel, filter, by }
        };
        let mut made: Vec<Model> = models.iter().cloned().map(model).collect();
        match (made.pop(), made.is_empty()) {
            (Some(Model { datamodel, filter, by }), true) => {
                Base::Tstats { datamodel, filler, filter, times: self.seconds.clone(), by }
            }
            (last, _) => {
                made.extend(last);
                Base::Models { filler, models: made }
            }
        }
    }

    /// Whether some of these log sources have a column.
    fn has(&self, of: &[&StepSource], column: &str) -> bool {
        let mapped = |kind| crate::vocabulary::fields::all().filter_map(move |f| self.target.mapping(f, kind));
        let part = |kind| {
            let identities = crate::vocabulary::fields::all().filter_map(move |f| self.target.identity(f, kind));
            identities.flatten().any(|p| p.column == column)
        };
        of.iter().any(|s| mapped(s.kind).any(|m| m.column() == column) || part(s.kind))
    }

    /// The fields of the log that are read.
    fn logged(&self) -> Vec<String> {
        let own = |f: &String| f != "_time" && Some(f) != self.dataset.as_ref();
        unique(self.lower.parts.columns(&self.read).filter(own).collect())
    }

    /// Columns that all log sources filter by: each row has a value there.
    fn filtered(&self) -> Vec<String> {
        let all: Vec<_> = self.branches().into_iter().map(|(_, s)| &s.source.filter).collect();
        let first = all.first().into_iter().flat_map(|f| f.keys());
        first.filter(|column| all.iter().all(|f| f.contains_key(*column))).cloned().collect()
    }

    /// Brings the rows of several data models together, as rows of one.
    fn as_one_model(&self, models: &[Model]) -> Vec<Step> {
        let Some((dataset_field, (first, last))) = self.dataset.as_ref().zip(self.seconds.as_ref()) else {
            return vec![];
        };
        let column = |model: &Model, name: &str| field(&format!("{}.{name}", dataset(&model.datamodel)));
        let mut arms = vec![];
        for model in models {
            // What tstats fills is there in each row of the model, and in no other.
            let Some(one) = model.by.first() else { continue };
            arms.push(Eval::Call("isnotnull", vec![column(model, one)]));
            arms.push(text(dataset(&model.datamodel)));
        }
        let mut made = vec![(dataset_field.clone(), Eval::Call("case", arms))];
        for name in self.logged() {
            let mut of: Vec<Eval> = models.iter().filter(|m| m.by.contains(&name)).map(|m| column(m, &name)).collect();
            let value = if of.len() == 1 { of.pop() } else { Some(Eval::Call("coalesce", of)) };
            made.extend(value.map(|v| (name.clone(), v)));
        }
        let stats = vec![
            Stat { function: "count", over: None, name: "count".to_owned() },
            stat("min", "_time", first),
            stat("max", "_time", last),
        ];
        let by = ["_time".to_owned(), dataset_field.clone()].into_iter().chain(self.logged()).collect();
        vec![Step::Eval(made), Step::FillNull(self.logged()), Step::Stats(stats, by)]
    }

    /// The whole query.
    pub fn finish(&mut self) -> Query {
        self.share();
        let base = self.base();
        let mut steps = vec![];
        match &base {
            Base::Models { models, .. } => steps.extend(self.as_one_model(models)),
            Base::Tstats { datamodel, .. } => steps.push(Step::Unprefix(dataset(datamodel).to_owned())),
            Base::Search(_) => {}
        }
        let known: Vec<String> = if self.dataset.is_some() { self.logged() } else { self.filtered() };
        let read: Vec<String> = self.read.iter().filter(|f| Some(*f) != self.dataset.as_ref()).cloned().collect();
        steps.extend(filled(self.lower.parts, &read, &known));
        if self.dataset.is_some() {
            self.degraded(
                "Rows of several data models come together by tstats with prestats and append; Splunk does not document \
                 which commands may stand before the stats that ends this.",
            );
        }
        for command in self.commands.drain(..) {
            match (steps.last_mut(), command) {
                // One eval computes from left to right, like several.
                (Some(Step::Eval(before)), Step::Eval(more)) => before.extend(more),
                (_, command) => steps.push(command),
            }
        }
        let macros = self.branches().iter().filter_map(|(_, s)| s.source.macro_name.clone()).collect();
        Query { base, steps, macros: unique(macros) }
    }
}
