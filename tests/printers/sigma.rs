//! Sigma: conditions, the order of terms, the shapes that converters carry over.

mod conditions {
    use crate::on;

    /// What Sigma makes of a rule of these entries: its condition, or why there is none.
    fn said(entries: &str) -> Result<String, String> {
        let line = |text: String| text.lines().find_map(|l| l.trim().strip_prefix("condition: ").map(str::to_owned));
        on("sigma", entries).map(|text| line(text).expect("a condition"))
    }

    /// A rule with this many flags of weight 1.
    fn equal_flags(n: usize, threshold: usize) -> String {
        let flags: String = (0..n).map(|i| format!("flag f{i} weight 1 = command_line contains \"{i}x\"\n")).collect();
        format!("detect process where process.name is \"a.exe\"\n{flags}threshold {threshold}")
    }

    #[test]
    fn each_set_of_flags_that_reaches_the_threshold_is_named() {
        assert_eq!(said(&equal_flags(2, 1)).as_deref(), Ok("selection and 1 of flag_*"));
        assert_eq!(
            said(&equal_flags(3, 2)).as_deref(),
            Ok("selection and ((flag_f0 and flag_f1) or (flag_f0 and flag_f2) or (flag_f1 and flag_f2))")
        );
    }

    #[test]
    fn more_sets_than_anybody_reads_are_refused_with_their_number() {
        assert!(said(&equal_flags(8, 2)).is_ok());
        let why = said(&equal_flags(12, 6)).expect_err("refused");
        assert!(why.contains("more than 64: 65 were counted"), "{why}");
    }

    #[test]
    fn two_fields_are_not_compared_with_their_case() {
        assert!(said("detect process where executable is parent.executable").is_ok());
        let why = said("detect process where executable is cased parent.executable").expect_err("refused");
        assert!(why.contains("in any case only"), "{why}");
    }
}

mod order {
    use crate::on;

    /// Where each of these texts stands in what Sigma makes of a rule, and the whole of it.
    fn places(entries: &str, texts: &[&str]) -> (Vec<Option<usize>>, String) {
        let said = on("sigma", &format!("detect process where {entries}")).expect("a rule");
        (texts.iter().map(|text| said.find(text)).collect(), said)
    }

    #[test]
    fn a_plain_term_stands_first_and_regular_expressions_before_plain_alternatives() {
        let entries = r#"(parent.name is "p.exe" or command_line contains cased "a1") and command_line contains "x""#;
        let (found, said) = places(entries, &["contains: 'x'", "|re: 'a1'", "ParentImage|endswith"]);
        assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{said}");
        assert!(!said.contains("|exists"), "{said}");
    }

    #[test]
    fn a_field_that_every_way_asks_for_is_said_to_be_there() {
        let ways = |second: &str| {
            format!(
                r#"(command_line contains cased "a1" and parent.name is "p.exe") or ({second} contains cased "b1" and process.name is "x.exe")"#
            )
        };
        let (found, said) = places(&ways("command_line"), &["CommandLine|exists: true", "|re:"]);
        assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{said}");
        let (found, said) = places(&ways("parent.command_line"), &["|exists"]);
        assert_eq!(found, [None], "{said}");
    }

