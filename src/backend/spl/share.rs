//! Conditions that a query asks more than once: computed once, under the name that the source gives them.

use super::ast::{Eval, Step};
use super::print;

/// A condition with a name.
#[derive(Clone, Debug)]
pub struct Named {
    /// The field that it is computed into.
    pub name: String,
    /// The condition.
    pub asked: Eval,
    /// A flag of the rule: text, which the result shows. Others are 1 and 0.
    pub flag: bool,
}

impl Named {
    /// What computes the field.
    pub fn computed(&self) -> (String, Eval) {
        let [yes, no] = self.values();
        (self.name.clone(), Eval::Call("if", vec![self.asked.clone(), yes, no]))
    }

    /// The field's values where it holds and where it does not.
    fn values(&self) -> [Eval; 2] {
        match self.flag {
            true => ["true", "false"].map(|t| Eval::Text(t.to_owned())),
            false => [1, 0].map(Eval::Number),
        }
    }

    /// That it holds, once it is computed, and that it does not.
    fn answers(&self) -> [Eval; 2] {
        self.values().map(|value| Eval::Binary("=", Box::new(Eval::Field(self.name.clone())), Box::new(value)))
    }

    /// Whether a query with so many questions of it is shorter with a field. A flag is a field in any case.
    fn pays(&self, uses: usize) -> bool {
        let (long, name) = (print::length(&self.asked), self.name.len() + 2);
        uses > 0 && self.flag || uses > 1 && uses * long > long + (uses + 1) * name + 20
    }
}

/// Puts fields in the place of conditions, in commands and in what flags ask; what is computed first, each behind what it
/// reads. Flags that the commands ask are taken out of `flags`.
pub fn shared(names: Vec<Named>, flags: &mut Vec<Named>, asked: &mut [&mut Eval]) -> Vec<Named> {
    let mut all: Vec<Named> = flags.iter().cloned().chain(names).collect();
    all.sort_by_key(|n| std::cmp::Reverse(print::length(&n.asked)));
    let mut out: Vec<Named> = vec![];
    for named in all {
        let of = |all: &[Named]| all.iter().map(|n| uses(&n.asked, &named.asked)).sum::<usize>();
        let later = if named.flag { 0 } else { of(flags) };
        let found = asked.iter().map(|e| uses(e, &named.asked)).sum::<usize>() + of(&out) + later;
        let twice = |n: &Named| n.name == named.name || n.asked == named.asked;
        if !named.pays(found) || out.iter().any(twice) {
            continue;
        }
        let answers = named.answers();
        // What it asks may be said in other fields by now.
        let place = flags.iter().position(|f| f.name == named.name);
        let own = place.filter(|_| named.flag).map(|place| flags.remove(place));
        asked.iter_mut().for_each(|e| replace(e, &named.asked, &answers));
        out.iter_mut().chain(flags.iter_mut()).for_each(|n| replace(&mut n.asked, &named.asked, &answers));
        out.push(own.unwrap_or(named));
    }
    // Shorter ones stand in longer ones, never the other way round.
    out.reverse();
    out
}

