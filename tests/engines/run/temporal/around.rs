//! Small sets of events around the edges of a rule's window, made of the events in the rule's own tests: in and out of
//! order, at one time, twice, on another host, of another process, without a host, a user or a process.

use super::super::super::oracle::temporal::Happened;
use super::super::super::oracle::{Event, Value};
use super::super::random::Dice;
use arcanary::ir::Meaning;
use arcanary::sema::{Project, Rule};
use arcanary::syntax::ast::TestInput;
use arcanary::vocabulary::FieldId;

/// When the first event happens, in microseconds.
const START: i64 = 1_795_000_000_000_000;
const HOSTS: [&str; 2] = ["ws1.corp", "ws2.corp"];
const USERS: [&str; 3] = ["kim", "KIM", "bo"];
const PROCESSES: [&str; 2] = ["{a-1}", "{b-2}"];

/// What the sets of a rule are made of.
pub struct Around {
    pool: Vec<Event>,
    /// Microseconds.
    window: i64,
    /// The fewest events of a match, or of a burst.
    least: usize,
    /// The field whose different values are counted.
    distinct: Option<FieldId>,
}

impl Around {
    pub fn new(rule: &Rule, project: &Project) -> Around {
        let inputs = rule.tests.iter().filter_map(|t| if let TestInput::Events(e) = &t.input { Some(e) } else { None });
        let pool: Vec<Event> = inputs.flatten().map(Event::inline).collect();
        assert!(!pool.is_empty(), "`{}` has no tests with events", rule.name);
        match rule.meaning(project, &rule.meta.os) {
            Meaning::Steps(steps) => {
                Around { pool, window: steps.within.micros, least: steps.required().count(), distinct: None }
            }
            Meaning::Count(count) => Around {
                pool,
                window: count.within.micros,
                least: usize::try_from(count.at_least).expect("a small number"),
                distinct: count.distinct.map(|k| k.field),
            },
            Meaning::Single(_) => panic!("`{}` is about one event", rule.name),
        }
    }

    /// The nth set, in any order of times; sets lie farther apart than any match of them is long.
    pub fn set(&self, dice: &mut Dice, n: usize) -> Vec<Happened> {
        let window = self.window;
        let start = START + i64::try_from(n).expect("few sets") * (9 * window + 1_234_567);
        let edges = [0, 0, 1_000, window / 2, window - 1_000, window, window, window + 1_000, 2 * window];
        (0..self.least + dice.below(self.least + 5))
            .map(|place| {
                let jitter = if dice.one_in(8) { *dice.pick(&[1, -1, 1_000]) } else { 0 };
                let time = start + *dice.pick(&edges) + if dice.one_in(4) { *dice.pick(&edges) } else { 0 } + jitter;
                Happened { time, event: self.event(dice, place) }
            })
            .collect()
    }

    fn event(&self, dice: &mut Dice, place: usize) -> Event {
        let mut event = dice.pick(&self.pool).clone();
        let pools: [(&str, &[&str]); 3] = [("host", &HOSTS), ("user.name", &USERS), ("process", &PROCESSES)];
        // An event that names its parent has one among the others.
        if event.named("parent.entity_id").is_some() {
            let parent = if dice.one_in(4) { *dice.pick(&PROCESSES) } else { PROCESSES[0] };
            event.fields.insert(FieldId::find("parent").expect("a field"), Value::Text(parent.to_owned()));
        }
        for (name, all) in pools {
            let field = FieldId::find(name).expect("a field");
            event.fields.remove(&field);
            if !dice.one_in(14) {
                let value = if dice.one_in(4) { *dice.pick(all) } else { all[0] };
                event.fields.insert(field, Value::Text(value.to_owned()));
            }
        }
        if let Some(field) = self.distinct {
            let place = if dice.one_in(4) { dice.below(self.least) } else { place };
            let directory = format!("C:\\d{place}");
            let name = event.named("file.name").map_or("a.zip", Value::text).to_owned();
            let made = match field.short() {
                "file.directory" => vec![("file.path", format!("{directory}\\{name}")), ("file.directory", directory)],
                "destination.ip" => vec![("destination.ip", format!("203.0.113.{place}"))],
                "process" => vec![("process", format!("{{p-{place}}}"))],
                other => panic!("values of `{other}` are not made up here"),
            };
            for (name, value) in made {
                event.fields.insert(FieldId::find(name).expect("a field"), Value::Text(value));
            }
        }
        event
    }
}
