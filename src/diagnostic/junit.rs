//! Results and findings as JUnit XML, which most CI servers show: a suite for each rule, a case for each test.
//!
//! The format has no standard; this keeps to what Jenkins' schema and the readers of GitLab and Azure share:
//! <https://github.com/jenkinsci/xunit-plugin>. Times are left out, so that the same results are the same bytes.

use super::{Diagnostic, Style, to_text};
use crate::escape;
use crate::source::{Sources, Span};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::borrow::Cow;
use std::io;

/// Cases that belong together.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Option<Span>,
    /// How it ended.
    pub ended: Ended,
}

/// How a case ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// As it should.
    Passed,
    /// As it should, with a word about it.
    Noted(String),
    /// Otherwise: in one line, and at length.
    Failed(String, String),
    /// It could not be looked at: in one line, and at length.
    Error(String, String),
    /// It was left out, and why.
    Skipped(String),
}

/// A suite of findings about sources: a case for each, of which warnings alone passed; without any a case that says so,
/// since servers take a run without cases for one that broke.
#[must_use]
pub fn of_findings(name: &str, diagnostics: &[Diagnostic], sources: &Sources) -> Suite {
    let case = |d: &Diagnostic| {
        let (message, text) = (d.message.clone(), to_text(d, sources, Style::Plain));
        let ended = match (d.is_error(), d.code.is_finding()) {
            (false, _) => Ended::Noted(text),
            (true, false) => Ended::Error(message, text),
            (true, true) => Ended::Failed(message, text),
        };
        Case {
            name: format!("{} {}", d.code.id(), super::place(d, sources)).trim_end().to_owned(),
            span: d.span(),
            ended,
        }
    };
    let none = Case { name: "no findings".to_owned(), span: None, ended: Ended::Passed };
    let cases = if diagnostics.is_empty() { vec![none] } else { diagnostics.iter().map(case).collect() };
    Suite { name: name.to_owned(), cases }
}

/// Suites as one XML document.
#[must_use]
pub fn to_junit(suites: &[Suite], sources: &Sources) -> String {
    let mut writer = Writer::new_with_indent(vec![], b' ', 2);
    // Writing to memory does not fail.
    let _ = document(&mut writer, suites, sources);
    let mut out = String::from_utf8(writer.into_inner()).unwrap_or_default();
    out.push('\n');
    out
}

type Out = Writer<Vec<u8>>;

fn document(writer: &mut Out, suites: &[Suite], sources: &Sources) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let cases = || suites.iter().flat_map(|s| &s.cases);
    let all = writer.create_element("testsuites").with_attribute(("name", "arcanary"));
    all.with_attributes(borrowed(&counts(cases())))
        .write_inner_content(|writer| suites.iter().try_for_each(|suite| one_suite(writer, suite, sources)))?;
    Ok(())
}

fn one_suite(writer: &mut Out, suite: &Suite, sources: &Sources) -> io::Result<()> {
    let name = clean(&suite.name);
    let element = writer.create_element("testsuite").with_attribute(("name", name.as_ref()));
    let element = element.with_attributes(borrowed(&counts(suite.cases.iter())));
    match suite.cases.is_empty() {
        true => element.write_empty()?,
        false => element.write_inner_content(|writer| {
            suite.cases.iter().try_for_each(|case| one_case(writer, &name, case, sources))
        })?,
    };
    Ok(())
}

