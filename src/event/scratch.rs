//! What is kept while one event is looked at, and used again for the next.

use crate::vocabulary::FieldId;

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
    answers: Vec<Answer>,
    /// For each condition of several parts the event for which it was asked, and the answer.
    joined: Vec<(u32, bool)>,
    /// Texts that leaves need were looked for in this event.
    filtered: bool,
}

/// What is known of a leaf.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    /// The event for which it was asked.
    event: u32,
    holds: bool,
    /// It needs texts; the last event in which one was found.
    needy: bool,
    hopeful: u32,
}

/// Notes leaves that may hold of the event.
pub(super) struct Hopeful<'s> {
    event: u32,
    answers: &'s mut [Answer],
}

impl Hopeful<'_> {
    /// A text was found that a leaf needs.
    pub(super) fn add(&mut self, leaf: usize) {
        if let Some(answer) = self.answers.get_mut(leaf) {
            answer.hopeful = self.event;
        }
    }
}

impl Scratch {
    /// Begins another event. `needy` says of each leaf whether it needs texts; `joined` is how many conditions of several parts
    /// there are.
    pub(super) fn next(&mut self, needy: impl ExactSizeIterator<Item = bool>, joined: usize) {
        let fits = self.answers.len() == needy.len() && self.joined.len() == joined;
        if !fits || self.texts.event == u32::MAX {
            let answers = needy.map(|needy| Answer { needy, ..Answer::default() }).collect();
            let joined = vec![(0, false); joined];
            *self = Scratch { texts: Texts::default(), answers, joined, filtered: false };
        }
        self.texts.event += 1;
        self.filtered = false;
    }

    /// From here on, a leaf that needs texts holds of this event only if it is noted.
    pub(super) fn filtered(&mut self) -> (&mut Texts, Hopeful<'_>) {
        self.filtered = true;
        let event = self.texts.event;
        (&mut self.texts, Hopeful { event, answers: &mut self.answers })
    }

    /// The answer to a condition of several parts, if it was asked of this event.
    pub(super) fn joined(&self, place: usize) -> Option<bool> {
        self.joined.get(place).filter(|(event, _)| *event == self.texts.event).map(|(_, holds)| *holds)
    }

    /// Keeps such an answer.
    pub(super) fn keep(&mut self, place: usize, holds: bool) -> bool {
        if let Some(slot) = self.joined.get_mut(place) {
            *slot = (self.texts.event, holds);
        }
        holds
    }

    /// Whether a leaf holds of the event; asked once.
    pub(super) fn holds(&mut self, index: usize, ask: impl FnOnce(&mut Texts) -> bool) -> bool {
        let now = self.texts.event;
        let Some(known) = self.answers.get_mut(index) else { return false };
        if known.event != now {
            known.event = now;
            let hopeless = known.needy && self.filtered && known.hopeful != now;
            known.holds = !hopeless && ask(&mut self.texts);
        }
        known.holds
    }
}
