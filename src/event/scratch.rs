//! What is kept while one event is looked at, and used again for the next.

use super::Event;
use super::node::Leaf;
use crate::sema::FieldId;

/// Texts of the event in small letters, made when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Which event this is: what was kept for another one is stale.
    event: u32,
    slots: Vec<Kept>,
}

/// A field's text, of the event for which it was made.
#[derive(Debug, Default)]
struct Kept {
    event: u32,
    ascii: bool,
    text: String,
}

impl Texts {
    /// The event's text in small letters.
    pub(super) fn folded(&mut self, field: FieldId, text: &str) -> &str {
        self.slot(field, text).map_or("", |kept| &kept.text)
    }

    /// The event's text in small letters if all of it is ASCII, where every comparison folds alike.
    pub(super) fn folded_ascii(&mut self, field: FieldId, text: &str) -> Option<&str> {
        self.slot(field, text).filter(|kept| kept.ascii).map(|kept| kept.text.as_str())
    }

    fn slot(&mut self, field: FieldId, text: &str) -> Option<&Kept> {
        if self.slots.is_empty() {
            self.slots.resize_with(FieldId::COUNT, Default::default);
        }
        let kept = self.slots.get_mut(field.index())?;
        if kept.event != self.event {
            kept.event = self.event;
            kept.ascii = text.is_ascii();
            kept.text.clear();
            if kept.ascii {
                kept.text.push_str(text);
                kept.text.make_ascii_lowercase();
            } else {
                kept.text.extend(text.chars().flat_map(char::to_lowercase));
            }
        }
        Some(kept)
    }
}

/// Answers about the event.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) texts: Texts,
    /// For each leaf the event for which it was answered, and the answer.
    answers: Vec<(u32, bool)>,
}

impl Scratch {
    /// Begins another event.
    pub(super) fn next(&mut self, leaves: usize) {
        if self.answers.len() != leaves || self.texts.event == u32::MAX {
            *self = Scratch { texts: Texts::default(), answers: vec![(0, false); leaves] };
        }
        self.texts.event += 1;
    }

    /// Whether a leaf holds of the event; asked once.
    pub(super) fn holds(&mut self, leaves: &[Leaf], index: usize, event: &Event) -> bool {
        let now = self.texts.event;
        match self.answers.get(index) {
            Some((asked, answer)) if *asked == now => return *answer,
            _ => {}
        }
        let answer = leaves.get(index).is_some_and(|leaf| leaf.ask.holds(leaf.field, event, &mut self.texts));
        if let Some(slot) = self.answers.get_mut(index) {
            *slot = (now, answer);
        }
        answer
    }
}
