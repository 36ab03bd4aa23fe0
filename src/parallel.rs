//! Work on many things at once, in their order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

/// What `work` makes of each of `all`, in their order, on a thread for each processor: on this one, and on as many more as the
/// system gives.
pub fn in_parallel<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let some = || {
        let take = || {
            let place = next.fetch_add(1, Ordering::Relaxed);
            Some((place, all.get(place)?))
        };
        std::iter::from_fn(take).map(|(place, one)| (place, work(one))).collect::<Vec<_>>()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(all.len());
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let more = (1..threads).map_while(|_| Builder::new().spawn_scoped(scope, some).ok());
        let running: Vec<_> = more.collect();
        let mut done = some();
        for thread in running {
            done.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::in_parallel;

    #[test]
    fn what_is_made_stands_in_the_order_of_what_it_is_made_of() {
        let all: Vec<usize> = (0..1000).collect();
        assert_eq!(in_parallel(&all, |n| n * 2), all.iter().map(|n| n * 2).collect::<Vec<_>>());
        assert!(in_parallel(&[0_u8; 0], |n| *n).is_empty());
    }
}
