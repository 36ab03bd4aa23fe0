//! What each printed query costs: how long it is, how many regular expressions it holds, and what its first filter lets
//! through. All of it is read off the printed text, as whoever gets the query would.

use super::compare::{Forms, rows};
use super::engines::{self, Batch, Question};
use super::events;
use super::report::{number, table};
use arcanary::compile::compile;
use arcanary::project::Loaded;
use arcanary::sema::Rule;
use arcanary::target::{Language, Target};
use std::fmt::Write as _;

/// A query of the pack.
pub struct Query {
    /// Its rule.
    pub rule: String,
    /// It reads several events.
    several: bool,
    /// Its document.
    pub text: String,
    /// Its first filter on each table; Sigma leaves filters to the platform.
    pub filters: Vec<Filter>,
}

/// The first filter behind a table's own.
pub struct Filter {
    /// Its sort.
    pub sort: Sort,
    /// The query up to it.
    text: String,
}

/// How a filter finds its rows, the dearest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// By whole values.
    Equal,
    /// By words.
    Words,
    /// By a part of a text, or by a number.
    Part,
    /// By a regular expression, or behind one.
    Regex,
    /// There is none.
    Nothing,
}

impl Sort {
    fn words(self) -> &'static str {
        match self {
            Sort::Equal => "equal",
            Sort::Words => "words",
            Sort::Part => "part of a text",
            Sort::Regex => "**regular expression**",
            Sort::Nothing => "none",
        }
    }
}

/// The queries of a pack on a target, in the order of its rules.
pub fn of(pack: &Loaded, target: &Target) -> Vec<Query> {
    let one = |rule: &Rule| {
        let text = compile(rule, &pack.project, target).ok()?.text;
        let filters = match target.language {
            Language::Kql => kql(&text, target),
            Language::Spl => spl(&text),
            Language::Sigma => vec![],
        };
        Some(Query { rule: rule.name.clone(), several: rule.over_several_events().is_some(), text, filters })
    };
    pack.rules().filter_map(one).collect()
}

impl Query {
    /// Its characters.
    pub fn characters(&self) -> usize {
        self.text.chars().count()
    }

    /// Its regular expressions; in Sigma, the keys that take some.
    pub fn expressions(&self, language: Language) -> usize {
        let count = |text: &str, all: &[&str]| all.iter().map(|word| text.matches(word).count()).sum();
        match language {
            Language::Kql => count(&blanked(&self.text), &["matches regex"]),
            Language::Spl => count(&blanked(&self.text), &["match(", "| regex ", "| rex "]),
            Language::Sigma => self.text.lines().filter(|line| re_field(line).is_some()).count(),
        }
    }
}

/// The field of a line of Sigma that a regular expression is asked of.
pub fn re_field(line: &str) -> Option<&str> {
    let (field, _) = line.trim_start().trim_start_matches("- ").split_once("|re")?;
    field.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(field)
}

/// A query without the content of its strings and comments, line by line.
fn blanked(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut rest = line.chars().peekable();
        let mut verbatim = false;
        while let Some(c) = rest.next() {
            match c {
                '/' if rest.peek() == Some(&'/') => break,
                '"' | '\'' => {
                    out.push(c);
                    while let Some(inner) = rest.next() {
                        if inner == '\\' && !verbatim || inner == c && verbatim && rest.peek() == Some(&c) {
                            rest.next();
                        } else if inner == c {
                            break;
                        }
                    }
                    out.push(c);
                }
                other => out.push(other),
            }
            verbatim = c == '@';
        }
        out.push('\n');
    }
    out
}

// ---- KQL ----

/// The first filter on each table of a query.
fn kql(text: &str, target: &Target) -> Vec<Filter> {
    let lines: Vec<&str> = text.lines().collect();
    let blank = blanked(text);
    let blank: Vec<&str> = blank.lines().map(str::trim).collect();
    let sources: Vec<_> = target.sources.values().flatten().collect();
    let begins = |line: &str| {
        let table = line.strip_prefix("let ").and_then(|l| l.split_once(" = ")).map_or(line, |(_, table)| table);
        sources.iter().find(|source| source.table.as_deref() == Some(table)).copied()
    };
    let first = blank.iter().position(|line| begins(line).is_some()).unwrap_or_else(|| panic!("no table in\n{text}"));
    let mut out = vec![];
    for (at, source) in blank.iter().enumerate().filter_map(|(at, line)| Some((at, begins(line)?))) {
        let mut pieces = steps(&blank, at + 1);
        // What tells sorts of events apart stands first everywhere, and says little of the rule.
        let own = |step: &str| {
            let mut columns = sources.iter().flat_map(|source| source.filter.keys());
            columns.any(|column| step.starts_with(&format!("where {column} ")))
                && !step.contains(" and ")
                && !step.contains(" or ")
        };
        pieces.retain(|(_, step)| !own(step));
        let wheres = pieces.iter().position(|(_, step)| step.starts_with("where "));
        let dear = pieces.iter().take(wheres.unwrap_or(0)).any(|(_, step)| step.contains("matches regex"));
        let (end, sort) = match wheres.and_then(|n| pieces.get(n)) {
            Some((end, step)) => (*end, if dear { Sort::Regex } else { kql_sort(step) }),
            None => (at + 1, Sort::Nothing),
        };
        let table = source.table.as_deref().unwrap_or_default();
        let constants = lines[..first].join("\n");
        let text = format!("{constants}\n{table}\n{}", lines[at + 1..end].join("\n"));
        out.push(Filter { sort, text: text.trim_end().trim_end_matches(';').to_owned() });
    }
    out
}

