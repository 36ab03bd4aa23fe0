//! Mistakes on purpose: each [`Mutant`] breaks one rule of binding, lowering or printing, and `tests/mutation.rs` shows
//! that translation validation notices it.
//!
//! Without the feature `mutants`, [`on`] is `false` at compile time and no mistake is in the program. With it, a mistake is
//! made by the thread that asks for it, for as long as the closure given to `with` runs.

macro_rules! mutants {
    ($($part:ident { $($name:ident: $what:literal,)* })*) => {
        /// A rule of the compiler that is broken, by how.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant {
            $($(#[doc = $what] $name,)*)*
        }

        #[cfg(feature = "mutants")]
        impl Mutant {
            /// Every mutant with the part of the compiler that it breaks, and how.
            pub const ALL: &[(Mutant, Part, &str)] = &[$($((Mutant::$name, Part::$part, $what),)*)*];
        }
    };
}

/// A part of the compiler.
#[cfg(feature = "mutants")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Sigma's.
    Sigma,
    /// Sigma's correlations.
    SigmaTime,
    /// Regular expressions of command lines and folders.
    Lines,
}

mutants! {
    Sigma {
        SigmaParentheses: "a connective in another one stands without parentheses",
        SigmaNotLost: "`not` is left out of conditions",
        SigmaBackslash: "a backslash before another one is not doubled",
        SigmaWildcardEscaped: "a backslash before a wildcard is not doubled",
        SigmaCaseCounts: "letters' case counts",
        SigmaCaseIgnored: "`cased` is ignored",
        SigmaRegexCase: "letters' case counts in regular expressions",
        SigmaFillerExists: "a filler exists",
        SigmaAllIsAny: "one of the values of `contains all` is enough",
        SigmaStartsAnywhere: "`startswith` is `contains`",
        SigmaOrderStrict: "`gte` is `gt`",
        SigmaExceptionWanted: "an exception is demanded",
        SigmaSetLost: "one of the sets of flags that reach a threshold is left out",
        SigmaSecondTestLost: "of two tests of one field the first one stays",
        SigmaAlternativesJoined: "alternatives share a map",
        SigmaShorthand: "`all of x_*` stands for some of these names",
        SigmaLeadLost: "no single plain term stands in front of a regular expression below an OR",
        SigmaRegexLast: "alternatives that ask a regular expression stand behind plain ones",
        SigmaAlternativesFirst: "alternatives of single plain terms stand right behind the first one",
        SigmaConjunctionDenied: "a conjunction with a regular expression is negated as a whole",
        SigmaWildcardKept: "a pattern of single characters, and a star that is one, stay plain",
        SigmaWindashDenied: "`windash` stands below a NOT",
        SigmaNetworks: "networks stay networks",
        SigmaQuoteMoved: "a value with a quote stands among the first terms of a search",
        SigmaLineBreakKept: "a text with a line break stays plain",
        SigmaDoubleNot: "what is denied twice has two NOTs",
        SigmaExceptionsBare: "a number in an exception may be missing",
        SigmaYamlQuote: "a quote in a scalar is not doubled",
        SigmaUnquoted: "values stand without quotes",
        SigmaDocumentLost: "only the first log source has a document",
    }
    SigmaTime {
        SigmaStepOrderLost: "a sequence is a correlation without order",
        SigmaWindowLost: "the window is a year",
        SigmaWindowExclusive: "the window is a second shorter",
        SigmaJoinKeyLost: "one of the group keys is left out",
        SigmaKeyMayLack: "base rules do not ask that a group key has a value",
        SigmaCountStrict: "a count must pass its number",
    }
    Lines {
        LineQuotesOpen: "white space within quotes separates arguments",
        LineQuoteBefore: "no quote may stand before an argument",
        LineNameGoesOn: "a name may go on",
        LineFolderGoesOn: "the name of a folder on a command line may go on",
        LineFirstPrefix: "only the first prefix counts",
        LineValueInBundle: "a letter that takes a value does not end a bundle",
        LineShortened: "a long name may be shortened to one letter",
        LineExceptLost: "what follows a glued switch may be what is excepted",
        LineDigitsLost: "no digit need follow",
        LineCaseIgnored: "names of a cased utility ignore case",
        LineImpliedOfSome: "a cheap test is implied by some of the alternatives",
        UnderOneSeparator: "a run of separators is one",
        UnderNeighbour: "a folder's name may go on",
        EscapeDot: "a dot in a text is any character",
    }
}

/// Whether this mistake is to be made.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn on(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
thread_local! {
    static MADE: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Whether this mistake is to be made.
#[cfg(feature = "mutants")]
#[must_use]
pub fn on(mutant: Mutant) -> bool {
    MADE.get() == Some(mutant)
}

/// Runs `work` with a mistake in this thread; threads that it starts make none.
#[cfg(feature = "mutants")]
pub fn with<T>(mutant: Mutant, work: impl FnOnce() -> T) -> T {
    struct Undo(Option<Mutant>);
    impl Drop for Undo {
        fn drop(&mut self) {
            MADE.set(self.0);
        }
    }
    let _undo = Undo(MADE.replace(Some(mutant)));
    work()
}