fn borrowed<'a>(all: &'a [(&'a str, String)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    all.iter().map(|(name, value)| (*name, value.as_str()))
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case>) -> [(&'static str, String); 4] {
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    for case in cases {
        tests += 1;
        match case.ended {
            Ended::Passed | Ended::Noted(_) => {}
            Ended::Failed(..) => failures += 1,
            Ended::Error(..) => errors += 1,
            Ended::Skipped(_) => skipped += 1,
        }
    }
    let all = [("tests", tests), ("failures", failures), ("errors", errors), ("skipped", skipped)];
    all.map(|(name, n): (_, usize)| (name, n.to_string()))
}

fn one_case(writer: &mut Out, suite: &str, case: &Case, sources: &Sources) -> io::Result<()> {
    let mut attributes = vec![("name", clean(&case.name).into_owned()), ("classname", suite.to_owned())];
    if let Some((span, file)) = case.span.and_then(|span| Some((span, sources.get(span.file)?))) {
        attributes.push(("file", clean(&file.name).into_owned()));
        attributes.push(("line", file.line_column(span.start).0.to_string()));
    }
    let element = writer.create_element("testcase").with_attributes(borrowed(&attributes));
    let (tag, message, text) = match &case.ended {
        Ended::Passed => return element.write_empty().map(|_| ()),
        Ended::Noted(text) => {
            return element
                .write_inner_content(|writer| {
                    writer.create_element("system-out").write_text_content(BytesText::new(&clean(text)))?;
                    Ok(())
                })
                .map(|_| ());
        }
        Ended::Failed(message, text) => ("failure", message, text.as_str()),
        Ended::Error(message, text) => ("error", message, text.as_str()),
        Ended::Skipped(why) => ("skipped", why, ""),
    };
    element.write_inner_content(|writer| {
        let message = clean(message);
        let inner = writer.create_element(tag).with_attribute(("message", message.as_ref()));
        match text {
            "" => inner.write_empty()?,
            text => inner.write_text_content(BytesText::new(&clean(text)))?,
        };
        Ok(())
    })?;
    Ok(())
}

/// XML 1.0 has no way to write most control characters, so they become escapes that people can read.
fn clean(text: &str) -> Cow<'_, str> {
    escape::text(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use quick_xml::Reader;

    /// Every element and every text of a document, as a parser that knows nothing of the writer reads them.
    fn read(xml: &str) -> Vec<String> {
        let mut reader = Reader::from_str(xml);
        let mut out = vec![];
        let mut text = String::new();
        loop {
            let event = reader.read_event().expect("well-formed");
            if !matches!(event, Event::Text(_) | Event::GeneralRef(_)) && !text.trim().is_empty() {
                out.push(format!("text {:?}", std::mem::take(&mut text).trim()));
            }
            match event {
                Event::Start(e) | Event::Empty(e) => {
                    let mut line = e.name().as_ref().to_owned();
                    for attribute in e.attributes() {
                        let attribute = attribute.expect("an attribute");
                        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).expect("a value");
                        line.push_str(&format!(" {}={value:?}", attribute.key.as_ref()));
                    }
                    out.push(line);
                }
                Event::Text(t) => text.push_str(&t),
                Event::GeneralRef(r) => {
                    let name: &str = &r;
                    text.push_str(quick_xml::escape::resolve_predefined_entity(name).expect("an entity"));
                }
                Event::Eof => return out,
                _ => {}
            }
        }
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped_and_everything_else_comes_back() {
        let mut sources = Sources::new();
        let file = sources.add("a&b.det", "one\ntwo\n");
        let nasty = "<a href=\"x\"> & ]]> 'q' \u{1b}[31m \u{0} \u{FFFE} ümlaut \u{1F600}";
        let case = |name: &str, ended| Case { name: name.into(), span: Some(Span::new(file, 4, 7)), ended };
        let suite = Suite {
            name: "rule<1>".into(),
            cases: vec![
                case("fine", Ended::Passed),
                case(nasty, Ended::Failed(nasty.into(), format!("{nasty}\nsecond line"))),
                case("later", Ended::Skipped("not yet".into())),
            ],
        };
        let seen = "<a href=\\\"x\\\"> & ]]> 'q' \\\\u{1b}[31m \\\\u{0} \\\\u{fffe} ümlaut \u{1F600}";
        assert_eq!(
            read(&to_junit(&[suite], &sources)),
            [
                "testsuites name=\"arcanary\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\"".to_owned(),
                "testsuite name=\"rule<1>\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\"".to_owned(),
                "testcase name=\"fine\" classname=\"rule<1>\" file=\"a&b.det\" line=\"2\"".to_owned(),
                format!("testcase name=\"{seen}\" classname=\"rule<1>\" file=\"a&b.det\" line=\"2\""),
                format!("failure message=\"{seen}\""),
                format!("text \"{seen}\\nsecond line\""),
                "testcase name=\"later\" classname=\"rule<1>\" file=\"a&b.det\" line=\"2\"".to_owned(),
                "skipped message=\"not yet\"".to_owned(),
            ]
        );
    }

    #[test]
    fn findings_about_sources_are_errors_and_those_of_tests_failures() {
        let findings =
            [Diagnostic::new(Code::BadProject, "cannot be read"), Diagnostic::new(Code::TestFailed, "a test fails")];
        let suite = of_findings("sources", &findings, &Sources::new());
        assert!(matches!(&suite.cases[0].ended, Ended::Error(m, t) if m == "cannot be read" && t.contains("E0803")));
        assert!(matches!(&suite.cases[1].ended, Ended::Failed(..)));
        assert_eq!(suite.cases[1].name, "E0703");
    }

    #[test]
    fn warnings_pass_with_a_word_and_no_findings_are_a_case_that_passes() {
        let warning = Diagnostic::new(Code::StaleSkip, "without effect");
        let sources = Sources::new();
        let seen = read(&to_junit(&[of_findings("findings", &[warning], &sources)], &sources));
        assert_eq!(seen[1], "testsuite name=\"findings\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\"");
        assert_eq!(seen[3..], ["system-out", "text \"warning[W0002]: without effect\""]);
        let none = of_findings("findings", &[], &sources);
        assert!(matches!(none.cases.as_slice(), [Case { name, ended: Ended::Passed, .. }] if name == "no findings"));
    }
}
