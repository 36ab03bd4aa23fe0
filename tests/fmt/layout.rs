//! What goes where, and how far it is indented.

use super::{check, formatted, stays};

#[test]
fn definitions_stay_together_and_share_a_column() {
    check(
        "list a=['x']\nlist long_name = [ 'y' , ]\nparam p = 1\nparam qq = 10MB\n\n\n\nlist c = []\n/// About d.\nlist d = [a]
let e = host.name exists list f = [1]",
        "
list a         = ['x']
list long_name = ['y']
param p  = 1
param qq = 10MB

list c = []

/// About d.
list d = [a]
let e = host.name exists
list f = [1]
",
    );
}

#[test]
fn a_column_that_makes_a_line_too_long_is_not_kept() {
    let long = format!("list b = ['{}']\n", "x".repeat(104));
    stays(&format!("list a_long_name = ['a']\n{long}"));
    check(&format!("list aa = ['a']\n{long}"), &format!("list aa = ['a']\n{}", long.replace("b =", "b  =")));
}

#[test]
fn short_literals_fill_lines_and_all_else_stands_alone() {
    let literals: Vec<_> = (0..20).map(|i| format!("'folder {i}'")).collect();
    let out = formatted(&format!("list a = [{}]", literals.join(",")));
    assert_eq!(out.lines().count(), 5, "{out}");
    assert!(out.lines().all(|l| l.chars().count() <= 120) && out.ends_with("'folder 19',\n]\n"), "{out}");

    let names: Vec<_> = (0..20).map(|i| format!("utility_{i}")).collect();
    let out = formatted(&format!("group a = [{}]", names.join(",")));
    assert_eq!(out, format!("group a = [\n  {},\n]\n", names.join(",\n  ")));
    assert_eq!(formatted(&out), out);
}

#[test]
fn a_rule_is_put_in_order() {
    check(
        "rule r { test 'a' silent process{} tags [\"t\"] flag Second=runs b threshold 5 zeta 'z' except 'x' because 'y' \
         where user.name is 'kim' flag F weight 5=runs a detect process where runs a attack [T1560.001] id \
         7F0C2B0E-3d5e-4d0e-9a64-0d7f5a1f3c11 title \"T\" schedule every 15m over 1h show [process.executable] \
         throttle 4h by host , user.name test 'b' fires with [F] file {file.size 10MB,}}",
        "
rule r {
  title  \"T\"
  id     7f0c2b0e-3d5e-4d0e-9a64-0d7f5a1f3c11
  attack [T1560.001]
  tags [\"t\"]
  show [executable]
  schedule every 15m over 1h
  throttle 4h by host, user.name
  zeta 'z'

  detect process where runs a

  flag Second          = runs b
  flag F      weight 5 = runs a
  threshold 5

  except 'x' because 'y' where user.name is 'kim'

  test 'a' silent
    process {}
  test 'b' fires with [F]
    file { file.size 10MB }
}
",
    );
}

#[test]
fn blank_lines_between_tests_stay() {
    stays(
        "rule r {
  detect process where runs a

  test 'a' silent
    process {}
  test 'b' silent
    process {}

  // the others
  test 'c' silent
    process {}
}
",
    );
}

#[test]
fn utilities_are_aligned() {
    check(
        "utility a 'A' { os [windows] prefixes psdash cased values \"\" original ['a'] when available
         verb create=first ['a','u'] switch s = glued 'p' except '-' or alone \"v\" min 2 digits verb d = default }
utility b 'B' { os [windows] image ['b'] }",
        "
utility a 'A' {
  os       [windows]
  prefixes psdash
  cased
  values   \"\"
  original ['a'] when available
  verb   create = first ['a', 'u']
  switch s      = glued 'p' except '-' or alone \"v\" min 2 digits
  verb   d      = default
}

utility b 'B' {
  os    [windows]
  image ['b']
}
",
    );
}

#[test]
fn shapes_that_do_not_fit_stand_on_lines_of_their_own() {
    let names =
        |letter: char| format!("[{}]", (0..6).map(|i| format!("\"{letter}{i}-name\"")).collect::<Vec<_>>().join(", "));
    let text = format!("utility a \"A\" {{ switch s = alone {} or long {} min 2 }}", names('a'), names('b'));
    check(
        &text,
        &format!("utility a \"A\" {{\n  switch s =\n    alone {}\n    or long {} min 2\n}}\n", names('a'), names('b')),
    );
}

#[test]
fn conditions_break_at_their_connectives() {
    check(
        "rule r { detect process or script where runs alpha to create and (command_line contains any ['one', 'two'] or \
         (parent.name in shells and not (argument under any folders_one or argument under any folders_two) and user.name is 'somebody_else')) }
exception e 'E' because 'b' until 2027-12-31 where (parent.executable is 'C:\\Program Files\\Backup\\agent.exe' or user.name is 'kim')",
        "
rule r {
  detect process or script where
    runs alpha to create
    and (command_line contains any ['one', 'two']
      or (parent.name in shells
        and not (argument under any folders_one or argument under any folders_two)
        and user.name is 'somebody_else'))
}

exception e 'E' because 'b' until 2027-12-31
  where parent.executable is 'C:\\Program Files\\Backup\\agent.exe' or user.name is 'kim'
",
    );
}