/// The steps of a pipe that begins at a line, up to one that does more than filter rows or add columns: the line behind each,
/// and its text.
fn steps(lines: &[&str], from: usize) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = vec![];
    for (at, line) in lines.iter().enumerate().skip(from) {
        match line.strip_prefix("| ") {
            Some(step) if step.starts_with("where ") || step.starts_with("extend") => {
                out.push((at + 1, step.to_owned()));
            }
            Some(_) => break,
            None if line.is_empty() => {}
            None => match out.last_mut() {
                Some((end, step)) => {
                    *end = at + 1;
                    step.push(' ');
                    step.push_str(line);
                }
                None => break,
            },
        }
        if line.ends_with(';') {
            break;
        }
    }
    out
}

/// The best of the conditions that must all hold.
fn kql_sort(step: &str) -> Sort {
    let mut all = vec![String::new()];
    let mut depth = 0;
    let step = step.trim_start_matches("where ");
    for (at, c) in step.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 && step[at..].starts_with(" and ") {
            all.push(String::new());
        }
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    all.iter().map(|condition| kql_condition(condition)).min().unwrap_or(Sort::Nothing)
}

/// The dearest test of a condition.
fn kql_condition(condition: &str) -> Sort {
    let any = |words: &[&str]| words.iter().any(|word| condition.contains(word));
    if any(&["matches regex"]) {
        Sort::Regex
    } else if any(&["not(", " contains ", " endswith ", " startswith ", "<", ">", "!=", "isnotempty(", "isempty("]) {
        Sort::Part
    } else if any(&[" has ", " has_any ", " has_all ", " hasprefix "]) {
        Sort::Words
    } else if any(&["=~", "in~", " == ", " in "]) {
        Sort::Equal
    } else {
        Sort::Part
    }
}

// ---- SPL ----

/// The base search, or the search of each data model.
fn spl(text: &str) -> Vec<Filter> {
    let lines: Vec<&str> = text.lines().filter(|l| !(l.starts_with("```") && l.ends_with("```"))).collect();
    let mut commands: Vec<String> = vec![];
    for line in &lines {
        match commands.last_mut() {
            Some(last) if !line.starts_with("| ") => {
                last.push('\n');
                last.push_str(line);
            }
            _ => commands.push((*line).to_owned()),
        }
    }
    let searches = commands.iter().enumerate().filter(|(n, c)| *n == 0 || c.starts_with("| tstats "));
    let filter = |(_, command): (usize, &String)| Filter { sort: spl_sort(command), text: command.clone() };
    searches.map(filter).collect()
}

/// How a search finds its events: a value that begins with a wildcard is no word of the index.
fn spl_sort(command: &str) -> Sort {
    let conditions = match command.split_once("\n    where ") {
        Some((_, conditions)) => conditions.split("\n    by ").next().unwrap_or_default(),
        None => command.split_once('\n').map_or(command, |(first, rest)| if rest.contains('"') { rest } else { first }),
    };
    let values: Vec<&str> = conditions.split('"').skip(1).step_by(2).collect();
    match (values.is_empty(), values.iter().any(|value| value.starts_with('*'))) {
        (true, _) => Sort::Nothing,
        (_, true) => Sort::Part,
        (_, false) => Sort::Equal,
    }
}

// ---- The page ----

