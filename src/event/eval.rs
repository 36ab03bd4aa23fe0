//! The reference evaluator: a rule, compiled once, says of each event whether it fires, with which flags, and which
//! exceptions silence it.
//!
//! What an event lacks makes a test false and its negation true. [`super::engine`] asks many rules at once and must say
//! the same.

use super::node::{Leaves, Node};
use super::scratch::Scratch;
use super::{Event, HOST_OS};
use crate::ir::{self, Pred, Score};
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::vocabulary::{Kind, Os};

/// A compiled rule over single events.
#[derive(Debug)]
pub struct Evaluator {
    rule: Compiled,
    leaves: Leaves,
}

/// A rule, with its tests among the leaves that it was compiled into.
#[derive(Debug)]
pub(super) struct Compiled {
    systems: Vec<Os>,
    pub(super) bodies: Vec<(Kind, Body)>,
    titles: Vec<String>,
    flags: Vec<String>,
    /// What the weighted flags must reach together, and where that is written.
    score: Option<(Score, Span)>,
}

#[derive(Debug)]
pub(super) struct Body {
    detect: Node,
    exceptions: Vec<Node>,
    flags: Vec<Node>,
}

/// What a rule says of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Its detection holds, exceptions aside; in a rule with weights, its score is reached.
    pub detected: bool,
    /// What its weighted flags come to; `None` without weights, and where the condition itself does not hold.
    pub score: Option<u64>,
    /// Its flags that hold; none where the detection does not.
    pub flags: Vec<String>,
    /// Titles of its exceptions that hold; none where the detection does not.
    pub excepted_by: Vec<String>,
}

impl Verdict {
    /// Whether an alert comes out.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.detected && self.excepted_by.is_empty()
    }
}

impl Body {
    fn of(body: &ir::Body, leaves: &mut Leaves) -> Body {
        Body {
            detect: Node::of(&body.detect, leaves),
            exceptions: body.exceptions.iter().map(|e| Node::of(e, leaves)).collect(),
            flags: body.flags.iter().map(|f| Node::of(&f.pred, leaves)).collect(),
        }
    }
}

impl Compiled {
    pub(super) fn new(rule: &Rule, project: &Project, leaves: &mut Leaves) -> Compiled {
        let bodies = rule.kinds.iter().map(|kind| {
            let body = rule.body(project, *kind, &rule.meta.os);
            (*kind, Body::of(&body, leaves))
        });
        let score = rule.meaning(project, &rule.meta.os).score().cloned();
        Compiled::of(rule, bodies.collect(), score)
    }

    fn of(rule: &Rule, bodies: Vec<(Kind, Body)>, score: Option<Score>) -> Compiled {
        Compiled {
            systems: rule.meta.os.clone(),
            bodies,
            titles: rule.exceptions.iter().map(|e| e.title.clone()).collect(),
            flags: rule.flag_names().map(str::to_owned).collect(),
            score: score.zip(rule.threshold.map(|t| t.1)),
        }
    }

    fn body(&self, event: &Event) -> Option<&Body> {
        let os = HOST_OS.and_then(|id| event.text(id));
        let foreign = os.is_some_and(|os| !self.systems.iter().any(|s| s.word() == os));
        self.bodies.iter().find(|(kind, _)| *kind == event.kind && !foreign).map(|(_, body)| body)
    }

    /// What the rule says of the event that `scratch` is about.
    pub(super) fn verdict(&self, leaves: &Leaves, event: &Event, scratch: &mut Scratch) -> Verdict {
        let leaves = leaves.all.as_slice();
        let Some(body) = self.body(event).filter(|b| b.detect.holds(leaves, event, scratch)) else {
            return Verdict::default();
        };
        let held: Vec<bool> = body.flags.iter().map(|flag| flag.holds(leaves, event, scratch)).collect();
        let score = self.score.as_ref().map(|(score, _)| score.of(|flag| held.get(flag) == Some(&true)));
        let reached = self.score.as_ref().is_none_or(|(all, _)| score.is_some_and(|s| s >= all.threshold));
        if !reached {
            return Verdict { score, ..Verdict::default() };
        }
        let flags = self.flags.iter().zip(&held).filter(|(_, held)| **held).map(|(name, _)| name.clone()).collect();
        let excepting = body.exceptions.iter().zip(&self.titles);
        let excepted_by = excepting.filter(|(node, _)| node.holds(leaves, event, scratch)).map(|(_, t)| t.clone());
        Verdict { detected: true, score, flags, excepted_by: excepted_by.collect() }
    }

    /// The tests that make the detection hold, in the order of the source; `true` marks one that had to fail.
    pub(super) fn clauses(&self, leaves: &Leaves, event: &Event, scratch: &mut Scratch) -> Vec<(Span, bool)> {
        let mut out = vec![];
        if let Some(body) = self.body(event) {
            body.detect.held(&leaves.all, event, scratch, &mut out);
        }
        // What the language adds is written nowhere.
        out.retain(|(span, _)| span.start < span.end);
        out.sort_unstable();
        // What a tool's `default` verb excludes has the place of the whole condition.
        out.dedup_by_key(|(span, _)| *span);
        out
    }
}

impl Evaluator {
    /// Compiles a rule over single events.
    #[must_use]
    pub fn new(rule: &Rule, project: &Project) -> Evaluator {
        let mut leaves = Leaves::default();
        Evaluator { rule: Compiled::new(rule, project, &mut leaves), leaves }
    }

    /// Compiles what a rule means for one kind of event, with an exception and a flag for each of the rule's.
    #[must_use]
    pub fn of_body(rule: &Rule, body: &ir::Body) -> Evaluator {
        let mut leaves = Leaves::default();
        let bodies = vec![(body.kind, Body::of(body, &mut leaves))];
        Evaluator { rule: Compiled::of(rule, bodies, body.score.clone()), leaves }
    }

    fn scratch(&self) -> Scratch {
        let mut scratch = Scratch::default();
        self.leaves.begin(&mut scratch);
        scratch
    }

    /// What the rule says of an event.
    #[must_use]
    pub fn verdict(&self, event: &Event) -> Verdict {
        self.rule.verdict(&self.leaves, event, &mut self.scratch())
    }
}

/// One compiled condition over single events.
#[derive(Debug)]
pub struct Condition {
    node: Node,
    leaves: Leaves,
}

impl Condition {
    /// Compiles a condition.
    #[must_use]
    pub fn new(pred: &Pred) -> Condition {
        let mut leaves = Leaves::default();
        Condition { node: Node::of(pred, &mut leaves), leaves }
    }

    /// Whether it holds for an event.
    #[must_use]
    pub fn holds(&self, event: &Event) -> bool {
        let mut scratch = Scratch::default();
        self.leaves.begin(&mut scratch);
        self.node.holds(&self.leaves.all, event, &mut scratch)
    }
}
