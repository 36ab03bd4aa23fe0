//! Characters that nobody sees.

use crate::on;

#[test]
fn what_nobody_sees_is_written_as_an_escape_or_told() {
    let unseen =
        ['\u{202e}', '\u{2066}', '\u{200b}', '\u{2060}', '\u{ad}', '\u{3164}', '\u{180e}', '\u{fe0f}', '\u{feff}'];
    for c in unseen {
        let number = format!("{:04x}", u32::from(c));
        for condition in [
            format!("command_line contains \"a\\u{{{number}}}b\""),
            format!("process.name is \"a\\u{{{number}}}b\""),
            format!("command_line like \"*a\\u{{{number}}}?\""),
            format!("command_line matches \"a\\u{{{number}}}[0-9]\""),
            format!("executable contains \"\\\\a\\u{{{number}}}b\""),
            format!("command_line contains cased \"a\\u{{{number}}}b\""),
        ] {
            for target in ["sentinel", "defender", "sigma"] {
                let text = on(target, &format!("detect process where {condition}")).expect(&condition);
                assert!(!text.contains(c), "{target} {condition}: {text}");
                assert!(text.to_lowercase().contains(&format!("\\u{number}")), "{target} {condition}: {text}");
            }
            let text = on("splunk-sysmon", &format!("detect process where {condition}")).expect(&condition);
            assert!(text.contains(c), "{condition}: {text}");
            let told = format!("The query holds U+{:04X}, which nobody sees", u32::from(c));
            assert!(text.contains(&told), "{condition}: {text}");
        }
    }
    let tag = on("sigma", "detect process where command_line contains \"a\\u{e0041}\"").expect("a rule");
    assert!(tag.contains("\\U000e0041") && !tag.contains('\u{e0041}'), "{tag}");
}
