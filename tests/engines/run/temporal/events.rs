//! Small sets of events around the edges of a window: at it, a millisecond before and behind it, at equal times, on
//! another host, of another, a recycled or no process.

use super::super::super::oracle::temporal::Happened;
use super::super::super::oracle::{Event, Value};
use super::super::random::Dice;
use arcanary::vocabulary::Kind;

/// When the first event happens, in microseconds.
const START: i64 = 1_795_000_000_000_000;
/// Names of hosts, users and processes. Processes are known by number and time of creation: the second one's number is
/// used again by the third.
const HOSTS: [&str; 2] = ["h1", "h2"];
const USERS: [&str; 3] = ["kim", "Kim", "bo"];
pub const PROCESSES: [(&str, i64, i64); 3] = [("p1", 11, 1_000), ("p2", 22, 2_000), ("p3", 22, 3_000)];

/// The nth set of events for a window in seconds, in any order; sets lie farther apart than any match of them is long.
pub fn set(dice: &mut Dice, within: i64, n: usize) -> Vec<Happened> {
    let window = within * 1_000_000;
    let start = START + i64::try_from(n).expect("few sets") * (9 * window + 1_234_567);
    let edges = [0, 0, 1_000, window / 2, window - 1_000, window, window, window + 1_000, 2 * window];
    let sparse = dice.one_in(3);
    // Half of the sets lie at the very edges of one window, so that what happens at them decides.
    let tight = dice.one_in(2);
    let edges = if tight { &[0, 0, window, window, window + 1_000][..] } else { &edges[..] };
    (0..4 + dice.below(9))
        .map(|_| {
            let jitter = if !tight && dice.one_in(8) { *dice.pick(&[1, -1, 1_000]) } else { 0 };
            let time =
                start + *dice.pick(edges) + if !tight && dice.one_in(3) { *dice.pick(edges) } else { 0 } + jitter;
            Happened { time, event: event(dice, sparse, tight) }
        })
        .collect()
}

fn event(dice: &mut Dice, sparse: bool, varied: bool) -> Event {
    let (kind, mark) = *dice.pick(&[
        (Kind::Process, "command_line"),
        (Kind::File, "file.name"),
        (Kind::Network, "destination.domain"),
    ]);
    let chance = |c: char| match c {
        'x' | 'y' => 8,
        'w' => 4,
        _ => 2,
    };
    let letters: String = "abcdwofxy".chars().filter(|c| dice.one_in(chance(*c))).collect();
    let mut fields: Vec<(&str, Value)> = vec![(mark, Value::Text(format!("q{letters}")))];
    let text = |t: &str| Value::Text(t.to_owned());
    let names = PROCESSES.map(|(name, ..)| name);
    let pools: [(&str, &[&str], usize); 4] =
        [("host", &HOSTS, 1), ("user.name", &USERS, 2), ("process", &names, 1), ("parent", &names, 3)];
    for (name, all, usual) in pools {
        let all = if dice.one_in(if varied { 2 } else { 3 }) { all } else { &all[..usual] };
        if dice.one_in(if sparse { 4 } else { 12 }) {
            continue;
        }
        let value = *dice.pick(all);
        // A process is one of its host: no host, no process.
        let host = fields.iter().find(|(n, _)| *n == "host").map(|(_, v)| v.text().to_owned());
        match (matches!(name, "process" | "parent"), host) {
            (false, _) => fields.push((name, text(value))),
            (true, Some(host)) => fields.push((name, Value::Text(format!("{host}/{value}")))),
            (true, None) => continue,
        }
        if name == "user.name" {
            fields.push(("user", Value::Text(format!("corp\\{value}"))));
        }
        if let ("process", Some((_, pid, _))) = (name, PROCESSES.iter().find(|p| p.0 == value)) {
            fields.push(("process.pid", Value::Number(*pid)));
        }
    }
    Event::new(kind, fields)
}
