//! What of a plan may be applied. A finding holds back its own changes; the rest goes on. A named person's approval is of
//! changes, each by its key, so that it holds as long as they are wanted, whatever else has changed meanwhile.

use super::{Finding, Held, Level};
use crate::model::LinkName;
use crate::plan::{Digest, digest};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A plan whose changes can be held back one by one.
pub trait Guarded: Clone {
    /// The link.
    fn link(&self) -> &LinkName;

    /// What each change is recognised by when the plan is made again, in the plan's order.
    fn keys(&self) -> Vec<String>;

    /// The plan with these of its changes only, by their places.
    fn only(&self, places: &BTreeSet<usize>) -> Self;

    /// Adds the changes that cannot be done, or make no sense, without those that are held back.
    fn hold_dependents(&self, _held: &mut BTreeSet<usize>) {}

    /// What of the plan waits for a person: the changes that are held back, and what else an approval would accept.
    fn waiting(&self, held: &BTreeSet<usize>, _findings: &[Finding]) -> Self {
        self.only(held)
    }

    /// What an approval of such a plan is of.
    fn approval_keys(&self) -> Vec<String> {
        self.keys()
    }

    /// What a plan that waits is recognised by.
    fn approval_digest(&self) -> Digest {
        digest(self.link().as_str(), &self.approval_keys())
    }
}

/// A named person's word that these changes may be made once, in spite of what the checks say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The stored plan that was looked at.
    pub plan: i64,
    /// Its changes, by their keys.
    pub keys: BTreeSet<String>,
    /// Who looked.
    pub by: String,
    /// Until when the word holds.
    pub expires_at: Timestamp,
}

/// A plan that may be applied. Nothing but [`decide`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleared<P> {
    plan: P,
    places: Vec<usize>,
    approved_by: Option<String>,
}

impl<P> Cleared<P> {
    /// The plan: the changes that may be made.
    pub fn plan(&self) -> &P {
        &self.plan
    }

    /// The place of each of its changes in the whole plan.
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// Who approved some of it, where it needed that.
    pub fn approved_by(&self) -> Option<&str> {
        self.approved_by.as_deref()
    }
}

/// What is decided about a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<P> {
    /// What may be applied, perhaps nothing.
    pub cleared: Cleared<P>,
    /// What waits for a person, where anything does.
    pub waiting: Option<P>,
    /// The places of the changes that are held back.
    pub held: BTreeSet<usize>,
    /// What the checks found in what was not approved.
    pub findings: Vec<Finding>,
    /// The approvals that are used up by this.
    pub used: Vec<i64>,
}

