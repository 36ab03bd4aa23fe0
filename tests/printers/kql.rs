//! KQL: what leads, what is carried, how steps are joined.

mod first_filters {
    use crate::on;

    fn query(detect: &str) -> String {
        on("defender", &format!("detect process where {detect}")).expect("a query")
    }

    fn filters(detect: &str) -> Vec<String> {
        query(detect).lines().filter_map(|l| l.strip_prefix("| where ")).map(str::to_owned).collect()
    }

    #[test]
    fn names_of_all_alternatives_lead_and_are_asked_once() {
        let filters = filters(
            "(process.name is \"a.exe\" and command_line contains \"x\") or (process.name in [\"b.exe\", \"c.exe\"] and command_line matches 'y+')",
        );
        assert_eq!(filters[1], r#"FileName in~ ("a.exe", "b.exe", "c.exe")"#, "{filters:?}");
    }

    #[test]
    fn words_lead_where_there_is_no_name() {
        let filters = filters("argument contains any [\".dmp\", \"x\"] and argument under ':\\ProgramData'");
        assert_eq!(filters[1], r#"ProcessCommandLine has_any ("ProgramData")"#, "{filters:?}");
    }

    #[test]
    fn nothing_leads_where_one_alternative_has_nothing_cheap() {
        let filters = filters("process.name is \"a.exe\" or command_line matches 'y+'");
        assert_eq!(filters.len(), 2, "{filters:?}");
    }
}

mod steps {
    use crate::on;

    /// A process after a process, joined as `by` and `and` say.
    fn pair(by: &str, and: &str) -> String {
        format!(
            "detect sequence by {by} within 10m {{
               one: process where process.name is \"a.exe\"
               two: process where process.name is \"b.exe\" {and}
             }}"
        )
    }

    #[test]
    fn a_process_joins_steps_directly_and_a_host_by_time_buckets() {
        let joined = on("defender", &pair("host", "and parent is one.process")).expect("a query");
        assert!(joined.contains("join kind=inner Two on DeviceId, ProcessId, ProcessCreationTime"), "{joined}");
        assert!(!joined.contains("Bucket"));
        let by_host = on("defender", &pair("host", "")).expect("a query");
        assert!(by_host.contains("pack_array(Bucket, Bucket + 10m)"), "{by_host}");
    }

    #[test]
    fn a_process_that_is_no_more_than_a_number_joins_nothing() {
        let joined = "and parent is one.process";
        let why = on("sentinel-securityevent", &pair("host", joined)).expect_err("refused");
        assert!(why.contains("knows the process in process events by its number alone"), "{why}");
        let why = on("sentinel-securityevent", &pair("process", "")).expect_err("refused");
        assert!(why.contains("by its number alone, which is used again"), "{why}");
        let dropped =
            on("sentinel-securityevent", &pair("host", &format!("{joined} when available"))).expect("a query");
        assert!(dropped.contains("// Note: A condition is left out, which may add alerts"), "{dropped}");
        assert!(dropped.contains("tolower(Computer)"), "{dropped}");
    }

    #[test]
    fn a_window_that_no_run_sees_is_refused_with_the_limit() {
        let steps = |within: &str, schedule: &str| pair("host", "").replace("10m", within) + schedule;
        let why = |text: &str| on("sentinel", text).expect_err("refused");
        assert!(why(&steps("15d", "")).contains("looks back 14d at most, and this rule needs 15d"));
        assert!(on("sentinel", &steps("14d", "")).is_ok());
        let hourly = steps("4h", "\nschedule every 1h over 5h");
        assert!(on("sentinel", &hourly).is_ok());
        let limited = on("defender", &hourly).expect_err("refused");
        assert!(limited.contains("looks back 4h at most at this frequency, and this rule needs 5h"), "{limited}");
        assert!(on("defender", &steps("3h", "\nschedule every 1h over 4h")).is_ok());
        let count = "detect count >= 3 by host within 8d of process where process.name is \"a.exe\"";
        assert!(why(count).contains("this rule needs 16d"), "a count needs two windows");
    }

    #[test]
    fn an_optional_step_that_the_target_lacks_is_left_out_with_a_note() {
        let steps = "detect sequence by host within 10m {
               one: process where process.name is \"a.exe\"
               two: process where process.name is \"b.exe\"
               optional read: script where script.text contains \"x\"
             }
             flag quiet = not read.script.text contains \"y\" and one.process.pid > 4
             show [one.command_line, read.script.text]";
        let query = on("defender", steps).expect("a query");
        assert!(query.contains("The optional step `read` is left out"), "{query}");
        assert!(query.contains("extend quiet = ") && !query.contains("Read"), "{query}");
        let needed = steps.replace("optional read", "read").replace("flag quiet", "// flag");
        assert!(on("defender", &needed).expect_err("refused").contains("no log source for script events"));
    }

    #[test]
    fn a_flag_that_would_hide_a_column_is_refused() {
        let why = on("defender", &(pair("host", "") + "\nflag OneTime = one.process.pid > 4")).expect_err("refused");
        assert!(why.contains("has a column `OneTime` already"), "{why}");
    }

    #[test]
    fn no_step_takes_a_name_that_another_ones_columns_or_tables_have() {
        let steps = "detect sequence by host within 10m {
               a: process or file where process.name is \"a.exe\"
               a2: process where process.name is \"b.exe\"
               a_parent: process where process.name is \"c.exe\"
             }
             show [a.parent.executable, a_parent.executable]";
        let query = on("defender", steps).expect("a query");
        for once in ["let A = ", "let A1 = ", "let A2 = ", "let A22 = ", "let AParent2 = "] {
            assert_eq!(query.matches(once).count(), 1, "{once} in {query}");
        }
        assert!(query.ends_with("AParentExecutable, AParent2Executable\n"), "{query}");
    }

    #[test]
    fn what_no_later_step_reads_is_not_carried() {
        let steps = "detect sequence by host within 10m {
               one: process where process.name is \"a.exe\"
               two: process where process.name is \"b.exe\"
             }
             show [two.command_line]";
        let query = on("defender", steps).expect("a query");
        assert!(query.contains("TwoCommandLine = ProcessCommandLine"), "{query}");
        assert!(!query.contains("OneCommandLine") && !query.contains("OneDeviceName"), "{query}");
    }
}