    #[test]
    fn each_part_of_what_is_denied_is_denied_where_one_is_a_regular_expression() {
        let denied = |part: &str| format!(r#"process.name is "x.exe" and not (parent.name is "p.exe" and {part})"#);
        let condition = "condition: selection and (not filter_main_parent or not filter_main_cli)";
        let (found, said) = places(&denied(r#"command_line contains cased "a1""#), &[condition]);
        assert!(found[0].is_some(), "{said}");
        let (found, said) =
            places(&denied(r#"command_line contains "a1""#), &["condition: selection and not filter_main_parent"]);
        assert!(found[0].is_some(), "{said}");
    }
}

mod shapes {
    use crate::on;

    #[test]
    fn plain_command_lines_are_texts_and_degraded() {
        let text = "utility u \"U\" { os [windows] image [\"u.exe\"] prefixes windash verb make = first \"a\" \
                    switch pw = glued \"p\" switch odd = alone \"x\" }\n\
                    rule r { title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n\
                    detect process where runs u to make with pw and not runs u with odd }";
        let mut sources = arcanary::source::Sources::new();
        let file = sources.add("r.det", text);
        let (project, found) =
            arcanary::sema::resolve(vec![arcanary::syntax::parse(file, text)], &indexmap::IndexMap::new());
        assert!(found.is_empty(), "{found:?}");
        let mut target = arcanary::target::Targets::built_in().all["sigma"].clone();
        target.plain_command_lines = true;
        let document = arcanary::compile::compile(&project.rules["r"], &project, &target).expect("a document");
        assert_eq!(document.status, arcanary::document::Status::Degraded);
        let said = document.text;
        for item in ["CommandLine|contains: ' a '", "CommandLine|contains|windash: ' -p'", "- ' -x '", "- ' ―x '"] {
            assert!(said.contains(item), "{item}: {said}");
        }
        assert!(!said.contains("|re"), "{said}");
    }

    #[test]
    fn the_end_of_a_text_that_a_line_feed_may_follow_is_degraded() {
        let status = |os: &str, entries: &str| {
            let text = format!(
                "rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [{os}]\ndetect {entries}\n}}"
            );
            let mut sources = arcanary::source::Sources::new();
            let file = sources.add("r.det", &text);
            let parsed = vec![arcanary::syntax::parse(file, &text)];
            let (project, found) = arcanary::sema::resolve(parsed, &indexmap::IndexMap::new());
            assert!(found.is_empty(), "{found:?}");
            let target = &arcanary::target::Targets::built_in().all["sigma"];
            arcanary::compile::compile(&project.rules["r"], &project, target).expect("a document").status
        };
        for (os, entries) in [
            ("windows", "script where script.text matches 'evil$'"),
            ("windows", "process where command_line ends with cased \"B2\""),
            ("windows", "process where command_line is cased \"B2\" and process.name is \"x.exe\""),
            ("windows", "process where process.name is \"x.exe\" and not command_line matches '^a$'"),
            ("linux", "file where file.action is created and file.path matches 'evil$'"),
            (
                "windows",
                "sequence by host within 1h { a: script where script.text matches 'evil$'\n b: process where process.name is \"x.exe\" }",
            ),
        ] {
            assert_eq!(status(os, entries), arcanary::document::Status::Degraded, "{entries}");
        }
        for (os, entries) in [
            ("windows", "file where file.action is created and file.path matches 'evil$'"),
            ("windows", "process where command_line contains cased \"B2\""),
            ("windows", "process where command_line matches '^evil'"),
            ("windows", "process where command_line ends with \"b2\""),
            ("windows", r"process where command_line matches 'evil(?:\s|$)'"),
            ("windows", "process where argument is \"-b\""),
        ] {
            assert_eq!(status(os, entries), arcanary::document::Status::Exact, "{entries}");
        }
    }

    #[test]
    fn alternatives_and_denials_of_one_field_are_one_regular_expression() {
        let count = |entries: &str| {
            let said = on("sigma", &format!("detect process where {entries}")).expect("a rule");
            said.matches("|re").count()
        };
        let (one, other) = (r#"command_line contains cased "A1""#, r#"command_line ends with cased "B2""#);
        assert_eq!(count(&format!(r#"{one} or process.name is "x.exe" or {other}"#)), 1);
        assert_eq!(count(&format!(r#"process.name is "x.exe" and not {one} and not {other}"#)), 1);
        assert_eq!(count(&format!("{one} and {other}")), 2);
        assert_eq!(count(&format!("{one} or parent.{other}")), 2);
    }
}
