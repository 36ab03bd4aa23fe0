//! Comments in every position.

use super::{check, stays};

#[test]
fn comments_between_items() {
    stays(
        "// The file.

// ---- section ----

// about a
list a = [1]  // behind a
// about b
list b = [2]

/// described
rule r {
}
"
        .replace("{\n}", "{}")
        .as_str(),
    );
    check("list a = [1]\n// behind\n\nlist b = [2]\n// end", "list a = [1]\n// behind\n\nlist b = [2]\n// end\n");
    check("/// doc\n// between\nrule r {}", "// between\n/// doc\nrule r {}\n");
}

#[test]
fn comments_in_lists() {
    check(
        "list a = [ // open
'x', 'y', // row
// own
'z' // before the comma
, 'w'
// tail
] // behind",
        "
list a = [  // open
  'x', 'y',  // row
  // own
  'z',  // before the comma
  'w',
  // tail
]  // behind
",
    );
    check("list a = [ // only\n]", "list a = [  // only\n]\n");
    check("group a = [b, c // c\n]", "group a = [\n  b,\n  c,  // c\n]\n");
}

#[test]
fn comments_in_rules() {
    stays(
        "rule r {  // brace
  // title
  title  \"T\"  // t
  attack [
    T1560,  // archive
    // and
    T1005,
  ]  // techniques

  // detect
  detect process where  // condition
    // first
    runs a  // one
    and (runs b  // two
      // third
      or not argument under any [  // folders
        '/tmp',
      ])  // end of detect

  // flags
  flag A   = runs a  // a
  flag Two =  // two
    runs b

  except 'x' because 'y'  // reason
    where runs c  // c
  except e  // e

  // test
  test 'a' fires with [A]  // verdict
    // event
    process {  // open
      executable 'x',  // field
      // own
      command_line 'y',
      // last
    }  // closed
    // second
    +4s process {}  // empty
  // last of all
}  // rule
"
        .replace("executable 'x'", "executable   'x'")
        .as_str(),
    );
}

#[test]
fn comments_in_sequences() {
    stays(
        "rule r {
  detect sequence by host within 5m {  // open
    // first
    a: process where runs x  // a
    // second
    b: process where runs x  // one
                 and runs y  // two
    // last
  }  // closed
}
",
    );
}

#[test]
fn comments_in_utilities_stand_in_a_column() {
    check(
        "utility a 'A' { // open
// key
os [windows] // os
cased // c
switch s = glued 'p' // one
or alone 'q' // two
// tail
}",
        "
utility a 'A' {  // open
  // key
  os       [windows]                                     // os
  cased                                                  // c
  switch s =
    glued 'p'  // one
    or alone 'q'                                         // two
  // tail
}
",
    );
}

#[test]
fn comments_in_odd_places_move_to_the_edge_of_their_statement() {
    check("rule r { title // a\n 'x' level low }", "rule r {\n  title 'x'  // a\n  level low\n}\n");
    check(
        "rule r { level low title // a\n // b\n 'x' // c\n }",
        "rule r {\n  // a\n  // b\n  title 'x'  // c\n  level low\n}\n",
    );
    check("let a = b and // c\n d", "let a =\n  b  // c\n  and d\n");
    check("let a = b and ( // c\n d)", "let a =\n  b  // c\n  and d\n");
    check("let a = b and (( // c\n d and e) or f)", "let a =\n  b  // c\n  and ((d and e) or f)\n");
    check(
        "let a = b and (\n// c\n(not (d) or e) when available or f)",
        "let a =\n  b\n  // c\n  and ((not d or e) when available or f)\n",
    );
    check("let a = b and c in base64(\n// c\n'x')", "let a =\n  b\n  // c\n  and c in base64('x')\n");
    check("let a = b and (d\n// c\nexists or f)", "let a =\n  b\n  // c\n  and (d exists or f)\n");
    check("let a = b and not (d\n// c\nexists or f)", "let a =\n  b\n  and not (\n    // c\n    d exists\n    or f)\n");
    check("let a = runs b // c\n to d and e", "let a =\n  runs b to d  // c\n  and e\n");
    check("rule // a\n r // b\n { // c\n level low }", "// a\n// b\nrule r {  // c\n  level low\n}\n");
    check("let a = b and (( // c\n d and e) or f)", "let a =\n  b  // c\n  and ((d and e) or f)\n");
    check(
        "let a = b and (\n// c\n(not (d) or e) when available or f)",
        "let a =\n  b\n  // c\n  and ((not d or e) when available or f)\n",
    );
    check("let a = runs b // c\n to d", "let a = runs b to d  // c\n");
    check("param // a\n x = 1", "param x = 1  // a\n");
    check("group // a\n x = // b\n [c]", "group x = [  // a\n  // b\n  c,\n]\n");
}

#[test]
fn comments_move_with_their_statement() {
    check(
        "rule r {
  // why it is silent
  test 'a' silent process {} // quiet
  // what it is called
  title 'x' // name
}",
        "
rule r {
  // what it is called
  title 'x'  // name

  // why it is silent
  test 'a' silent
    process {}  // quiet
}
",
    );
}
