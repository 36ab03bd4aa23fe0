//! What search, eval, where and the row commands answer.

use crate::spl::{Kind, Macros, Row, SplError, read};
use serde_json::{Value as Json, json};

pub(super) fn rows(rows: Json) -> Vec<Row> {
    let list = rows.as_array().cloned().unwrap_or_default();
    list.into_iter().filter_map(|row| row.as_object().cloned()).collect()
}

pub(super) fn run(query: &str, given: Json) -> Result<Json, SplError> {
    let found = read(query)?.run(&rows(given), &Macros::default())?;
    Ok(Json::Array(found.into_iter().map(Json::Object).collect()))
}

pub(super) fn answer(query: &str, given: Json) -> Json {
    match run(query, given) {
        Ok(found) => found,
        Err(error) => panic!("{error}\n{query}"),
    }
}

pub(super) fn undocumented(query: &str, given: Json) {
    assert_eq!(run(query, given).map_err(|error| error.kind), Err(Kind::Undocumented), "{query}");
}

/// Whether a search keeps the row.
fn kept(search: &str, row: Json) -> bool {
    answer(search, json!([row])) != json!([])
}

/// Whether `where` keeps the row.
fn holds(condition: &str, row: Json) -> bool {
    kept(&format!("* | where {condition}"), row)
}

/// The value of an expression.
fn value(expression: &str, row: Json) -> Json {
    let found = answer(&format!("* | eval result={expression} | table result"), json!([row]));
    found.pointer("/0/result").cloned().unwrap_or(Json::Null)
}

