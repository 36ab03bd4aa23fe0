//! What `read` takes and refuses.

use crate::spl::{Kind, read};

/// Why a query is refused.
fn refused(query: &str) -> Kind {
    match read(query) {
        Ok(found) => panic!("read: {query}\n{found:?}"),
        Err(error) => error.kind,
    }
}

fn all_read(queries: &[&str]) {
    for query in queries {
        if let Err(error) = read(query) {
            panic!("{error}\n{query}");
        }
    }
}

fn all_refused(queries: &[&str]) {
    for query in queries {
        refused(query);
    }
}

#[test]
fn queries_an_expert_writes_are_read() {
    all_read(&[
        r#"index=windows sourcetype="XmlWinEventLog" EventCode=1 (Image="*\\rar.exe" OR OriginalFileName="WinRAR.exe")
            | where match(CommandLine, "(?i)[ \\t][\\-/]hp") AND isnotnull(Computer)
            | eval score=if(match(Image, "(?i)\\\\temp\\\\"), 50, 0) + if(isnull(User), 0, 25)
            | where score >= 50
            | table _time, Computer, Image, CommandLine, score"#,
        r#"| tstats summariesonly=false allow_old_summaries=true count min(_time) AS firstTime max(_time) AS lastTime
            values(Processes.process) AS process from datamodel=Endpoint.Processes
            where Processes.process_name IN ("7z.exe", "rar.exe") NOT Processes.user="SYSTEM"
            by Processes.dest Processes.user, Processes.parent_process_name
            | rename Processes.* AS * | where count > 1"#,
        "| tstats `summariesonly` count from datamodel=Endpoint.Processes where (`archivers`) by _time span=1s Processes.dest",
        r#"`sysmon` EventCode=1 | eval step=case(EventCode==1, 1, EventCode==11, 2) | fillnull value="" ProcessGuid
            | sort 0 _time, step
            | streamstats last(archiving_time) AS archiving_time, last(cmd) AS cmd BY Computer, ProcessGuid
            | where step==2 AND ProcessGuid!="" AND round(_time - archiving_time, 6) <= 900 | `my_rule_filter`"#,
        "a=1 | streamstats window=5 global=f min(_time) AS first_seen, count AS n BY Computer | sort 0 - _time, -num(step)",
        "a=1 | streamstats current=f last(_time) AS previous BY Computer | streamstats count BY x window=3 global=f",
        "a=1 | stats count(eval(a==1)) AS hits, dc(user) AS users BY host | dedup host keepempty=true | head 5",
        r#"a=1 | rex field=x "(?<tail>[^\\\\]+)$" | regex x!="^a" | makemv delim="," x | mvexpand x | bin span=5m _time"#,
        "a=1 | lookup t a AS b OUTPUT c AS d | convert timeformat=\"%s\" ctime(x) AS y | fields - _*",
        "| inputlookup table.csv",
    ]);
}

#[test]
fn comments_stand_between_terms_and_keep_positions() {
    all_read(&["a=1 ```why: \"x``` b=2", "a=1 | ```the filter``` where a==1 ```done```"]);
    assert_eq!(read("a=1 ```x``` | where )").map_err(|error| error.at).err(), Some(20));
    all_refused(&["a=1 ```x", "a=1 | where a==\"```x```"]);
}

#[test]
fn quotes_backticks_and_parentheses_must_balance() {
    all_refused(&[
        "a=\"x",
        "`m",
        "(a=1",
        "a=1)",
        "a=1 | where (a==1",
        "a=1 | where a==1)",
        "a=1 | eval x='y",
        "a=\"x\\\"",
        "a=1 | where f(a==1",
    ]);
}

#[test]
fn a_subsearch_gives_the_values_of_one_field_and_nothing_else() {
    all_read(&[
        "a=\"[x]\"",
        r#"a=1 | where match(a, "[xy]")"#,
        "a=1 [search `m` b=2 c=\"]\" | dedup d | fields d]",
        "a=1 OR (b=2 [search b=3 | dedup d | rename d AS e | fields e]) | table a",
    ]);
    for other in [
        "a=1 [search b=2]",
        "a=1 [search b=2 | dedup d]",
        "a=1 [search b=2 | fields d]",
        "a=1 [search b=2 | dedup d | fields e]",
        "a=1 [search b=2 | dedup 2 d | fields d]",
        "a=1 [search b=2 | dedup d e | fields d, e]",
        "a=1 [search b=2 | dedup d | rename d AS e | fields d]",
        "a=1 [search b=2 | where c==1 | dedup d | fields d]",
        "a=1 [search b=2 [search c=3 | dedup d | fields d] | dedup d | fields d]",
    ] {
        assert_eq!(refused(other), Kind::Refused, "{other}");
    }
    all_refused(&[
        "a=1 [search b=2 | dedup d | fields d",
        "a=1 b=2 | dedup d | fields d]",
        "a=1 [b=2 | dedup d | fields d]",
    ]);
}