/// Decides about a plan. `check` runs every check over a plan; `reserved` are keys of changes that wait in another plan, and
/// so are held back here too. What was approved does not count in the checks of the rest.
pub fn decide<P: Guarded>(
    plan: &P,
    check: impl Fn(&P) -> Vec<Finding>,
    approvals: &[Approval],
    reserved: &BTreeSet<String>,
    now: Timestamp,
) -> Decision<P> {
    let keys = plan.keys();
    let valid: Vec<&Approval> = approvals.iter().filter(|approval| now < approval.expires_at).collect();
    let granted: BTreeSet<usize> =
        (0..keys.len()).filter(|place| valid.iter().any(|approval| approval.keys.contains(&keys[*place]))).collect();
    let rest: Vec<usize> = (0..keys.len()).filter(|place| !granted.contains(place)).collect();
    let findings = check(&plan.only(&rest.iter().copied().collect()));
    let mut held: BTreeSet<usize> = rest.iter().copied().filter(|place| reserved.contains(&keys[*place])).collect();
    let blocks = findings.iter().filter(|finding| finding.level == Level::Block);
    for finding in blocks.clone() {
        match &finding.holds {
            Held::All => held.extend(&rest),
            Held::These(places) => held.extend(places.iter().filter_map(|place| rest.get(*place))),
        }
    }
    plan.hold_dependents(&mut held);
    let held: BTreeSet<usize> = held.into_iter().filter(|place| !granted.contains(place)).collect();
    let cleared: BTreeSet<usize> = (0..keys.len()).filter(|place| !held.contains(place)).collect();
    let waiting = (!held.is_empty() || blocks.count() > 0).then(|| plan.waiting(&held, &findings));
    let used: Vec<&&Approval> =
        valid.iter().filter(|approval| keys.iter().any(|key| approval.keys.contains(key))).collect();
    let approved_by: BTreeSet<&str> = used.iter().map(|approval| approval.by.as_str()).collect();
    let approved_by: Vec<&str> = approved_by.into_iter().collect();
    let cleared = Cleared {
        plan: plan.only(&cleared),
        places: cleared.into_iter().collect(),
        approved_by: (!approved_by.is_empty()).then(|| approved_by.join(", ")),
    };
    Decision { cleared, waiting, held, used: used.into_iter().map(|approval| approval.plan).collect(), findings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[derive(Clone, Debug, PartialEq)]
    struct Letters(LinkName, Vec<&'static str>);

    impl Guarded for Letters {
        fn link(&self) -> &LinkName {
            &self.0
        }

        fn keys(&self) -> Vec<String> {
            self.1.iter().map(|letter| (*letter).to_owned()).collect()
        }

        fn only(&self, places: &BTreeSet<usize>) -> Self {
            Self(self.0.clone(), places.iter().map(|place| self.1[*place]).collect())
        }
    }

    /// More than two capitals are too many; small letters go.
    fn check(plan: &Letters) -> Vec<Finding> {
        let capitals: Vec<usize> = (0..plan.1.len()).filter(|place| plan.1[*place] < "a").collect();
        if capitals.len() < 3 {
            return Vec::new();
        }
        vec![Finding::block("capitals", "run", "too many").holding(capitals)]
    }

    fn run(letters: &[&'static str], approvals: &[Approval], reserved: &[&str]) -> (String, String) {
        let plan = Letters(LinkName::new("l"), letters.to_vec());
        let reserved = reserved.iter().map(|key| (*key).to_owned()).collect();
        let decision = decide(&plan, check, approvals, &reserved, Timestamp::UNIX_EPOCH);
        (decision.cleared.plan().1.concat(), decision.waiting.map_or_else(String::new, |plan| plan.1.concat()))
    }

    fn approval(keys: &[&str], hours: i64) -> Approval {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        Approval {
            plan: 1,
            keys,
            by: "ann".into(),
            expires_at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours),
        }
    }

    fn is(cleared: &str, waiting: &str) -> (String, String) {
        (cleared.to_owned(), waiting.to_owned())
    }

    #[test]
    fn finding_holds_back_its_own_changes_and_the_rest_goes_on() {
        assert_eq!(run(&["A", "b", "C", "D"], &[], &[]), is("b", "ACD"));
        assert_eq!(run(&["A", "b", "C"], &[], &[]), is("AbC", ""));
    }

    #[test]
    fn approval_holds_for_its_changes_whatever_else_is_planned_and_until_its_end_only() {
        let three = || approval(&["A", "C", "D"], 1);
        assert_eq!(run(&["A", "C", "D"], &[three()], &[]), is("ACD", ""));
        assert_eq!(run(&["A", "C", "D", "E", "f"], &[three()], &[]), is("ACDEf", ""), "one more is within the limit");
        assert_eq!(run(&["C", "x"], &[three()], &[]), is("Cx", ""), "some are no longer wanted");
        assert_eq!(run(&["A", "C", "D"], &[approval(&["A", "C", "D"], 0)], &[]), is("", "ACD"));
    }

    #[test]
    fn what_was_approved_does_not_count_against_the_rest() {
        let all = ["A", "C", "D", "E", "F", "G"];
        assert_eq!(run(&all, &[approval(&["A", "C", "D"], 1)], &[]), is("ACD", "EFG"));
    }

    #[test]
    fn what_waits_in_another_plan_is_held_back_here_too() {
        assert_eq!(run(&["A", "b"], &[], &["A"]), is("b", "A"));
    }
}
