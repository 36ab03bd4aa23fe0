//! Translation validation: documents are run on real engines over rows, and must return what the oracle says.
//!
//! | engine | language | what it is |
//! |---|---|---|
//! | `kusto_run/run.py` | KQL | duckdb-kql, which translates to DuckDB's SQL and was built against Microsoft's emulator |
//! | `spl` | SPL | the strict evaluator of these tests, written from Splunk's documentation |
//! | `sigma/run.py` | Sigma | pySigma's SQLite backend, SQLite, Python's regular expressions |
//! | `sigma/convert.py`, `spl` | Sigma | pySigma's Splunk backend with `splunk_windows`, with and without `sysmon` in front; what it prints is run by the evaluator |
//! | `sigma/convert.py` | Sigma | pySigma's Kusto backend with `microsoft_xdr`, duckdb-kql |
//! | `sigma_rust` | Sigma | sigma-rust, an evaluator on its own |
//! | `sigma/correlate.py` | Sigma's correlations | pySigma's SQLite backend again |
//! | `rsigma` | Sigma's correlations | rsigma, an engine on its own |
//!
//! `deviations.md` beside this folder lists where an engine is known not to do what its platform does.

pub mod compare;
pub mod converted;
#[allow(dead_code, reason = "`tests/correlations.rs` runs it")]
pub mod correlations;
pub mod deviations;
pub mod engines;
pub mod events;
pub mod expect;
#[allow(dead_code, reason = "`tests/validation.rs` runs it")]
pub mod queries;
pub mod random;
pub mod report;
pub mod required;
pub mod temporal;
pub mod tree;
pub mod view;

/// Does the work for each item, on two threads by turns.
pub fn side_by_side<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let every_second = |first: usize| all.iter().skip(first).step_by(2).map(&work).collect::<Vec<R>>();
    let (even, odd) = std::thread::scope(|scope| {
        let odd = scope.spawn(|| every_second(1));
        (every_second(0), odd.join().expect("the other half"))
    });
    let (mut even, mut odd) = (even.into_iter(), odd.into_iter());
    std::iter::from_fn(|| Some([even.next()?].into_iter().chain(odd.next()))).flatten().collect()
}
