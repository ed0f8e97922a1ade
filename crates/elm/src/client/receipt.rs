//! What the body of a 2xx says about a completion: accepted, refused, or nothing that counts.
//!
//! Safe by default: a body that says ERROR is a refusal whatever its status, and one that says that nothing was processed
//! is doubtful. The configuration names other places and words. Pure. Next: `write.rs`.

use rollbook_core::policy::ReceiptRules;
use serde_json::Value;

/// Names under which systems say how many records they took.
const PROCESSED: [&str; 4] = ["recordsProcessed", "processed", "recordCount", "rowsAffected"];

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    /// The word, and the message.
    Refused(String, String),
    /// Somebody must look.
    Doubtful,
}

/// Reads a body that is JSON.
pub(super) fn read_receipt(rules: &ReceiptRules, body: &Value) -> Verdict {
    let answers: Vec<&Value> = match find_list(body) {
        Some(list) => list.iter().collect(),
        None => vec![body],
    };
    let verdicts: Vec<Verdict> = answers.into_iter().map(|answer| read_one(rules, answer)).collect();
    let refused = verdicts.iter().find(|verdict| matches!(verdict, Verdict::Refused(..)));
    let doubtful = verdicts.iter().find(|verdict| **verdict == Verdict::Doubtful);
    refused.or(doubtful).unwrap_or(&Verdict::Accepted).clone()
}

fn read_one(rules: &ReceiptRules, answer: &Value) -> Verdict {
    let found: Vec<String> = rules.status.iter().filter_map(|path| text_at(answer, path)).collect();
    let among = |words: &[String], found: &str| words.iter().any(|word| word.trim().eq_ignore_ascii_case(found));
    let is_http_error = |found: &str| found.parse::<u16>().is_ok_and(|code| (400..600).contains(&code));
    let is_accepted = |found: &String| among(&rules.accepted, found);
    let is_refused = |found: &&String| !is_accepted(found) && (among(&rules.refused, found) || is_http_error(found));
    if let Some(word) = found.iter().find(is_refused) {
        let message = rules.message.iter().find_map(|path| text_at(answer, path)).unwrap_or_default();
        return Verdict::Refused(word.clone(), message);
    }
    let processed = PROCESSED.iter().find_map(|name| text_at(answer, name));
    let has_error = field(answer, "error").is_some_and(|error| !error.is_null());
    let is_unsaid = !rules.accepted.is_empty() && !found.iter().any(is_accepted);
    if has_error || is_unsaid || processed.as_deref() == Some("0") {
        return Verdict::Doubtful;
    }
    Verdict::Accepted
}

/// A body that is a list, or holds one where a feed would.
fn find_list(body: &Value) -> Option<&Vec<Value>> {
    let inner = body.get("d").unwrap_or(body);
    let list = body.as_array().or_else(|| inner.get("results")?.as_array()).or_else(|| body.get("value")?.as_array());
    list.filter(|list| !list.is_empty())
}

/// The text, number or flag at a path of names.
fn text_at(value: &Value, path: &str) -> Option<String> {
    let here = path.split('.').try_fold(value, |here, name| field(here, name.trim()))?;
    match here {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    let folded = || object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    object.get(name).or_else(folded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(word: &str, message: &str) -> Verdict {
        Verdict::Refused(word.to_owned(), message.to_owned())
    }

    #[test]
    fn a_200_that_says_error_is_refused_with_its_words() {
        let rules = ReceiptRules::default();
        for (body, verdict) in [
            (
                json!({"status": "ERROR", "message": "Learner is not registered", "recordsProcessed": 0}),
                refused("ERROR", "Learner is not registered"),
            ),
            (
                json!([{"status": "FAILED", "errorMessage": "unknown enrolment"}]),
                refused("FAILED", "unknown enrolment"),
            ),
            (json!({"d": {"results": [{"Status": "ok"}, {"Status": "Rejected"}]}}), refused("Rejected", "")),
            (json!({"success": false, "reason": "closed"}), refused("false", "closed")),
            (json!({"status": 422, "detail": "closed"}), refused("422", "closed")),
            (json!({"status": "SUCCESS", "recordsProcessed": 1}), Verdict::Accepted),
            (json!([{"status": "SUCCESS"}]), Verdict::Accepted),
            (json!({"ENROLMENT_ID": 555_001, "COURSE_STATE": "Complete"}), Verdict::Accepted),
            (json!({"status": "SUCCESS", "recordsProcessed": 0}), Verdict::Doubtful),
            (json!({"error": {"code": "7"}}), Verdict::Doubtful),
            (json!([]), Verdict::Accepted),
        ] {
            assert_eq!(read_receipt(&rules, &body), verdict, "{body}");
        }
    }

    #[test]
    fn configured_words_decide_and_silence_is_doubtful() {
        let rules = ReceiptRules {
            status: vec!["response.code".to_owned()],
            accepted: vec!["A1".to_owned()],
            ..ReceiptRules::default()
        };
        assert_eq!(read_receipt(&rules, &json!({"response": {"code": "a1"}})), Verdict::Accepted);
        assert_eq!(read_receipt(&rules, &json!({"response": {"code": "B2"}})), Verdict::Doubtful);
        assert_eq!(read_receipt(&rules, &json!({"response": {"code": "failed"}})), refused("failed", ""));
        assert_eq!(read_receipt(&rules, &json!({"status": "SUCCESS"})), Verdict::Doubtful);
    }
}
