//! Wildcard patterns of `like`: a star in the source becomes a part here and is never a character again.

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// These characters.
    Literal(String),
    /// Any run of characters, none too.
    Any,
    /// One character.
    One,
}

/// A whole pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Glob {
    /// The parts; literals are never empty and never neighbours.
    pub parts: Vec<Part>,
}

impl Glob {
    /// Reads `*`, `?`, and `[*]`, `[?]`, `[[]` for the characters themselves.
    ///
    /// # Errors
    /// The byte at which a `[` stands that begins none of the three.
    pub fn parse(text: &str) -> Result<Glob, usize> {
        let mut glob = Glob::default();
        let mut rest = text.char_indices();
        while let Some((at, c)) = rest.next() {
            match c {
                '*' if glob.parts.last() == Some(&Part::Any) => {}
                '*' => glob.parts.push(Part::Any),
                '?' => glob.parts.push(Part::One),
                '[' => {
                    let inner = text.get(at..).unwrap_or("");
                    let literal = ["[*]", "[?]", "[[]"].into_iter().find(|e| inner.starts_with(e)).ok_or(at)?;
                    glob.push(literal.chars().nth(1).unwrap_or('['));
                    rest.next();
                    rest.next();
                }
                other => glob.push(other),
            }
        }
        Ok(glob)
    }

    fn push(&mut self, c: char) {
        match self.parts.last_mut() {
            Some(Part::Literal(text)) => text.push(c),
            _ => self.parts.push(Part::Literal(c.to_string())),
        }
    }

    /// Whether a part holds a character for which `f` is true.
    pub fn any_literal(&self, f: impl Fn(char) -> bool) -> bool {
        self.parts.iter().any(|p| matches!(p, Part::Literal(t) if t.chars().any(&f)))
    }

    /// How many wildcards it has.
    #[must_use]
    pub fn wildcards(&self) -> usize {
        self.parts.iter().filter(|p| !matches!(p, Part::Literal(_))).count()
    }

    /// Its longest literal.
    #[must_use]
    pub fn longest(&self) -> &str {
        self.parts
            .iter()
            .filter_map(|p| match p {
                Part::Literal(t) => Some(t.as_str()),
                _ => None,
            })
            .max_by_key(|t| t.len())
            .unwrap_or("")
    }

    /// As a regular expression, with what stands for `*` and for `?`.
    #[must_use]
    pub fn to_regex(&self, any: &str, one: &str) -> String {
        self.parts
            .iter()
            .map(|p| match p {
                Part::Literal(t) => super::regex::escape(t),
                Part::Any => any.to_owned(),
                Part::One => one.to_owned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_make_a_wildcard_a_character() {
        let glob = Glob::parse(r"?:\[*].*").expect("a pattern");
        assert_eq!(glob.parts, [Part::One, Part::Literal(r":\*.".into()), Part::Any]);
    }

    #[test]
    fn another_bracket_is_refused_with_its_place() {
        assert_eq!(Glob::parse("a[bc]"), Err(1));
    }

    #[test]
    fn neighbouring_stars_are_one() {
        assert_eq!(Glob::parse("a**b").expect("a pattern").parts.len(), 3);
    }
}