#[test]
fn search_ignores_case_and_takes_stars() {
    let row = json!({"Image": r"C:\Tools\RAR.exe"});
    assert!(kept(r#"Image="*\\rar.EXE""#, row.clone()));
    assert!(kept(r#"Image="c:\\tools\\*""#, row.clone()));
    assert!(kept(r#"Image=c:\\*\\rar.exe"#, row.clone()));
    assert!(!kept(r#"Image="rar.exe""#, row.clone()));
    assert!(!kept(r#"Image="*\\rar""#, row));
}

#[test]
fn a_star_in_a_quoted_value_is_a_wildcard_and_cannot_be_escaped() {
    assert!(kept("a=\"x*y\"", json!({"a": "x--y"})));
    assert!(kept(r#"a="x\\*y""#, json!({"a": r"x\--y"})));
    assert!(!kept(r#"a="x\\*y""#, json!({"a": "x*y"})));
}

#[test]
fn a_value_may_end_in_a_backslash_or_hold_quotes() {
    assert!(kept(r#"a="C:\\x\\" b=1"#, json!({"a": r"C:\x\", "b": 1})));
    assert!(kept(r#"a="say \"hi\"""#, json!({"a": "say \"hi\""})));
    assert!(kept(r#"a="x|y""#, json!({"a": "x|y"})) && kept(r#"a="x\|y""#, json!({"a": "x|y"})));
}

#[test]
fn not_keeps_rows_without_the_field_and_unequal_drops_them() {
    assert!(kept("NOT a=1", json!({"b": 1})));
    assert!(!kept("a!=1", json!({"b": 1})));
    assert!(kept("a!=1", json!({"a": 2})));
    assert!(!kept("a!=*", json!({"a": 2})) && kept("NOT a=*", json!({"b": 1})) && !kept("NOT a=*", json!({"a": 1})));
    assert!(!kept("a=\"\"", json!({"b": 1})) && kept("a=\"\"", json!({"a": ""})));
    assert!(!kept("a=*", json!({"a": null})));
}

#[test]
fn search_takes_or_in_parentheses_and_lists() {
    assert!(kept("a=1 (b=2 OR b=3)", json!({"a": 1, "b": 3})));
    assert!(kept("a IN (x, \"y*\")", json!({"a": "YES"})) && !kept("a IN (x, y)", json!({"a": "yes"})));
    assert!(kept("NOT a IN (x, y)", json!({})));
    assert!(kept("NOT (a=1 b=2)", json!({"a": 1})));
}

#[test]
fn equality_in_a_search_compares_text_and_order_compares_numbers() {
    assert!(!kept("a=1", json!({"a": "1.0"})));
    assert!(kept("a=1", json!({"a": 1})) && kept("a=\"1\"", json!({"a": 1})));
    assert!(kept("a>9", json!({"a": "10"})) && !kept("a>9", json!({"a": "5"})) && kept("a<=10", json!({"a": 10.0})));
    assert!(kept("a>abc", json!({"a": "abd"})) && !kept("a>1", json!({"b": 1})));
}

#[test]
fn a_network_in_a_search_holds_for_addresses_inside() {
    assert!(kept("ip=10.0.0.0/8", json!({"ip": "10.200.3.4"})));
    assert!(!kept("ip=\"10.0.0.0/8\"", json!({"ip": "11.0.0.1"})));
    assert!(kept("ip!=10.0.0.0/8", json!({"ip": "11.0.0.1"})));
    assert!(kept("ip=\"fe80::/10\"", json!({"ip": "fe80::1"})) && !kept("ip=0.0.0.0/0", json!({"ip": "::1"})));
}

#[test]
fn several_values_match_if_one_does() {
    assert!(kept("a=x", json!({"a": ["y", "X"]})));
    assert!(!kept("NOT a=x", json!({"a": ["y", "x"]})));
    undocumented("a!=x", json!([{"a": ["y", "x"]}]));
}

#[test]
fn words_are_looked_for_in_raw_or_in_all_values() {
    assert!(
        kept("sdel", json!({"_raw": "7z a -sdel x", "other": "y"})) && !kept("y", json!({"_raw": "x", "other": "y"}))
    );
    assert!(kept("Compress Archive", json!({"cmd": "Compress-Archive x"})));
    assert!(!kept("Compress", json!({"cmd": "Decompress x"})));
    assert!(kept("\"7-zip\\\\7z.exe\"", json!({"cmd": r"C:\7-Zip\7z.exe"})));
}

#[test]
fn what_search_does_not_document_is_reported() {
    undocumented("a=*", json!([{"a": ""}]));
    undocumented("a=\u{e9}", json!([{"a": "\u{c9}"}]));
    assert_eq!(run("earliest=-1h a=1", json!([{"a": 1}])).map_err(|error| error.kind), Err(Kind::Unsupported));
}

#[test]
fn where_compares_exactly_and_drops_nulls() {
    assert!(holds("a==\"x\"", json!({"a": "x"})) && !holds("a==\"x\"", json!({"a": "X"})));
    assert!(holds("a=b", json!({"a": "x", "b": "x"})));
    assert!(!holds("a==\"x\"", json!({})) && !holds("a!=\"x\"", json!({})) && !holds("a==b", json!({})));
    assert!(holds("a!=\"x\"", json!({"a": ""})));
    assert!(
        holds("a>=10485760", json!({"a": "20000000"}))
            && !holds("a>=10485760", json!({"a": "9"}))
            && !holds("a>=1", json!({}))
    );
    assert!(holds("'x.y'==1", json!({"x.y": "1"})));
    assert!(!holds("a==\"x*\"", json!({"a": "xy"})));
}

#[test]
fn null_in_logic_is_an_error_only_where_the_result_hinges_on_it() {
    assert!(holds("isnull(a) OR a==1", json!({})));
    assert!(!holds("a==1 AND b==1", json!({"b": 1})));
    assert!(holds("a==1 OR b==1", json!({"b": 1})));
    assert!(holds("NOT (isnotnull(a) AND a==1)", json!({})));
    assert!(holds("b==1 AND NOT (isnotnull(a) AND match(a, \"x\"))", json!({"b": 1})));
    undocumented("* | where NOT a==1", json!([{"b": 1}]));
    undocumented("* | where NOT match(a, \"x\")", json!([{}]));
    undocumented("* | where NOT (a==1 OR b==1)", json!([{"b": 2}]));
    undocumented("* | eval x=if(NOT like(a, \"x%\"), 1, 0)", json!([{}]));
    assert!(!holds("b==2 AND NOT a==1", json!({"b": 1})));
}

#[test]
fn a_comparison_whose_type_is_not_documented_is_an_error() {
    undocumented("* | where a>5", json!([{"a": "abc"}]));
    undocumented("* | where a==\"1\"", json!([{"a": "1.0"}]));
    undocumented("* | where a==\"x\"", json!([{"a": ["x", "y"]}]));
    undocumented("* | eval x=a+1", json!([{"a": "abc"}]));
    assert!(
        holds("a==\"4\"", json!({"a": 4})) && holds("a!=\"\"", json!({"a": 4})) && !holds("a==4", json!({"a": "abc"}))
    );
}

#[test]
fn regular_expressions_pass_two_layers_of_escapes() {
    let row = json!({"Image": r"C:\x\RAR.exe", "q": "say \"hi\""});
    assert!(holds(r#"match(Image, "(?i)\\\\rar\\.exe$")"#, row.clone()));
    assert!(!holds(r#"match(Image, "\\\\rar\\.exe$")"#, row.clone()));
    assert!(!holds(r#"match(Image, "(?i)^rar")"#, row.clone()));
    assert!(holds(r#"match(q, "\"hi\"$")"#, row));
}

#[test]
fn like_takes_percent_and_underscore_and_minds_case() {
    assert!(holds("like(a, \"x%_\")", json!({"a": "xyz"})) && holds("a LIKE \"_\"", json!({"a": "q"})));
    assert!(
        holds("like(a, \"%b%b_\")", json!({"a": "abbbbc"})) && !holds("like(a, \"%b%bc_\")", json!({"a": "abbbbc"}))
    );
    assert!(holds("like(a, \"%\")", json!({"a": ""})) && !holds("like(a, \"_%\")", json!({"a": ""})));
    assert!(!holds("like(a, \"X%\")", json!({"a": "xyz"})) && !holds("like(a, \"x_\")", json!({"a": "x"})));
    assert!(holds(r#"like(a, "C:\\%")"#, json!({"a": r"C:\x"})));
}

#[test]
fn membership_and_networks_in_expressions() {
    assert!(holds("in(a, \"x\", \"y\")", json!({"a": "y"})) && holds("a in(\"x\", \"y\")", json!({"a": "x"})));
    assert!(!holds("in(a, \"x*\")", json!({"a": "xy"})) && !holds("in(a, \"x\")", json!({})));
    assert!(
        holds("cidrmatch(\"10.0.0.0/8\", ip)", json!({"ip": "10.1.1.1"}))
            && !holds("cidrmatch(\"10.0.0.0/8\", ip)", json!({"ip": "x"}))
    );
    undocumented("* | where NOT cidrmatch(\"10.0.0.0/8\", ip)", json!([{}]));
    assert!(holds("searchmatch(\"a=X OR b=1\")", json!({"a": "x"})));
}

#[test]
fn conditions_choose_values() {
    assert_eq!(value("if(a==1, \"y\", \"n\")", json!({})), json!("n"));
    assert_eq!(value("case(a==1, \"one\", a==2, \"two\")", json!({"a": 2})), json!("two"));
    assert_eq!(value("case(a==1, \"one\", true(), \"else\")", json!({"a": 3})), json!("else"));
    assert_eq!(value("case(a==1, \"one\")", json!({})), Json::Null);
    assert_eq!(value("validate(a==1, \"not one\")", json!({"a": 2})), json!("not one"));
    assert_eq!(value("coalesce(a, b, \"\")", json!({"b": "x"})), json!("x"));
    assert_eq!(value("nullif(a, \"\")", json!({"a": ""})), Json::Null);
    assert_eq!(value("if(match(a, \"x\"), 50, 0) + if(isnull(b), 25, 0)", json!({"a": "x"})), json!(75));
}

#[test]
fn texts_are_cut_and_changed() {
    let row = json!({"a": "  Xyz.MUI ", "n": 12, "u": "a%20b"});
    assert_eq!(value("lower(trim(a))", row.clone()), json!("xyz.mui"));
    assert_eq!(value("rtrim(a, \" IUM\")", row.clone()), json!("  Xyz."));
    assert_eq!(value("len(a) . \"/\" . upper(\"q\")", row.clone()), json!("10/Q"));
    assert_eq!(value("substr(\"hello\", 2, 3)", row.clone()), json!("ell"));
    assert_eq!(value("substr(\"hello\", -3)", row.clone()), json!("llo"));
    assert_eq!(value(r#"replace("a-b", "(\\w)-(\\w)", "\\2$\\1")"#, row.clone()), json!("b$a"));
    assert_eq!(value("urldecode(u)", row.clone()), json!("a b"));
    assert_eq!(value("n . \"x\"", row.clone()), json!("12x"));
    assert_eq!(value("lower(missing)", row), Json::Null);
}

#[test]
fn numbers_are_doubles_and_null_goes_through() {
    assert_eq!(value("(a + 1) * 2 - 4 / 2 % 2", json!({"a": "3"})), json!(8));
    assert_eq!(value("a / 0", json!({"a": 3})), Json::Null);
    assert_eq!(value("a - missing", json!({"a": 3})), Json::Null);
    assert_eq!(value("round(0.1 + 0.2, 6)", json!({})), json!(0.3));
    assert_eq!(value("round(2.5)", json!({})), json!(3));
    assert_eq!(value("min(3, a) + max(1, 2)", json!({"a": 2})), json!(4));
    assert_eq!(value("tonumber(\"12\") + tonumber(\"x\")", json!({})), Json::Null);
    assert_eq!(
        value("tostring(1==1) . typeof(a) . typeof(b) . typeof(\"1\")", json!({"a": "1", "b": "x"})),
        json!("TrueNumberStringString")
    );
}

#[test]
fn several_values_are_made_and_taken_apart() {
    let row = json!({"a": ["x", "y", "z"], "b": "q"});
    assert_eq!(value("mvappend(if(b==\"q\", 1, null()), null(), 2)", row.clone()), json!(["1", "2"]));
    assert_eq!(value("mvappend(null())", row.clone()), Json::Null);
    assert_eq!(value("mvindex(a, -2, -1)", row.clone()), json!(["y", "z"]));
    assert_eq!(value("mvindex(a, 5)", row.clone()), Json::Null);
    assert_eq!(value("mvcount(a) . mvjoin(a, \"+\")", row.clone()), json!("3x+y+z"));
    assert_eq!(value("mvcount(missing)", row.clone()), Json::Null);
    assert_eq!(value("mvfilter(match(a, \"[xz]\"))", row.clone()), json!(["x", "z"]));
    assert_eq!(value("split(\"1,2\", \",\")", row), json!(["1", "2"]));
}

#[test]
fn eval_assigns_left_to_right_and_null_removes_the_field() {
    let found = answer("* | eval x=a+1, y=x*2, a=null()", json!([{"a": 1, "z": 0}]));
    assert_eq!(found, json!([{"z": 0, "x": 2, "y": 4}]));
}

#[test]
fn the_clock_and_lookups_are_not_evaluated() {
    for query in [
        "* | eval x=now()",
        "* | eval x=strftime(_time, \"%d\")",
        "* | lookup t a",
        "| inputlookup t",
        "* | convert ctime(a)",
    ] {
        assert_eq!(
            run(query, json!([{"_time": 1, "a": 1}])).map_err(|error| error.kind),
            Err(Kind::Unsupported),
            "{query}"
        );
    }
}

#[test]
fn fields_keeps_internal_fields_and_table_keeps_order() {
    let given = json!([{"a": 1, "b": 2, "_time": 3}]);
    assert_eq!(answer("* | fields b", given.clone()), json!([{"b": 2, "_time": 3}]));
    assert_eq!(answer("* | fields - a, _*", given.clone()), json!([{"b": 2}]));
    assert_eq!(answer("* | table b a c", given.clone()).to_string(), r#"[{"b":2,"a":1}]"#);
    assert_eq!(answer("* | table *", given.clone()), json!([{"a": 1, "b": 2}]));
    assert_eq!(answer("* | table _time", given), json!([{"_time": 3}]));
}

#[test]
fn rename_moves_fields_by_stars_and_a_missing_one_empties_its_new_name() {
    let given = json!([{"Processes.user": "x", "Processes.dest": "y", "count": 1}]);
    assert_eq!(answer("* | rename Processes.* AS *", given.clone()), json!([{"user": "x", "dest": "y", "count": 1}]));
    assert_eq!(
        answer("* | rename *.user AS *_u", given.clone()),
        json!([{"Processes_u": "x", "Processes.dest": "y", "count": 1}])
    );
    assert_eq!(answer("* | rename none AS count", given), json!([{"Processes.user": "x", "Processes.dest": "y"}]));
}

#[test]
fn fillnull_fills_missing_fields_only() {
    let given = json!([{"a": ""}, {"b": 1}]);
    assert_eq!(
        answer("* | fillnull value=\"-\" a c", given.clone()),
        json!([{"a": "", "c": "-"}, {"b": 1, "a": "-", "c": "-"}])
    );
    assert_eq!(answer("* | fillnull", given), json!([{"a": "", "b": "0"}, {"b": 1, "a": "0"}]));
}

#[test]
fn dedup_drops_rows_without_the_field_unless_told_otherwise() {
    let given = json!([{"a": 1, "n": 1}, {"a": 1, "n": 2}, {"n": 3}]);
    assert_eq!(answer("* | dedup a", given.clone()), json!([{"a": 1, "n": 1}]));
    assert_eq!(answer("* | dedup 2 a keepempty=t | head 2", given), json!([{"a": 1, "n": 1}, {"a": 1, "n": 2}]));
}

#[test]
fn rex_regex_and_multivalues_change_rows() {
    let given = json!([{"p": r"C:\x\y.exe"}]);
    assert_eq!(
        answer(r#"* | rex field=p "(?<leaf>[^\\\\]+)$" | table leaf"#, given.clone()),
        json!([{"leaf": "y.exe"}])
    );
    assert_eq!(answer(r#"* | regex p="^C:" | regex p!="z" | table p"#, given), json!([{"p": r"C:\x\y.exe"}]));
    assert_eq!(answer("* | makemv delim=\",\" a | mvexpand a", json!([{"a": "1,2"}])), json!([{"a": "1"}, {"a": "2"}]));
    undocumented("* | mvexpand a", json!([{"b": 1}]));
    undocumented("* | regex a=\"x\"", json!([{"b": 1}]));
}

#[test]
fn macros_expand_as_text() {
    let mut macros = Macros::default();
    macros
        .define("sysmon", "(index=a OR index=b)")
        .define("loose", "index=a OR index=b")
        .define("over(n, f)", "$f$>$n$");
    macros.define("filter", "search *").define("nested", "`sysmon` c=1").define("loop", "`loop`");
    let given = rows(json!([{"index": "B", "c": 1}]));
    let go = |query: &str| {
        read(query).and_then(|query| query.run(&given, &macros)).map(|rows| rows.len()).map_err(|error| error.kind)
    };
    assert_eq!(go("`sysmon` `over(0, c)` | `filter`"), Ok(1));
    assert_eq!(go("`nested`"), Ok(1));
    assert_eq!(go("`over(1, c)`"), Ok(0));
    assert_eq!(go("`loose` c=1"), Err(Kind::Style));
    assert_eq!(go("(`loose`) c=1"), Ok(1));
    assert_eq!(go("`nobody`"), Err(Kind::Macro));
    assert_eq!(go("`over(1)`"), Err(Kind::Macro));
    assert_eq!(go("`loop`"), Err(Kind::Macro));
}
