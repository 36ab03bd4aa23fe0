//! What stands behind a query that runs on a schedule and raises alerts.

use super::ast::{Eval, Step};
use super::print;

/// The columns with the times of a match's first and last event, as Splunk's own content calls them.
pub const TIMES: [&str; 2] = ["firstTime", "lastTime"];
/// The macro of Splunk's own content that writes out a time.
pub const CTIME: &str = "security_content_ctime";
/// The columns that `addinfo` adds.
const INFO: [&str; 4] = ["info_min_time", "info_max_time", "info_search_time", "info_sid"];

/// What is done to the rows of a query before they are alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Columns under the names that other searches know them by: name and column. What stands for a missing value is taken
    /// out of them.
    pub names: Vec<(String, String)>,
    /// What stands for a missing value.
    pub filler: Vec<String>,
    /// Rows of the newest seconds of the stretch that the search looks at: older ones are those of earlier runs.
    pub newest: Option<u64>,
    /// For Splunk's own content: the rows get the times of a match's first and last event, which its macro writes out. These
    /// columns have the times of the events; none: the rows have both times already.
    pub times: Option<Vec<String>>,
    /// The macro that ends the search.
    pub filter: String,
}

/// The query with its frame.
#[must_use]
pub fn framed(query: &str, frame: &Frame) -> String {
    let mut steps = vec![];
    if let Some(seconds) = frame.newest {
        let field = |name: &str| Box::new(Eval::Field(name.to_owned()));
        let begins = Eval::Binary(" - ", field("info_max_time"), Box::new(Eval::Number(seconds.cast_signed())));
        steps.push(Step::Addinfo);
        steps.push(Step::Where(Eval::Binary(">=", field("_time"), Box::new(begins))));
        steps.push(Step::Drop(INFO.map(str::to_owned).to_vec()));
    }
    if !frame.names.is_empty() {
        let named = frame.names.iter().map(|(name, column)| (name.clone(), present(column, &frame.filler)));
        steps.push(Step::Eval(named.collect()));
    }
    if let Some(columns) = &frame.times {
        if !columns.is_empty() {
            steps.push(Step::Eval(vec![
                (TIMES[0].to_owned(), extreme("min", columns)),
                (TIMES[1].to_owned(), extreme("max", columns)),
            ]));
        }
        steps.extend(TIMES.map(|name| Step::Macro(format!("{CTIME}({name})"))));
    }
    steps.push(Step::Macro(frame.filter.clone()));
    let mut out = query.trim_end().to_owned();
    for step in &steps {
        out.push('\n');
        print::step(&mut out, step);
    }
    out
}

/// The least or greatest of these columns. The time of an optional step may be missing; that of the row is there always.
fn extreme(function: &'static str, columns: &[String]) -> Eval {
    let row = || Eval::Field("_time".to_owned());
    let field = |name: &String| match name.as_str() {
        "_time" => row(),
        _ => Eval::Call("coalesce", vec![Eval::Field(name.clone()), row()]),
    };
    match columns {
        [only] => field(only),
        several => Eval::Call(function, several.iter().map(field).collect()),
    }
}

/// A column where it has a value, and nothing where it has none: no risk is that of everybody without a name.
fn present(column: &str, filler: &[String]) -> Eval {
    let field = Eval::Field(column.to_owned());
    let nothing = std::iter::once(String::new()).chain(filler.iter().cloned()).map(Eval::Text);
    let missing = Eval::Call("in", std::iter::once(field.clone()).chain(nothing).collect());
    Eval::Call("if", vec![missing, Eval::Call("null", vec![]), field])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_macro_ends_the_search() {
        let frame = Frame { filter: "r_filter".into(), ..Frame::default() };
        assert_eq!(framed("`m` a=1\n| table b\n", &frame), "`m` a=1\n| table b\n| `r_filter`");
    }

    #[test]
    fn content_writes_out_the_times_of_a_matchs_first_and_last_event() {
        let of = |times: &[&str]| {
            let times = Some(times.iter().map(|t| (*t).to_owned()).collect());
            framed("a", &Frame { times, filter: "f".into(), ..Frame::default() })
        };
        let written = "| `security_content_ctime(firstTime)`\n| `security_content_ctime(lastTime)`\n| `f`";
        assert_eq!(of(&[]), format!("a\n{written}"));
        assert_eq!(of(&["_time"]), format!("a\n| eval firstTime=_time,\n    lastTime=_time\n{written}"));
        let two =
            "| eval firstTime=min(coalesce(a_time, _time), _time),\n    lastTime=max(coalesce(a_time, _time), _time)";
        assert_eq!(of(&["a_time", "_time"]), format!("a\n{two}\n{written}"));
    }

    #[test]
    fn rows_of_earlier_runs_and_fillers_go() {
        let names = vec![("dest".to_owned(), "Computer".to_owned())];
        let frame = Frame { names, filler: vec!["-".into()], newest: Some(900), times: None, filter: "f".into() };
        let wanted = "a\n| addinfo\n| where _time>=info_max_time - 900\n\
                      | fields - info_min_time, info_max_time, info_search_time, info_sid\n\
                      | eval dest=if(in(Computer, \"\", \"-\"), null(), Computer)\n| `f`";
        assert_eq!(framed("a", &frame), wanted);
    }
}