#[test]
fn commands_that_lose_events_silently_are_refused() {
    for command in ["join x", "append y", "transaction host", "map search=x"] {
        assert_eq!(refused(&format!("a=1 | {command}")), Kind::Refused);
    }
    assert_eq!(refused("a=1 | sort x"), Kind::Style);
    assert_eq!(refused("a=1 | sort 10 x"), Kind::Style);
    assert_eq!(refused("a=1 | sort - x"), Kind::Style);
}

#[test]
fn unknown_commands_functions_options_and_aggregations_are_refused() {
    all_refused(&[
        "a=1 | frobnicate x",
        "a=1 | eval x=md5(y)",
        "a=1 | streamstats span=5 count",
        "a=1 | stats median(x)",
        "a=1 |",
        "| | a=1",
        "",
        "a=1 | search",
        "a=1 || where a==1",
        "a=1 | Where a==1",
        "a=1 | dedup",
        "a=1 | head",
        "a=1 | stats",
        "a=1 | stats count BY",
        "a=1 | stats count, BY x",
        "a=1 | stats min",
        "a=1 | stats count count",
        "a=1 | fields a,",
        "a=1 | table",
        "a=1 | rename a b",
    ]);
}

#[test]
fn only_generating_commands_stand_behind_a_leading_pipe() {
    all_refused(&["| where a==1", "| search a=1", "tstats count", "a=1 | tstats count", "a=1 | inputlookup x"]);
    all_read(&["| tstats count", "| `whole_search`", "search a=1", "a=1 | tstats prestats=t append=t count"]);
}

#[test]
fn and_with_or_needs_parentheses_in_a_search() {
    assert_eq!(refused("a=1 b=2 OR c=3"), Kind::Style);
    assert_eq!(refused("a=1 OR b=2 AND c=3"), Kind::Style);
    assert_eq!(refused("(a=1 OR b=2 c=3)"), Kind::Style);
    all_read(&["a=1 (b=2 OR c=3)", "(a=1 b=2) OR c=3", "a=1 AND b=2 c=3", "NOT (a=1 OR b=2) c=3", "a=1 NOT b=2"]);
    assert_eq!(refused("NOT NOT a=1"), Kind::Style);
    assert_eq!(refused("a=1 NOT `m`"), Kind::Style);
    all_read(&["a=1 NOT (`m`)"]);
}

#[test]
fn and_with_or_needs_parentheses_in_an_expression() {
    assert_eq!(refused("a=1 | where a==1 AND b==2 OR c==3"), Kind::Style);
    assert_eq!(refused("a=1 | where a==1 OR b==2 XOR c==3"), Kind::Style);
    assert_eq!(refused("a=1 | where NOT NOT a==1"), Kind::Style);
    all_read(&["a=1 | where (a==1 AND b==2) OR NOT c==3", "a=1 | where NOT (a==1 AND b==2)"]);
}

#[test]
fn operators_are_in_capitals() {
    all_refused(&[
        "a=1 and b=2",
        "a=1 or b=2",
        "not a=1",
        "a in (1)",
        "a=1 | where a==1 and b==2",
        "a=1 | where not a==1",
        "a=1 XOR b=2",
    ]);
    all_read(&["a=1 | stats count as n by host", "\"and\" \"or\""]);
}

#[test]
fn a_value_with_more_than_plain_characters_needs_quotes_in_a_search() {
    all_refused(&[
        "a=b c,d", "a=(x)", "a=x=y", "a='x'", "'a'=x", "a=x\"y", "a=\"x\"y", "a=", "a=IN", "a=and", "a=|", "x;y",
        "a!b", "-p", "TERM(x)",
    ]);
    all_read(&[
        "a=\"b c,d\"",
        "a=\"IN\"",
        "a=7-Zip*",
        "a=10.0.0.0/8",
        r"a=C:\\Windows\\*",
        "\"Account Name\"=\"x\"",
        "a=\"\"",
        "\"-p\"",
    ]);
}

#[test]
fn there_are_no_blanks_around_a_searchs_operator() {
    all_refused(&["a = 1", "a= 1", "a =1", "a >5"]);
    all_read(&["a=1 | where a = 1", "a=1 | eval a = 1"]);
}

#[test]
fn wildcards_stand_in_values_of_equality_only() {
    all_refused(&["a*=1", "a>5*", "a=1 | where a=*", "a=1 | where a==b*"]);
    all_read(&["a=\"*x*\" b=*", "a IN (40*, \"5*\")", "*", "a=1 fail*"]);
}