/// The queries of each target as the page shows them.
pub fn page(pack: &Loaded, targets: &[&Target]) -> String {
    let mut all = events::of_tests(&pack.project);
    all.extend(events::labelled());
    all.extend(events::command_lines());
    let all = events::unique(all);
    let mut totals = vec![];
    let mut sections = String::new();
    for target in targets {
        let queries = of(pack, target);
        let rows = rows(target, &all, Forms::InTurn);
        let count = rows.len();
        let found = found(target, rows, &queries);
        let expressions = |q: &Query| q.expressions(target.language);
        let cells = |(query, (filters, whole)): (&Query, (Vec<usize>, Option<usize>))| {
            let join = |all: Vec<String>| if all.is_empty() { "–".to_owned() } else { all.join(", ") };
            [
                format!("`{}`", query.rule),
                number(query.characters()),
                number(expressions(query)),
                join(query.filters.iter().map(|f| f.sort.words().to_owned()).collect()),
                join(filters.into_iter().map(number).collect()),
                whole.map_or("–".to_owned(), number),
            ]
        };
        let heads =
            ["rule", "characters", "regular expressions", "first filter", "rows it lets through", "rows returned"];
        let lines: Vec<[String; 6]> = queries.iter().zip(found).map(cells).collect();
        let _ = write!(sections, "\n### {}\n\nOver {} rows.\n\n{}", target.name, number(count), table(heads, &lines));
        let sum = |of: &dyn Fn(&Query) -> usize| queries.iter().map(of).sum::<usize>();
        let longest = queries.iter().map(Query::characters).max().unwrap_or(0);
        let figures = [queries.len(), sum(&Query::characters), longest, sum(&expressions)];
        let [queries, characters, longest, expressions] = figures.map(number);
        totals.push([format!("`{}`", target.name), queries, characters, longest, expressions]);
    }
    let heads = ["target", "queries", "characters", "the longest", "regular expressions"];
    format!("{}{sections}", table(heads, &totals))
}

