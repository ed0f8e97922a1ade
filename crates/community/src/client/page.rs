//! Reads a list of many pages, in order of the resources' numbers, several stretches of it at a time.
//!
//! Each page asks for what comes after the last number seen, so that a row added or removed meanwhile makes no other row
//! come twice or not at all. It must never end before the last page without saying so, and never walk in circles.
//! Next: `read.rs`.

use super::call::DrupalClient;
use super::error::DrupalError;
use super::query::{PAGE_MAX, Query};
use super::wire::{Document, Resource};
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Why a list may not be all that the community has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IncompleteReason {
    /// The community withheld resources and said so (`meta.omitted`): the account lacks a permission.
    Omitted {
        /// How many, at least.
        count: usize,
    },
    /// More pages than `pages_max`; the rest was not read.
    PagesMax,
    /// A page did not lead on.
    PageRepeated,
    /// Rows that could not be read.
    Malformed {
        /// How many.
        rows: usize,
    },
}

/// A list, and whether it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The rows, by their numbers.
    pub rows: Vec<T>,
    /// Pages read.
    pub pages: usize,
    /// Empty when the last page was reached and nothing was withheld *visibly*: Drupal filters what an account may not
    /// see out of a list without a word.
    pub incomplete: Vec<IncompleteReason>,
}

/// A list to be read.
pub(super) struct Collection<'a> {
    /// `group_relationship--guild-group_membership`
    pub(super) resource: &'a str,
    /// The attribute with the number: `drupal_internal__id`.
    pub(super) number: &'static str,
    /// What is asked besides order and page.
    pub(super) query: Query,
}

/// What was read of a list.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) resources: BTreeMap<i64, Resource>,
    /// By UUID.
    pub(super) included: BTreeMap<String, Resource>,
    pub(super) pages: usize,
    omitted: usize,
    malformed: usize,
    pages_max_hit: bool,
    repeated: bool,
}

/// A stretch of numbers: after `after`, up to and with `upto` (to the end when absent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    after: Option<i64>,
    upto: Option<i64>,
}

impl Gathered {
    /// Turns resources into rows; those that `read` cannot are counted.
    pub(super) fn make_listing<T>(&self, read: impl Fn(&Resource) -> Option<T>) -> Listing<T> {
        let rows: Vec<T> = self.resources.values().filter_map(read).collect();
        let malformed = self.malformed + self.resources.len() - rows.len();
        let reasons = [
            (self.omitted > 0).then_some(IncompleteReason::Omitted { count: self.omitted }),
            self.pages_max_hit.then_some(IncompleteReason::PagesMax),
            self.repeated.then_some(IncompleteReason::PageRepeated),
            (malformed > 0).then_some(IncompleteReason::Malformed { rows: malformed }),
        ];
        Listing { rows, pages: self.pages, incomplete: reasons.into_iter().flatten().collect() }
    }

    fn absorb(&mut self, other: Self) {
        let Self { resources, included, pages, omitted, malformed, pages_max_hit, repeated } = other;
        self.resources.extend(resources);
        self.included.extend(included);
        self.pages += pages;
        self.omitted += omitted;
        self.malformed += malformed;
        self.pages_max_hit |= pages_max_hit;
        self.repeated |= repeated;
    }

    /// Takes a page in; gives the highest number on it.
    fn take(&mut self, document: Document, number: &str) -> Option<i64> {
        self.pages += 1;
        self.omitted += document.omitted();
        for value in document.included {
            if let Ok(resource) = Resource::deserialize(value) {
                self.included.insert(resource.id.clone(), resource);
            }
        }
        let rows = match document.data {
            Value::Array(rows) => rows,
            other => vec![other],
        };
        let mut highest = None;
        for row in rows {
            match Resource::deserialize(row).ok().and_then(|row| Some((row.number(number)?, row))) {
                Some((number, row)) => {
                    highest = highest.max(Some(number));
                    self.resources.insert(number, row);
                }
                None => self.malformed += 1,
            }
        }
        highest
    }
}