/// The words of a name as a field's name: `seven_zip_creates`.
pub fn name(words: &[String]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let mut out: String = words.join("_").chars().map(plain).collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

/// The expressions of a command.
pub fn expressions(step: &mut Step) -> Vec<&mut Eval> {
    match step {
        Step::Where(e) => vec![e],
        Step::Eval(all) => all.iter_mut().map(|(_, e)| e).collect(),
        _ => vec![],
    }
}

fn operands(e: &Eval) -> Vec<&Eval> {
    match e {
        Eval::Field(_) | Eval::Text(_) | Eval::Pattern(_) | Eval::Number(_) => vec![],
        Eval::Call(_, all) | Eval::And(all) | Eval::Or(all) => all.iter().collect(),
        Eval::Binary(_, a, b) => vec![a, b],
        Eval::Not(inner) => vec![inner],
    }
}

/// Whether all operands of one connective stand among those of the other.
fn holds_all(e: &Eval, part: &Eval) -> bool {
    match (e, part) {
        (Eval::And(all), Eval::And(some)) | (Eval::Or(all), Eval::Or(some)) => some.iter().all(|s| all.contains(s)),
        _ => false,
    }
}

fn uses(e: &Eval, part: &Eval) -> usize {
    if e == part {
        return 1;
    }
    usize::from(holds_all(e, part)) + operands(e).into_iter().map(|o| uses(o, part)).sum::<usize>()
}

fn replace(e: &mut Eval, part: &Eval, with: &[Eval; 2]) {
    let [holds, fails] = with;
    match e {
        _ if e == part => return e.clone_from(holds),
        Eval::Not(inner) if **inner == *part => return e.clone_from(fails),
        _ => {}
    }
    let found = holds_all(e, part);
    match e {
        Eval::And(all) | Eval::Or(all) => {
            if found {
                let gone = operands(part);
                let place = all.iter().position(|e| gone.contains(&e)).unwrap_or(0);
                let before = all.iter().take(place).filter(|e| !gone.contains(e)).count();
                all.retain(|e| !gone.contains(&e));
                all.insert(before, holds.clone());
            }
            all.iter_mut().for_each(|e| replace(e, part, with));
        }
        Eval::Call(_, all) => all.iter_mut().for_each(|e| replace(e, part, with)),
        Eval::Binary(_, a, b) => {
            replace(a, part, with);
            replace(b, part, with);
        }
        Eval::Not(inner) => replace(inner, part, with),
        Eval::Field(_) | Eval::Text(_) | Eval::Pattern(_) | Eval::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(name: &str) -> Eval {
        let pattern = Eval::Pattern(format!("a long regular expression over {name}"));
        Eval::Call("match", vec![Eval::Field(name.to_owned()), pattern])
    }

    fn named(name: &str, asked: Eval, flag: bool) -> Named {
        Named { name: name.to_owned(), asked, flag }
    }

    #[test]
    fn what_is_asked_twice_is_computed_once_and_reads_what_is_computed_before() {
        let utility = Eval::Or(vec![asks("a"), asks("b")]);
        let verb = Eval::And(vec![utility.clone(), asks("c")]);
        let mut first = Eval::And(vec![utility.clone(), asks("c"), asks("d")]);
        let none = Eval::Not(Box::new(utility.clone()));
        let mut second = Eval::Or(vec![verb.clone(), Eval::And(vec![utility.clone(), asks("e")]), none]);
        let names = vec![named("u", utility.clone(), false), named("v", verb, false), named("w", asks("z"), false)];
        let mut flags = vec![named("Late", Eval::And(vec![utility, asks("f")]), true)];
        let out = shared(names, &mut flags, &mut [&mut first, &mut second]);
        let printed = |e: &Eval| {
            let mut out = String::new();
            print::eval(&mut out, e);
            out.replace("a long regular expression over ", "")
        };
        let order: Vec<&str> = out.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(order, ["u", "v"]);
        assert_eq!(printed(&out[1].asked), "u=1 AND match(c, \"c\")");
        assert_eq!(printed(&first), "v=1 AND match(d, \"d\")");
        assert_eq!(printed(&second), "v=1 OR (u=1 AND match(e, \"e\")) OR u=0");
        assert_eq!(printed(&flags[0].asked), "u=1 AND match(f, \"f\")");
    }

    #[test]
    fn a_flag_is_asked_by_its_name_wherever_the_detection_asks_it() {
        let mut detect = Eval::Or(vec![asks("a"), asks("b")]);
        let mut flags = vec![named("Flag", asks("a"), true), named("Other", asks("c"), true)];
        let out = shared(vec![named("same", asks("a"), false)], &mut flags, &mut [&mut detect]);
        assert_eq!(flags.len(), 1);
        assert_eq!(out.len(), 1);
        assert!(matches!(&detect, Eval::Or(all) if matches!(all[0], Eval::Binary("=", ..)) && all[1] == asks("b")));
    }
}