#[test]
fn a_list_is_comma_separated_and_not_empty() {
    all_refused(&[
        "a IN ()",
        "a IN (1 2)",
        "a IN (1,)",
        "a IN 1",
        "IN (1)",
        "a IN (\"x\" OR \"y\")",
        "a IN (x y, z)",
        "a=1 | where a IN (\"x\")",
    ]);
    all_read(&["a IN (1, \"x y\")", "NOT a IN(1)", "a=1 | where a in(\"x\", 2)", "a=1 | where in(a, \"x\")"]);
}

#[test]
fn only_documented_escapes_are_taken() {
    all_refused(&[
        r#"a="x\y""#,
        r#"a="\*x""#,
        r"a=C:\x",
        r"a=C:\y",
        r#"a=1 | where a=="\d""#,
        r#"a=1 | where a=="x\ty""#,
        r#"a=1 | where a=="x\|y""#,
    ]);
    all_read(&[r#"a="x\\y\"z\|""#, r#"a="x\\""#, r#"a=1 | where a=="x\\" AND b=="\"\\\\""#]);
}

#[test]
fn a_backslash_in_front_of_a_star_is_told_apart() {
    let message = read(r#"a="\*x""#).map_err(|error| error.message).err().unwrap_or_default();
    assert!(message.contains("does not escape a star"), "{message}");
}

#[test]
fn time_modifiers_are_checked() {
    all_read(&[
        "earliest=-1h@h latest=now a=1",
        "earliest=-15m",
        "earliest=@d",
        "earliest=1700000000",
        "earliest=+1d@w0",
    ]);
    all_refused(&["earliest=yesterday", "earliest=-1x", "latest=1h@", "earliest=-h5", "earliest!=now", "a=+1d"]);
}

#[test]
fn a_field_with_odd_characters_needs_single_quotes_in_an_expression() {
    all_refused(&[
        "a=1 | where Processes.user==1",
        "a=1 | where a-b==1",
        "a=1 | where a:b==1",
        "a=1 | where 5min==1",
        "a=1 | where Account Name==1",
        "a=1 | where a{}==1",
        "a=1 | eval x.y=1",
        "a=1 | where a@b==1",
    ]);
    all_read(&[
        "a=1 | where 'Processes.user'==1",
        "a=1 | eval x=a.\"y\".b",
        "a=1 | eval x=a . b, y=a - b, 'x.y'=1, \"z z\"=2",
    ]);
}

#[test]
fn outside_expressions_field_names_take_double_quotes() {
    all_refused(&[
        "a=1 | table 'x y'",
        "a=1 | fields x'y",
        "a=1 | fillnull a*",
        "a=1 | stats count BY a*",
        "a=1 | fillnull a, b",
        "a=1 | fillnull x=1 a",
    ]);
    all_read(&[
        "a=1 | table \"x y\", Processes.user, a{}.b, src-ip",
        "a=1 | rename count AS \"How many\"",
        "a=1 | fillnull value=\"\" a b",
    ]);
}

#[test]
fn a_condition_is_no_value_and_a_value_no_condition() {
    all_refused(&[
        "a=1 | where a",
        "a=1 | where 1",
        "a=1 | eval x=a==1",
        "a=1 | eval x=match(a, \"x\")",
        "a=1 | eval x=if(a, 1, 2)",
        "a=1 | where match(a==1, \"x\")",
        "a=1 | where a==1 AND b",
        "a=1 | where (a==1)==2",
        "a=1 | eval x=a OR b",
        "a=1 | where isnull(a==1)",
        "a=1 | where coalesce(a, b)",
        "a=1 | eval x=case(a, 1)",
        "a=1 | eval x=true()",
        "a=1 | where NOT a",
    ]);
    all_read(&[
        "a=1 | eval x=if(a==1 AND true(), \"y\", null())",
        "a=1 | eval x=tostring(a==1)",
        "a=1 | where searchmatch(\"a=1 OR b=2\")",
    ]);
}

#[test]
fn functions_take_their_number_of_arguments() {
    all_refused(&[
        "a=1 | eval x=if(a==1, 1)",
        "a=1 | eval x=case(a==1, 1, b==1)",
        "a=1 | where match(a)",
        "a=1 | eval x=lower(a, b)",
        "a=1 | eval x=null(1)",
        "a=1 | eval x=coalesce()",
        "a=1 | where in(a)",
        "a=1 | eval x=substr(a)",
        "a=1 | eval x=lower(a",
        "a=1 | eval x=lower(a,)",
    ]);
    all_read(&[
        "a=1 | eval x=case(a==1, 1, true(), 2), y=mvindex(a, 0, -1), z=round(a), w=coalesce(a), v=validate(a==1, 2)",
    ]);
}

#[test]
fn patterns_are_literals_and_compile() {
    all_refused(&[
        "a=1 | where match(a, b)",
        "a=1 | where match(a, \"(x\")",
        "a=1 | where match(a, \"(?=x)\")",
        r#"a=1 | where match(a, "(a)\\1")"#,
        "a=1 | where like(a, b)",
        "a=1 | rex field=a \"x\"",
        "a=1 | rex \"(?<x>y)\"",
        "a=1 | regex a=\"[\"",
        "a=1 | where cidrmatch(a, \"10.0.0.0/8\")",
    ]);
    all_read(&[r#"a=1 | where match(Image,"(?i)\\\\rar\\.exe$") OR a LIKE "x%""#]);
}

#[test]
fn chains_of_comparisons_and_doubtful_precedence_are_refused() {
    all_refused(&[
        "a=1 | where a<b<c",
        "a=1 | where a==b==c",
        "a=1 | eval x=a+b.c",
        "a=1 | eval x=a . b + c",
        "a=1 | where a===b",
        "a=1 | where a<>b",
    ]);
    all_read(&["a=1 | eval x=(a+b).c, y=a+b*c - d/2%3, z=-a"]);
}

#[test]
fn true_false_and_null_are_functions() {
    all_refused(&["a=1 | where a==true", "a=1 | eval a=null", "a=1 | where false"]);
}

#[test]
fn tstats_names_the_dataset_and_takes_neither_wildcards_nor_words() {
    let from = "from datamodel=Endpoint.Processes";
    all_refused(&[
        &format!("| tstats count {from} where process_name=x by Processes.dest"),
        &format!("| tstats count {from} by dest"),
        &format!("| tstats count {from} by Processes.*"),
        &format!("| tstats count {from} where rar"),
        &format!("| tstats count {from} where \"rar\""),
        &format!("| tstats count {from} by _time"),
        &format!("| tstats count {from} by Processes.dest span=1s"),
        &format!("| tstats count {from} by _time span=1ms"),
        &format!("| tstats count(eval(a==1)) AS n {from}"),
        &format!("| tstats values(process) {from}"),
        &format!("| tstats sumariesonly=t count {from}"),
        &format!("| tstats append=t count {from}"),
        &format!("| tstats count {from} where Processes.dest=10.0.0.0/8 by Processes.dest"),
        &format!("| tstats count {from} where Processes.a=1 OR Processes.b=2 Processes.c=3"),
        "| tstats count from datamodel=Endpoint",
        "| tstats from datamodel=Endpoint.Processes",
        "| tstats count where",
    ]);
    all_read(&[
        &format!("| tstats count {from} where Processes.a=\"by\" (Processes.b=1 OR Processes.c=2*) host=x by host"),
        &format!(
            "| tstats prestats=t append=t chunk_size=20000 fillnull_value=\"-\" count {from} by _time Processes.dest span=5m"
        ),
    ]);
}

#[test]
fn macros_are_listed_once_and_stand_for_whole_terms_and_commands_only() {
    let found = read("`sysmon` a=1 (`x(1, 2)` OR `sysmon`) | `f`").map(|query| query.macros);
    assert_eq!(found, Ok(vec!["sysmon".to_owned(), "x(1, 2)".to_owned(), "f".to_owned()]));
    all_refused(&[
        "a=`m`",
        "`m`a=1",
        "a=1 | where `m`",
        "a=1 | `m` x",
        "a=1 | eval x=`m`",
        "`my-macro`",
        "``",
        "` m x `",
    ]);
    assert_eq!(read("a=\"`x`\"").map(|query| query.macros.len()), Ok(0));
}

#[test]
fn renames_pair_their_stars() {
    all_refused(&[
        "a=1 | rename Processes.* AS x",
        "a=1 | rename a AS b, a AS c",
        "a=1 | rename a AS b, c AS b",
        "a=1 | rename a AS b,",
    ]);
    all_read(&["a=1 | rename Processes.* AS *, x AS y"]);
}

#[test]
fn columns_are_those_of_the_last_table() {
    let found = read("a=1 | table a b | eval c=1 | table c, \"x y\"").map(|query| query.columns());
    assert_eq!(found, Ok(vec!["c".to_owned(), "x y".to_owned()]));
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    refused(&format!("{}a=1", "(".repeat(50_000)));
    refused(&format!("a=1 | where {}a==1", "(".repeat(50_000)));
    refused(&format!("a=1 | eval x={}a", "lower(".repeat(50_000)));
    refused(&format!("a=1 | eval x={}a", "-".repeat(50_000)));
}