impl DrupalClient {
    /// Reads a whole list: its first page, and where there is more, the rest in as many stretches as there are permits.
    pub(super) async fn gather(&self, collection: &Collection<'_>) -> Result<Gathered, DrupalError> {
        let budget = AtomicUsize::new(self.pages_max());
        let mut gathered = Gathered::default();
        let whole = Stretch { after: None, upto: None };
        let Some(rest) = self.take_page(collection, whole, &budget, &mut gathered).await? else { return Ok(gathered) };
        let last = if self.concurrency() > 1 { self.fetch_last_number(collection).await? } else { None };
        let stretches = match (rest.after, last) {
            (Some(after), Some(last)) => {
                let per_page = (after - gathered.resources.keys().next().unwrap_or(&after)).max(1);
                split(after, last, per_page, self.concurrency())
            }
            _ => vec![rest],
        };
        let walks = stretches.into_iter().map(|stretch| self.walk(collection, stretch, &budget));
        for part in try_join_all(walks).await? {
            gathered.absorb(part);
        }
        Ok(gathered)
    }

    async fn walk(
        &self,
        collection: &Collection<'_>,
        stretch: Stretch,
        budget: &AtomicUsize,
    ) -> Result<Gathered, DrupalError> {
        let mut gathered = Gathered::default();
        let mut rest = Some(stretch);
        while let Some(stretch) = rest {
            rest = self.take_page(collection, stretch, budget, &mut gathered).await?;
        }
        Ok(gathered)
    }

    /// Takes one page into `gathered`; gives what is left of the stretch, if anything.
    async fn take_page(
        &self,
        collection: &Collection<'_>,
        stretch: Stretch,
        budget: &AtomicUsize,
        gathered: &mut Gathered,
    ) -> Result<Option<Stretch>, DrupalError> {
        let spend = |left: usize| left.checked_sub(1);
        if budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            gathered.pages_max_hit = true;
            return Ok(None);
        }
        let mut query = collection.query.clone();
        if let Some(after) = stretch.after {
            query = query.compare("after", collection.number, ">", after);
        }
        if let Some(upto) = stretch.upto {
            query = query.compare("upto", collection.number, "<=", upto);
        }
        let query = query.add("sort", collection.number).add("page[limit]", PAGE_MAX);
        let document = self.fetch_list(collection.resource, &query).await?;
        let has_next = document.link("next").is_some();
        let highest = gathered.take(document, collection.number);
        if !has_next {
            return Ok(None);
        }
        // A page of which nothing can be read, or that stands still, leads nowhere.
        match highest {
            Some(highest) if stretch.after.is_none_or(|after| highest > after) => {
                Ok(Some(Stretch { after: Some(highest), upto: stretch.upto }))
            }
            _ => {
                gathered.repeated = true;
                Ok(None)
            }
        }
    }

    async fn fetch_last_number(&self, collection: &Collection<'_>) -> Result<Option<i64>, DrupalError> {
        let query = collection.query.clone().add("sort", format!("-{}", collection.number)).add("page[limit]", 1);
        let document = self.fetch_list(collection.resource, &query).await?;
        Ok(Gathered::default().take(document, collection.number))
    }

    /// `resource` is the type's name, whose parts are the path.
    async fn fetch_list(&self, resource: &str, query: &Query) -> Result<Document, DrupalError> {
        let (entity, bundle) = resource.split_once("--").unwrap_or((resource, resource));
        self.fetch(&[entity, bundle], &query.to_text()).await
    }
}

/// Cuts the numbers after `after` into about equal stretches, no more than there are pages to expect, the last one open.
/// Numbers are shared with other lists, so that a stretch may be thin; it is right all the same.
fn split(after: i64, last: i64, per_page: i64, stretches_max: usize) -> Vec<Stretch> {
    let span = (last - after).max(0);
    let count = (span / per_page + 1).clamp(1, i64::try_from(stretches_max).unwrap_or(1));
    let bound = |index: i64| after + span / count * index;
    (0..count)
        .map(|index| Stretch { after: Some(bound(index)), upto: (index + 1 < count).then(|| bound(index + 1)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_every_number_once_and_stay_open_at_the_end() {
        for (after, last, per_page, max) in [(50, 157, 50, 2), (50, 51, 50, 4), (50, 50, 50, 4), (7, 1_000_003, 49, 3)]
        {
            let stretches = split(after, last, per_page, max);
            assert!(stretches.len() <= max && !stretches.is_empty());
            assert_eq!(stretches[0].after, Some(after));
            for pair in stretches.windows(2) {
                assert_eq!(pair[0].upto, pair[1].after);
            }
            assert_eq!(stretches.last().map(|stretch| stretch.upto), Some(None));
        }
        assert_eq!(split(50, 99, 50, 4).len(), 1, "one page is not worth two walks");
        assert_eq!(split(50, 10_000, 50, 4).len(), 4);
    }
}
