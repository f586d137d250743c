//! Waiting for several networks at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_util::future::{MaybeDone, maybe_done};

/// What all futures come to, in their order. They are polled side by side, each
/// whenever one of them is woken: meant for a few.
///
/// `futures_util` has the same, and with it what is faster for more than thirty, which
/// takes 2 kB of the Worker's script.
pub(crate) async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<MaybeDone<F>>>> =
        futures.map(|future| Box::pin(maybe_done(future))).collect();
    poll_fn(|context| {
        let mut are_done = true;
        for future in &mut futures {
            are_done &= future.as_mut().poll(context).is_ready();
        }
        if are_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    let outputs = futures.iter_mut();
    outputs
        .filter_map(|future| future.as_mut().take_output())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::task::{Context, Waker};

    use super::*;

    /// Waits to be polled so often, and takes down each time.
    async fn nth(n: usize, polls: &RefCell<Vec<usize>>) -> usize {
        let mut left = n;
        poll_fn(|_| {
            polls.borrow_mut().push(n);
            left -= 1;
            if left == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        n
    }

    #[test]
    fn none_waits_for_another_and_the_outputs_are_in_order() {
        let polls = RefCell::default();
        let mut all = Box::pin(join_all([3, 1, 2].map(|n| nth(n, &polls)).into_iter()));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(all.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(*polls.borrow(), [3, 1, 2]);
        assert_eq!(all.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(all.as_mut().poll(&mut context), Poll::Ready(vec![3, 1, 2]));
        assert_eq!(*polls.borrow(), [3, 1, 2, 3, 2, 3]);
    }

    #[test]
    fn nothing_is_done_at_once() {
        let mut all = Box::pin(join_all(std::iter::empty::<std::future::Ready<()>>()));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(all.as_mut().poll(&mut context), Poll::Ready(vec![]));
    }
}
