//! Random rules over several events, as text.

/// Numbers from a seed: the same on every machine.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    /// Below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % n as u64).unwrap()
    }

    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// In this many of a hundred cases.
    pub fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }
}

/// The window of every random rule, in microseconds.
pub const WINDOW: i64 = 10_000_000;

const KEYS: [&str; 9] =
    ["host", "host", "host", "host.name", "user", "process", "host, user.name", "host, process", "process.pid"];

/// What an event is asked by its own fields.
fn alone(n: &mut Numbers) -> String {
    let one = n.one(&[
        "process.name in [\"a\", \"b\"]",
        "process.name is \"a\"",
        "process.name is \"b\"",
        "not process.name is \"c\"",
        "process.pid >= 8",
        "host.name exists",
        "(process.name is \"a\" or user.name is \"lee\")",
    ]);
    one.to_owned()
}

/// What an event is asked together with an earlier step's.
fn joined(n: &mut Numbers, earlier: &[&str]) -> String {
    let step = n.one(earlier);
    let equal = |n: &mut Numbers| {
        let text = n.one(&[
            "process is S.process",
            "process is S.process",
            "parent is S.process",
            "host is S.host",
            "user is S.user",
            "user.name is S.user.name",
            "user.name is cased S.user.name",
            "process.pid is S.process.pid",
            "process.pid is S.parent.pid",
        ]);
        text.replace('S', step)
    };
    let first = equal(n);
    match n.below(12) {
        0 => format!("not {first}"),
        1 => format!("({first} or {})", equal(n)),
        2 => format!("({first} or {})", alone(n)),
        3 => format!("({first} or {step}.process.name is \"a\")"),
        _ => first,
    }
}

fn kinds(n: &mut Numbers) -> &'static str {
    n.one(&["process", "file", "network", "file", "process or file", "network"])
}

/// A step's condition.
fn asked(n: &mut Numbers, earlier: &[&str]) -> String {
    let mut all = vec![alone(n)];
    for _ in 0..n.below(3) {
        if !earlier.is_empty() {
            all.push(joined(n, earlier));
        }
    }
    all.join(" and ")
}

fn flag(n: &mut Numbers, steps: &[&str]) -> String {
    let (a, b) = (n.one(steps), n.one(steps));
    match n.below(4) {
        0 if a != b => format!("{a}.user.name is {b}.user.name"),
        1 => format!("not {a}.process.name is \"a\""),
        2 if a != b => format!("{a}.process is {b}.process or {b}.process.name is \"b\""),
        _ => format!("{a}.process.name is \"b\""),
    }
}

/// A rule.
pub fn rule(n: &mut Numbers) -> String {
    let detect = match n.below(12) {
        0 => count(n),
        1 => distinct(n),
        2 | 3 => alike(n),
        _ => steps(n),
    };
    format!("rule r {{ title \"Random\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n{detect}\n}}\n")
}

fn count(n: &mut Numbers) -> String {
    let (many, key, kind, asked) = (1 + n.below(4), n.one(&KEYS), kinds(n), alone(n));
    format!("detect count >= {many} by {key} within 10s of {kind} where {asked}{}", excepted(n, &[]))
}

fn distinct(n: &mut Numbers) -> String {
    let (many, key, kind, asked) = (1 + n.below(3), n.one(&KEYS[..5]), kinds(n), alone(n));
    let of = n.one(&["process.name", "process.pid", "process", "user.name"]);
    format!("detect distinct {of} >= {many} by {key} within 10s of {kind} where {asked}{}", excepted(n, &[]))
}

fn excepted(n: &mut Numbers, required: &[&str]) -> String {
    match (n.below(6), required) {
        (0, []) => "\nexcept \"One\" because \"it is\" where process.name is \"b\"".to_owned(),
        (0, all) => format!("\nexcept \"One\" because \"it is\" where {}.process.name is \"b\"", n.one(all)),
        (1, [a, .., b]) => {
            let what = n.one(&["user.name", "process.pid", "process"]);
            format!("\nexcept \"Two\" because \"it is\" where {b}.{what} is {a}.{what}")
        }
        _ => String::new(),
    }
}

