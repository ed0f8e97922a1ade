//! The enrolment that a completion is reported for.

use crate::model::{EnrolmentId, EnrolmentRecord};

/// The newest Enrol record of a person and course: by the learner's moment, then by the record's creation.
pub fn newest_enrolment(records: &[EnrolmentRecord]) -> Option<&EnrolmentRecord> {
    records.iter().max_by_key(|record| (record.changed, record.created, record.fingerprint))
}

/// An enrolment id as the whole number that the ELM wants; `None` where it is none, or would change on the way (leading
/// zeros, signs, fractions). 0 is what a missing id becomes by a careless cast, so it is none either.
pub fn enrolment_number(id: &EnrolmentId) -> Option<i64> {
    let text = id.as_str();
    let number: i64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enrolment_id_is_a_whole_number_or_nothing() {
        let number = |text: &str| enrolment_number(&EnrolmentId::new(text));
        assert_eq!(number("555001"), Some(555_001));
        assert_eq!(number("9223372036854775807"), Some(i64::MAX));
        for wrong in ["", "0", "-5", "+5", "0555", "5.0", "1e3", " 5", "5 ", "9223372036854775808", "E-555"] {
            assert_eq!(number(wrong), None, "{wrong:?}");
        }
    }
}
