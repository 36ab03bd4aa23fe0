//! A network event is a connection that was made. An attempt that failed is one only for a condition that asks `event.outcome`.

use crate::ir::{Drop, OneEvent, Op, Pred};
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind};

/// A condition on events of a kind, of which failed attempts are none unless it asks for them. `at`: where the condition
/// begins; what is added has no width there.
pub(super) fn made(kind: Kind, pred: Pred, at: Span) -> Pred {
    let Some(outcome) = FieldId::find("event.outcome").filter(|id| id.def().has_kind(kind)) else { return pred };
    let mut asked = false;
    pred.each_test(&mut |test| asked |= test.field.id == outcome);
    if asked {
        return pred;
    }
    let span = Span::new(at.file, at.start, at.start);
    let failed = Pred::test(outcome, Op::Word(vec!["failure"]), span);
    // A target whose logs do not say so counts attempts, with a note.
    let made = Pred::Droppable { pred: Box::new(failed.not()), why: Drop::WhenAvailable, span };
    Pred::and([pred, made])
}

/// The same for each kind of a step's events.
pub(super) fn all_made(events: &OneEvent, at: Span) -> OneEvent {
    OneEvent::new(events.each().map(|(kind, pred)| (kind, made(kind, pred.clone(), at))).collect())
}