#[test]
fn steps_are_aligned_and_so_are_their_operands() {
    check(
        "rule r { detect together by host,process within window { first: process where runs a
         optional x: network where destination.port exists
         second_step: file where file.action in [created, modified] and file.path under any staging_dirs and process is first.process
         third: file where file.action in [created, modified] or file.path under any staging_dirs or process is first.process
         } }",
        "
rule r {
  detect together by host, process within window {
    first:       process where runs a
    optional x: network where destination.port exists
    second_step: file where file.action in [created, modified]
                        and file.path under any staging_dirs
                        and process is first.process
    third:       file where file.action in [created, modified] or file.path under any staging_dirs or process is first.process
  }
}
"
        .replace(
            "where file.action in [created, modified] or file.path under any staging_dirs or process is first.process",
            "where file.action in [created, modified]
                         or file.path under any staging_dirs
                         or process is first.process",
        )
        .as_str(),
    );
}

#[test]
fn a_count_breaks_before_what_it_counts() {
    check(
        "rule r { detect distinct file.directory >= 10 by host,user.name within 1h of file where event.action is created and \
         file.extension in archive_extensions }",
        "
rule r {
  detect distinct file.directory >= 10 by host, user.name within 1h of
    file where file.action is created and file.extension in archive_extensions
}
",
    );
}

#[test]
fn events_break_field_by_field() {
    let line = "x".repeat(90);
    check(
        &format!(
            "tune r {{ test 'a' fires +40s process {{ process.executable 'a', command_line '{line}', process.code_signature.trusted true }} }}"
        ),
        &format!(
            "
tune r {{
  test 'a' fires
    +40s process {{
      executable   'a',
      command_line '{line}',
      process.code_signature.trusted true,
    }}
}}
"
        ),
    );
}

#[test]
fn tunes_are_put_in_order() {
    check(
        "tune r { test 'case' excepted by 'E' events 'a.json' as limacharlie except e on staged level low disable because 'x' until 2027-01-01 }",
        "
tune r {
  level low
  disable because 'x' until 2027-01-01

  except e on staged

  test 'case' excepted by 'E'
    events 'a.json' as limacharlie
}
",
    );
}

#[test]
fn fields_are_written_with_their_short_names() {
    for (long, short) in [
        ("process.executable exists", "executable exists"),
        ("process.parent.pe.original_file_name is 'x'", "parent.original_name is 'x'"),
        ("powershell.file.script_block_text exists", "script.text exists"),
        ("archiving.process.command_line exists", "archiving.command_line exists"),
        ("archiving.process.parent.name in shells", "archiving.parent.name in shells"),
        ("process is archiving.process", "process is archiving.process"),
        ("host.os.type is windows", "host.os is windows"),
        ("process.executable is process.parent.executable", "executable is parent.executable"),
        ("parent.process.executable exists", "parent.process.executable exists"),
    ] {
        check(&format!("let a = {long}"), &format!("let a = {short}\n"));
    }
}

#[test]
fn redundant_parentheses_go_and_needed_ones_stay() {
    for (given, kept) in [
        ("((a))", "a"),
        ("(a and b)", "a and b"),
        ("a and (b and (c and d))", "a and b and c and d"),
        ("(a or b) and c", "(a or b) and c"),
        ("not (a)", "not a"),
        ("not (not (a))", "not not a"),
        ("not (a and b)", "not (a and b)"),
        ("not not ((a or b))", "not not (a or b)"),
        ("(a) when available", "a when available"),
        ("(not a) when available", "not a when available"),
        ("not (a when available)", "not (a when available)"),
        ("(a and b) when available", "(a and b) when available"),
        ("(a when available) when available", "(a when available) when available"),
        ("a and (b when available)", "a and b when available"),
        // Else the outermost level would hold what it did not hold.
        ("a and (b and c when available)", "a and (b and c when available)"),
        ("(a.b runs x) or (runs y to any [v] with all [w, z])", "a.b runs x or runs y to any [v] with all [w, z]"),
    ] {
        check(&format!("let x = {given}"), &format!("let x = {kept}\n"));
    }
}

#[test]
fn text_keeps_its_quotes_numbers_their_form_and_durations_get_their_largest_unit() {
    check(
        "list a = ['it''s', \"tab\there \\\\ \\\" \\n\", 007, 60m, 90s, 48h, 0s, 1024KB, 2026-11-20, true, b]",
        "list a = ['it''s', \"tab\\there \\\\ \\\" \\n\", 007, 1h, 90s, 2d, 0s, 1024KB, 2026-11-20, true, b]\n",
    );
    check(
        "let a = command_line contains cased any base64wide( [ \"x\" , ] ) or command_line contains any base64 ('y')",
        "let a = command_line contains cased any base64wide([\"x\"]) or command_line contains any base64('y')\n",
    );
    stays("let a = b starts  with 'x'\n".replace("starts  with", "starts with").as_str());
    check(
        "let a = b starts\n with cased 'x' and c in cidr ['10.0.0.0/8'] and d >= 5\n",
        "let a = b starts with cased 'x' and c in cidr ['10.0.0.0/8'] and d >= 5\n",
    );
}

#[test]
fn descriptions_stay() {
    check("///   one\n///two\n///\n/// three\nlist a = [1]", "///   one\n/// two\n///\n/// three\nlist a = [1]\n");
}
