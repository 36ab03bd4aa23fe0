fn main() {
    let mut sources = arcanary::source::Sources::new();
    let mut files = vec![];
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap();
        match sources.add_bytes(path, &bytes) {
            Ok(id) => files.push(arcanary::syntax::parse(id, &sources.get(id).unwrap().text.clone())),
            Err(d) => println!("{}", arcanary::diagnostic::to_text(&d, &sources, arcanary::diagnostic::Style::Plain)),
        }
    }
    let n: usize = files.iter().map(|f| f.file.items.len()).sum();
    let (project, diagnostics) = arcanary::sema::resolve(files, &Default::default());
    for d in &diagnostics { println!("{}", arcanary::diagnostic::to_text(d, &sources, arcanary::diagnostic::Style::Plain)); }
    println!("{n} items, {} utilities, {} rules, {} diagnostics", project.utilities.len(), project.rules.len(), diagnostics.len());
}
