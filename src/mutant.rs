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
    /// Regular expressions of command lines and folders.
    Lines,
}

mutants! {
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
