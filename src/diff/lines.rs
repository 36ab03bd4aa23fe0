//! Two texts, line by line.

use similar::{Algorithm, DiffTag, capture_diff_slices, group_diff_ops};

/// Lines around each change.
const CONTEXT: usize = 3;

/// A line with its number in the file that it comes from.
pub type Line = (usize, String);

/// The lines of a text whose first line has this number in its file.
pub fn numbered(text: &str, first: usize) -> Vec<Line> {
    text.lines().enumerate().map(|(i, line)| (first + i, line.to_owned())).collect()
}

/// How two texts differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// A unified diff without the heading.
    pub diff: String,
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
}

impl Lines {
    /// Compares two texts.
    #[must_use]
    pub fn of(old: &[Line], new: &[Line]) -> Lines {
        let texts = |lines: &[Line]| lines.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        let (before, after) = (texts(old), texts(new));
        let mut out = Lines::default();
        for group in group_diff_ops(capture_diff_slices(Algorithm::Myers, &before, &after), CONTEXT) {
            let mut hunk = String::new();
            let (mut at, mut counts) = ([None, None], [0, 0]);
            for op in &group {
                let (tag, of_old, of_new) = op.as_tag_tuple();
                at = [at[0].or(Some(of_old.start)), at[1].or(Some(of_new.start))];
                counts = [counts[0] + of_old.len(), counts[1] + of_new.len()];
                if tag == DiffTag::Equal {
                    push(&mut hunk, ' ', before.get(of_old));
                } else {
                    out.removed += of_old.len();
                    out.added += of_new.len();
                    push(&mut hunk, '-', before.get(of_old));
                    push(&mut hunk, '+', after.get(of_new));
                }
            }
            let number = |lines: &[Line], at: Option<usize>| at.and_then(|at| Some(lines.get(at)?.0));
            let range = |lines: &[Line], at, count| match number(lines, at) {
                Some(first) => format!("{first},{count}"),
                None => format!("{},{count}", lines.last().map_or(0, |(last, _)| *last)),
            };
            let (was, is) = (range(old, at[0], counts[0]), range(new, at[1], counts[1]));
            out.diff.push_str(&format!("@@ -{was} +{is} @@\n{hunk}"));
        }
        out
    }

    /// The lines that are gone and new, without those around them.
    pub fn changes(&self) -> impl Iterator<Item = &str> {
        self.diff.lines().filter(|line| line.starts_with(['+', '-']))
    }

    /// How many lines are new and gone: `+3 −1`.
    #[must_use]
    pub fn counts(&self) -> String {
        format!("+{} −{}", self.added, self.removed)
    }
}

fn push(hunk: &mut String, sign: char, lines: Option<&[String]>) {
    for line in lines.unwrap_or_default() {
        hunk.push(sign);
        hunk.push_str(line);
        hunk.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, numbered};

    #[test]
    fn a_hunk_names_the_lines_of_the_file() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = old.replace('e', "E\nEE");
        let lines = Lines::of(&numbered(old, 11), &numbered(&new, 21));
        assert_eq!(lines.diff, "@@ -12,7 +22,8 @@\n b\n c\n d\n-e\n+E\n+EE\n f\n g\n h\n");
        assert_eq!((lines.added, lines.removed, lines.counts().as_str()), (2, 1, "+2 −1"));
        assert_eq!(lines.changes().collect::<Vec<_>>(), ["-e", "+E", "+EE"]);
        let fresh = Lines::of(&[], &numbered("a\nb", 5));
        assert_eq!(fresh.diff, "@@ -0,0 +5,2 @@\n+a\n+b\n");
        assert_eq!(Lines::of(&numbered(old, 1), &numbered(old, 9)), Lines::default());
    }
}