fn steps(n: &mut Numbers) -> String {
    if n.percent(35) {
        return apart(n);
    }
    let ordered = n.percent(70);
    let many = 2 + n.below(3).min(n.below(3));
    let (mut text, mut required, mut named): (String, Vec<&str>, Vec<&str>) = Default::default();
    for name in ["s1", "s2", "s3", "s4"].into_iter().take(many) {
        if ordered && !required.is_empty() && n.percent(25) {
            let (kind, asked) = (kinds(n), asked(n, &required));
            text.push_str(&format!("  without w{name}: {kind} where {asked}\n"));
        }
        let (kind, asked) = (kinds(n), asked(n, &required));
        text.push_str(&format!("  {name}: {kind} where {asked}\n"));
        required.push(name);
    }
    named.extend(&required);
    for name in ["o1", "o2"] {
        if n.percent(25) {
            let (kind, asked) = (kinds(n), asked(n, &named));
            text.push_str(&format!("  optional {name}: {kind} where {asked}\n"));
            named.push(name);
        }
    }
    let word = if ordered { "sequence" } else { "together" };
    let mut out = format!("detect {word} by {} within 10s {{\n{text}}}", n.one(&KEYS));
    for i in 0..n.below(3) {
        out.push_str(&format!("\nflag flag{i} = {}", flag(n, &named)));
    }
    out + &excepted(n, &required)
}

/// A sequence each step of which reads a kind of its own and is joined with one before it at most: most of them need no search.
fn apart(n: &mut Numbers) -> String {
    let mut kinds = vec!["process", "file", "network", "library"];
    let mut kind = |n: &mut Numbers| kinds.remove(n.below(kinds.len()));
    let equal = |n: &mut Numbers, earlier: &[&str]| match earlier {
        [] => String::new(),
        all => {
            let step = n.one(all);
            n.one(&["", "", " and process is S.process", " and user.name is S.user.name"]).replace('S', step)
        }
    };
    let (many, mut text, mut required): (usize, String, Vec<&str>) = (2 + n.below(2), String::new(), vec![]);
    // What stands in the gap is often joined as what stands behind it.
    let (alike, second) = (n.percent(60), equal(n, &["s1"]));
    for name in ["s1", "s2", "s3"].into_iter().take(many) {
        let joined = if alike && name == "s2" { second.clone() } else { equal(n, &required) };
        let (of, asked) = (kind(n), alone(n));
        text.push_str(&format!("  {name}: {of} where {asked}{joined}\n"));
        required.push(name);
        if name == "s1" && n.percent(60) {
            let (of, joined) = (kind(n), if alike { second.clone() } else { equal(n, &required) });
            text.push_str(&format!("  without w: {of} where process.name in [\"b\", \"c\"]{joined}\n"));
        }
    }
    let key = n.one(&["host", "host", "user", "host, user.name"]);
    format!("detect sequence by {key} within 10s {{\n{text}}}\nflag flag0 = {}", flag(n, &required))
}

/// Three to five steps that the same events fit, so that they compete for them; most often nothing else joins them.
fn alike(n: &mut Numbers) -> String {
    let ordered = n.percent(60);
    let (many, mut text, mut required): (usize, String, Vec<&str>) = (3 + n.below(3), String::new(), vec![]);
    let guard = if ordered && n.percent(50) { 1 + n.below(many - 1) } else { 0 };
    let some = |n: &mut Numbers| {
        n.one(&[
            "process.name is \"a\"",
            "process.name in [\"a\", \"b\"]",
            "not process.name is \"c\"",
            "host.name exists",
            "user.name is \"kim\"",
        ])
        .to_owned()
    };
    for (i, name) in ["s1", "s2", "s3", "s4", "s5"].into_iter().take(many).enumerate() {
        if i > 0 && i == guard {
            // Now and then the event that must not be there is one that may as well be a step's.
            let (of, asked) = (n.one(&["network", "library", "process", "library"]), some(n));
            text.push_str(&format!("  without w: {of} where {asked}\n"));
        }
        let of = n.one(&["process", "process or file", "process or file or network"]);
        let asked = if required.is_empty() || n.percent(90) { some(n) } else { joined(n, &required) };
        text.push_str(&format!("  {name}: {of} where {asked}\n"));
        required.push(name);
    }
    let word = if ordered { "sequence" } else { "together" };
    format!("detect {word} by host within 10s {{\n{text}}}{}", excepted(n, &required))
}
