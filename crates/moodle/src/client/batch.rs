//! Finds the bad item of a batch by halving, because Moodle refuses a batch as a whole and does not say which item it was.
//!
//! It must never send an item again whose earlier call may have had an effect. Next: `apply`, which calls
//! [`send_halving`] with its own closure; `read/` uses [`read_halving`].

use super::error::MoodleError;
use std::collections::VecDeque;

/// What became of one item of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemOutcome<R> {
    /// Moodle took it; this is its answer for the item.
    Done(R),
    /// Moodle refused it when it stood alone; nothing was done.
    Refused(MoodleError),
    /// It was sent and no answer came: re-read before anything else.
    Unknown(MoodleError),
    /// It was not sent, or in a batch that certainly had no effect, and will not be now.
    NotTried(MoodleError),
}

/// Sends `items`, and after a refusal the halves of what was refused, until each bad item stands alone.
///
/// `send` is called with a part of `items`, in order, one call at a time; it answers with one value per item. The
/// outcomes come in the order of `items`. At most `calls_max` calls are made (finding one bad item in n takes about
/// 2·log₂ n; if all are bad, 2n); what is left then counts as not tried. After a failure that concerns the site rather
/// than the items (denied, maintenance, not reached), nothing further is sent. A part whose fate is unknown is not split.
pub async fn send_halving<'a, I, R, F, Fut>(items: &'a [I], calls_max: usize, mut send: F) -> Vec<ItemOutcome<R>>
where
    F: FnMut(&'a [I]) -> Fut,
    Fut: Future<Output = Result<Vec<R>, MoodleError>>,
{
    let mut outcomes: Vec<Option<ItemOutcome<R>>> = items.iter().map(|_| None).collect();
    let mut parts = VecDeque::new();
    parts.push_back(0..items.len());
    let mut calls = 0;
    let mut last_refusal = None;
    let mut ended = None;
    while let Some(part) = parts.pop_front() {
        if part.is_empty() {
            continue;
        }
        if calls >= calls_max && ended.is_none() {
            ended = Some(last_refusal.clone().unwrap_or_else(|| make_not_sent("no calls allowed")));
        }
        if let Some(error) = &ended {
            outcomes[part].fill_with(|| Some(ItemOutcome::NotTried(error.clone())));
            continue;
        }
        calls += 1;
        match send(&items[part.clone()]).await {
            Ok(answers) if answers.len() == part.len() => {
                for (outcome, answer) in outcomes[part].iter_mut().zip(answers) {
                    *outcome = Some(ItemOutcome::Done(answer));
                }
            }
            Ok(answers) => {
                let error = make_miscount(answers.len(), part.len());
                outcomes[part].fill_with(|| Some(ItemOutcome::Unknown(error.clone())));
            }
            Err(error @ MoodleError::Refused { .. }) if part.len() > 1 => {
                last_refusal = Some(error);
                let middle = part.start + part.len() / 2;
                // At the front: the parts stay in order, and so do the calls.
                parts.push_front(middle..part.end);
                parts.push_front(part.start..middle);
            }
            Err(error @ MoodleError::Refused { .. }) => {
                outcomes[part].fill_with(|| Some(ItemOutcome::Refused(error.clone())));
            }
            Err(error) if error.may_have_acted() => {
                outcomes[part].fill_with(|| Some(ItemOutcome::Unknown(error.clone())));
            }
            Err(error) => {
                outcomes[part].fill_with(|| Some(ItemOutcome::NotTried(error.clone())));
                ended = Some(error);
            }
        }
    }
    outcomes.into_iter().map(|outcome| outcome.expect("the parts cover every item once")).collect()
}

/// Reads about `items`, and after a refusal of kind `is_poison` about the halves, until each bad item stands alone.
/// Gives what was read, and the bad items with their refusals. Bounded by 2n calls.
///
/// # Errors
/// Any failure that is not `is_poison`.
pub(super) async fn read_halving<'a, I, R, F, Fut>(
    items: &'a [I],
    is_poison: fn(&MoodleError) -> bool,
    mut read: F,
) -> Result<(Vec<R>, Vec<(&'a I, MoodleError)>), MoodleError>
where
    F: FnMut(&'a [I]) -> Fut,
    Fut: Future<Output = Result<Vec<R>, MoodleError>>,
{
    let (mut found, mut poisoned) = (Vec::new(), Vec::new());
    let mut parts = VecDeque::from([items]);
    while let Some(part) = parts.pop_front() {
        match (read(part).await, part) {
            (Ok(rows), _) => found.extend(rows),
            (Err(error), [item]) if is_poison(&error) => poisoned.push((item, error)),
            (Err(error), _) if is_poison(&error) => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.push_front(second);
                parts.push_front(first);
            }
            (Err(error), _) => return Err(error),
        }
    }
    Ok((found, poisoned))
}

fn make_not_sent(why: &str) -> MoodleError {
    MoodleError::NotSent { why: why.to_owned() }
}

fn make_miscount(got: usize, wanted: usize) -> MoodleError {
    MoodleError::Malformed { excerpt: format!("{got} answers for {wanted} items") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollbook_remote::words::Words;
    use std::cell::RefCell;

    fn refused() -> MoodleError {
        MoodleError::Refused { function: "f", code: "invalidparameter".to_owned(), words: Words::default() }
    }

    /// A site on which `bad` items are refused; records the sizes of the calls.
    async fn send_with(
        items: &[u32],
        calls_max: usize,
        bad: impl Fn(u32) -> Option<MoodleError>,
    ) -> (String, Vec<usize>) {
        let sizes = RefCell::new(Vec::new());
        let outcomes = send_halving(items, calls_max, |part: &[u32]| {
            sizes.borrow_mut().push(part.len());
            let result = match part.iter().find_map(|item| bad(*item)) {
                Some(error) => Err(error),
                None => Ok(part.to_vec()),
            };
            async { result }
        })
        .await;
        for (item, outcome) in items.iter().zip(&outcomes) {
            assert!(!matches!(outcome, ItemOutcome::Done(answer) if answer != item), "answers stay with their items");
        }
        let letters = outcomes.iter().map(|outcome| match outcome {
            ItemOutcome::Done(_) => 'D',
            ItemOutcome::Refused(_) => 'R',
            ItemOutcome::Unknown(_) => 'U',
            ItemOutcome::NotTried(_) => 'N',
        });
        (letters.collect(), sizes.into_inner())
    }

    #[tokio::test]
    async fn a_good_batch_takes_one_call_and_an_empty_one_none() {
        assert_eq!(send_with(&[1, 2, 3], 9, |_| None).await, ("DDD".to_owned(), vec![3]));
        assert_eq!(send_with(&[], 9, |_| None).await, (String::new(), vec![]));
    }

    #[tokio::test]
    async fn one_bad_item_is_found_and_the_rest_done() {
        let (outcomes, sizes) = send_with(&[1, 2, 3, 4, 5, 6, 7, 8], 99, |item| (item == 6).then(refused)).await;
        assert_eq!(outcomes, "DDDDDRDD");
        assert_eq!(sizes, [8, 4, 4, 2, 1, 1, 2]);
    }

    #[tokio::test]
    async fn the_number_of_calls_is_bounded() {
        let (outcomes, sizes) = send_with(&[1, 2, 3, 4], 4, |_| Some(refused())).await;
        assert_eq!(outcomes, "RRNN");
        assert_eq!(sizes, [4, 2, 1, 1]);
        assert_eq!(send_with(&[1, 2], 0, |_| None).await.0, "NN");
    }

    #[tokio::test]
    async fn an_unknown_part_is_neither_split_nor_sent_again() {
        let unknown = || MoodleError::Unknown { why: "time-out".to_owned() };
        let bad = |item| match item {
            2 => Some(refused()),
            3 => Some(unknown()),
            _ => None,
        };
        let (outcomes, sizes) = send_with(&[1, 2, 3, 4], 99, bad).await;
        assert_eq!(outcomes, "DRUU");
        assert_eq!(sizes, [4, 2, 1, 1, 2]);
    }

    #[tokio::test]
    async fn a_site_that_closes_ends_the_sending() {
        let closed = || MoodleError::Maintenance { code: "sitemaintenance".to_owned(), retry_after: None };
        let bad = |item| match item {
            4 => Some(refused()),
            1 => Some(closed()),
            _ => None,
        };
        let (outcomes, sizes) = send_with(&[4, 1, 2, 3], 99, bad).await;
        assert_eq!(outcomes, "RNNN");
        assert_eq!(sizes, [4, 2, 1, 1]);
    }

    #[tokio::test]
    async fn a_miscounted_answer_is_unknown() {
        let outcomes = send_halving(&[1, 2], 9, |_: &[i32]| async { Ok(vec![()]) }).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, ItemOutcome::Unknown(_))));
    }

    #[tokio::test]
    async fn poisoned_values_are_set_apart() {
        let read = |part: &[u32]| {
            let result = if part.contains(&3) { Err(refused()) } else { Ok(part.to_vec()) };
            async { result }
        };
        let (found, poisoned) = read_halving(&[1, 2, 3, 4, 5], |_| true, read).await.unwrap();
        assert_eq!(found, [1, 2, 4, 5]);
        assert_eq!(poisoned, [(&3, refused())]);
    }
}
