//! Where one stage hands over to the next, open to the mutation check alone: `tests/mutation/` changes what is handed over as
//! a mistake of the stage before would, and shows that translation validation notices it.
//!
//! Each hook is called in one place. With the feature `mutants` it makes the change that its thread asks for, for as long as
//! the closure given to [`with`] runs; without the feature it is nothing.

use super::Printed;
use super::kql::ast as kql;
use super::sigma::joint::Joint;
use super::sigma::selection::Selections;
use super::spl::ast as spl;
use crate::target::Plan;

macro_rules! stages {
    ($($(#[$about:meta])* $hook:ident, $variant:ident($($name:ident: $tree:ty),+);)+) => {
        /// What is changed, and how.
        #[cfg(feature = "mutants")]
        #[derive(Clone, Copy)]
        pub enum Change {
            $($(#[$about])* $variant(fn($(&mut $tree),+)),)+
        }

        $(
            $(#[$about])*
            #[cfg(feature = "mutants")]
            pub(crate) fn $hook($($name: &mut $tree),+) {
                if let Some(Change::$variant(change)) = MADE.get() {
                    change($($name),+);
                }
            }

            $(#[$about])*
            #[cfg(not(feature = "mutants"))]
            #[inline(always)]
            pub(crate) fn $hook($(_: &mut $tree),+) {}
        )+
    };
}

stages! {
    /// A rule over single events in a target's columns, before a language lowers it.
    plan, Plan(plan: Plan<'_>);
    /// A query in KQL, before what stands twice becomes a constant and it is printed.
    kql, Kql(query: kql::Query);
    /// A query in SPL, before it is printed.
    spl, Spl(query: spl::Query);
    /// A detection in Sigma, before its condition becomes a line.
    sigma, Sigma(condition: Joint, selections: Selections);
    /// All that was printed, before documents are made of it.
    printed, Printed(printed: Printed);
}

#[cfg(feature = "mutants")]
thread_local! {
    static MADE: std::cell::Cell<Option<Change>> = const { std::cell::Cell::new(None) };
}

/// Runs `work` with a change in this thread; threads that it starts make none.
#[cfg(feature = "mutants")]
pub fn with<T>(change: Change, work: impl FnOnce() -> T) -> T {
    struct Undo(Option<Change>);
    impl Drop for Undo {
        fn drop(&mut self) {
            MADE.set(self.0);
        }
    }
    let _undo = Undo(MADE.replace(Some(change)));
    work()
}

/// The languages' own trees.
#[cfg(feature = "mutants")]
pub mod trees {
    /// KQL's.
    pub mod kql {
        pub use crate::backend::kql::ast::*;
    }
    /// SPL's.
    pub mod spl {
        pub use crate::backend::spl::ast::*;
    }
    /// Sigma's.
    pub mod sigma {
        pub use crate::backend::sigma::item::Value;
        pub use crate::backend::sigma::joint::Joint;
        pub use crate::backend::sigma::selection::{Selection, Selections};
    }
}