/// Of each query how many rows its first filters let through, and how many it returns.
fn found(target: &Target, rows: Vec<super::view::Logged>, queries: &[Query]) -> Vec<(Vec<usize>, Option<usize>)> {
    let question = |query: &Query, text: &str| Question {
        name: format!("{}: {text}", query.rule),
        document: text.to_owned(),
        flags: vec![],
    };
    // What the parts of a search over several data models return is no table of its own.
    let filters = |q: &Query| if q.text.contains("prestats=") { 0 } else { q.filters.len() };
    let mut questions = vec![];
    for query in queries {
        questions.extend(query.filters.iter().take(filters(query)).map(|filter| question(query, &filter.text)));
        questions.extend((!query.several).then(|| question(query, &query.text)));
    }
    let names: Vec<String> = questions.iter().map(|q| q.name.clone()).collect();
    let (_, answers) = engines::run(target, &[Batch { rows, questions, converted: false }]).swap_remove(0);
    let answers = answers.into_iter().flatten().zip(names);
    let mut counts = answers.map(|(answer, name)| match answer {
        Ok(returned) => returned.rows.len(),
        Err(why) => panic!("{} does not run: {why}\n{name}", target.name),
    });
    let mut next = || counts.next().expect("an answer for every question");
    queries.iter().map(|q| ((0..filters(q)).map(|_| next()).collect(), (!q.several).then(&mut next))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::project::root;
    use arcanary::target::Targets;

    /// What the queries of the pack may cost on a target: characters of a query on average, of the longest one, and regular
    /// expressions of ten queries.
    struct Limits {
        target: &'static str,
        characters: usize,
        longest: usize,
        expressions: usize,
    }

    /// Where a figure has to grow, a rule came, or a printer became worse: the change says which.
    const LIMITS: [Limits; 3] = [
        Limits { target: "sentinel", characters: 2_600, longest: 6_550, expressions: 57 },
        Limits { target: "splunk-sysmon", characters: 3_200, longest: 9_400, expressions: 70 },
        Limits { target: "sigma", characters: usize::MAX, longest: usize::MAX, expressions: 68 },
    ];

    /// Fields that regular expressions of command lines and scripts are asked of. Of others an author asked one himself, or
    /// how a name begins, which Sigma says of a path by a regular expression.
    const OF_TEXT: [&str; 3] = ["CommandLine", "ParentCommandLine", "ScriptBlockText"];
    const OF_AUTHORS: [(&str, &str); 5] = [
        ("archive_volumes_burst", "TargetFilename"),
        ("archive_with_double_extension", "TargetFilename"),
        ("busybox_packs", "Image"),
        ("python_packs_inline", "Image"),
        ("python_packs_secrets", "Image"),
    ];

    #[test]
    fn the_queries_of_the_pack_cost_no_more_than_they_may() {
        let (pack, targets) = (arcanary::project::load(&[], &root("rules")), Targets::built_in());
        let mut broken = vec![];
        for limits in LIMITS {
            let target = &targets.all[limits.target];
            let queries = of(&pack, target);
            assert!(queries.len() > 20, "{} queries of {}", queries.len(), limits.target);
            let mut keep = |what: &str, figure: usize, most: usize| {
                if figure > most {
                    broken.push(format!("{}: {what}: {figure}, and {most} is the limit", limits.target));
                }
            };
            let sum = |of: &dyn Fn(&Query) -> usize| queries.iter().map(of).sum::<usize>();
            keep("characters on average", sum(&Query::characters).div_ceil(queries.len()), limits.characters);
            let expressions = 10 * sum(&|q| q.expressions(target.language));
            keep("regular expressions of ten queries", expressions.div_ceil(queries.len()), limits.expressions);
            for query in &queries {
                keep(&query.rule, query.characters(), limits.longest);
                // `/Users/Shared/` is a folder; a name without a meaning ends in a number.
                let numbered = (1..10).map(|n| query.text.matches(&format!("Shared{n}")).count()).sum();
                keep(&format!("`Shared` in {}", query.rule), numbered, 0);
                let dear = query.filters.iter().filter(|f| f.sort == Sort::Regex).count();
                keep(&format!("regular expressions before a filter of {}", query.rule), dear, 0);
                let odd =
                    query.text.lines().filter_map(re_field).filter(|field| {
                        !OF_TEXT.contains(field) && !OF_AUTHORS.contains(&(query.rule.as_str(), *field))
                    });
                odd.for_each(|field| keep(&format!("`{field}|re` in {}", query.rule), 1, 0));
            }
        }
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }

    fn sorts(text: &str) -> Vec<Sort> {
        kql(text, &Targets::built_in().all["sentinel"]).iter().map(|f| f.sort).collect()
    }

    #[test]
    fn the_first_filter_of_a_table_is_the_one_behind_its_own() {
        let own = "DeviceProcessEvents\n| where ActionType == \"ProcessCreated\"\n";
        let names =
            "| where FileName in~ (\"a.exe\")\n    or ProcessVersionInfoOriginalFileName =~ \"matches regex\"\n";
        let regex = "| where ProcessCommandLine matches regex @'(?i)a'\n";
        assert_eq!(sorts(&format!("{own}{names}{regex}")), [Sort::Equal]);
        assert_eq!(sorts(&format!("{own}{regex}{names}")), [Sort::Regex]);
        assert_eq!(sorts(&format!("{own}| extend\n    A = X matches regex @'a'\n{names}")), [Sort::Regex]);
        assert_eq!(
            sorts(&format!("{own}| where FileName =~ \"a\" and (X has \"b\" or Y matches regex @'b')\n")),
            [Sort::Equal]
        );
        assert_eq!(sorts(&format!("{own}| where (FileName =~ \"a\" or Y matches regex @'b')\n")), [Sort::Regex]);
        assert_eq!(sorts(&format!("{own}| where X has_any (\"a\", \"b\")\n")), [Sort::Words]);
        assert_eq!(sorts(&format!("{own}| project X\n")), [Sort::Nothing]);
        let two = format!(
            "let End = @'x';\nlet A = {own}{names};\nlet B = DeviceFileEvents\n| where FileName endswith \"z\";\nA"
        );
        assert_eq!(sorts(&two), [Sort::Equal, Sort::Part]);
        let filters = kql(&two, &Targets::built_in().all["sentinel"]);
        assert_eq!(filters[1].text, "let End = @'x';\nDeviceFileEvents\n| where FileName endswith \"z\"");
    }

    #[test]
    fn a_regular_expression_in_a_string_or_a_comment_is_none() {
        let query = |text: &str| Query { rule: String::new(), several: false, text: text.to_owned(), filters: vec![] };
        let kql =
            "// matches regex\nT | where A matches regex @'it''s matches regex \\' or B =~ \"\\\" matches regex\"\n";
        assert_eq!(query(kql).expressions(Language::Kql), 1);
        let spl = "a | where match(A, \"match(\\\"match(\") OR match(B, \"x\")\n";
        assert_eq!(query(spl).expressions(Language::Spl), 2);
        assert_eq!(query("x:\n  - Image|re: 'a|re'\n  A|re|i: b\n  C: '|re'\n").expressions(Language::Sigma), 2);
    }

    #[test]
    fn a_value_that_begins_with_a_wildcard_is_no_word_of_the_index() {
        let sorts = |text: &str| spl(text).iter().map(|f| f.sort).collect::<Vec<_>>();
        assert_eq!(
            sorts("```Title```\n`m` EventCode=1\n    Image IN (\"*\\\\a.exe\", \"b\")\n| table a"),
            [Sort::Part]
        );
        assert_eq!(sorts("`m` EventCode=1 Name=\"a\"\n| where x=\"*\""), [Sort::Equal]);
        assert_eq!(sorts("`m` EventCode=3\n| where x=\"*\""), [Sort::Nothing]);
        let model =
            "| tstats count\n    from datamodel=E.P\n    where P.name IN (\"a\")\n    by _time \"*\"\n| table a";
        assert_eq!(sorts(model), [Sort::Equal]);
    }
}
