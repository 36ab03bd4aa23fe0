fn main() {
    let mut sources = arcanary::source::Sources::new();
    let mut files = vec![];
    let mut args = std::env::args().skip(1);
    let only = args.next().unwrap();
    for path in args {
        let bytes = std::fs::read(&path).unwrap();
        match sources.add_bytes(path, &bytes) {
            Ok(id) => files.push(arcanary::syntax::parse(id, &sources.get(id).unwrap().text.clone())),
            Err(d) => println!("{}", arcanary::diagnostic::to_text(&d, &sources, arcanary::diagnostic::Style::Plain)),
        }
    }
    let (project, diagnostics) = arcanary::sema::resolve(files, &Default::default());
    for d in &diagnostics { println!("{}", arcanary::diagnostic::to_text(d, &sources, arcanary::diagnostic::Style::Plain)); }
    let targets = arcanary::target::Targets::built_in();
    for rule in project.rules.values() {
        for t in targets.all.values() {
            if only != "all" && !format!("{}/{}", t.name, rule.name).contains(&only) { continue; }
            match arcanary::compile::compile(rule, &project, t) {
                Ok(d) => println!("=== {}/{} {:?}\n{}", t.name, rule.name, d.status, d.text),
                Err(e) => for d in e { println!("=== {}/{} REFUSED\n{}", t.name, rule.name, arcanary::diagnostic::to_text(&d, &sources, arcanary::diagnostic::Style::Plain)); }
            }
        }
    }
}
