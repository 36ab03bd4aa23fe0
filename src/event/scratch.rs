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
    /// For each leaf the last event in which a text was found that it needs.
    hopeful: Vec<u32>,
    /// Such texts were looked for in this event.
    filtered: bool,
}

/// Notes leaves that may hold of the event.
pub(super) struct Hopeful<'s> {
    event: u32,
    leaves: &'s mut [u32],
}

impl Hopeful<'_> {
    /// A text was found that a leaf needs.
    pub(super) fn add(&mut self, leaf: usize) {
        if let Some(last) = self.leaves.get_mut(leaf) {
            *last = self.event;
        }
    }
}

impl Scratch {
    /// Begins another event.
    pub(super) fn next(&mut self, leaves: usize) {
        if self.answers.len() != leaves || self.texts.event == u32::MAX {
            let (answers, hopeful) = (vec![(0, false); leaves], vec![0; leaves]);
            *self = Scratch { texts: Texts::default(), answers, hopeful, filtered: false };
        }
        self.texts.event += 1;
        self.filtered = false;
    }

    /// From here on, a leaf that needs texts holds of this event only if it is noted.
    pub(super) fn filtered(&mut self) -> (&mut Texts, Hopeful<'_>) {
        self.filtered = true;
        let event = self.texts.event;
        (&mut self.texts, Hopeful { event, leaves: &mut self.hopeful })
    }

    /// Whether a leaf holds of the event; asked once.
    pub(super) fn holds(&mut self, leaves: &[Leaf], index: usize, event: &Event) -> bool {
        let now = self.texts.event;
        match self.answers.get(index) {
            Some((asked, answer)) if *asked == now => return *answer,
            _ => {}
        }
        let Some(leaf) = leaves.get(index) else { return false };
        if leaf.needy && self.filtered && self.hopeful.get(index) != Some(&now) {
            return false;
        }
        let answer = leaf.ask.holds(leaf.field, event, &mut self.texts);
        if let Some(slot) = self.answers.get_mut(index) {
            *slot = (now, answer);
        }
        answer
    }
}
