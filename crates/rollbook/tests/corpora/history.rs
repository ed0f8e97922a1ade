//! The original plugin's log as CSV: each line is used or told with its number, and none is made up.

use crate::far::must_be_harmless;
use jiff::tz::TimeZone;
use rollbook_moodle::psaelmsync::read_csv;

pub fn check(input: &[u8]) {
    let (mut good, mut numbers) = (0, Vec::new());
    let told = read_csv(input, &TimeZone::UTC, |line| match line {
        Ok(line) => {
            assert_eq!(line.record.fingerprint.to_hex().len(), 64);
            good += 1;
        }
        Err(bad) => {
            assert!(!bad.why.contains(char::is_control), "{:?}", bad.why);
            numbers.push(bad.number);
        }
    });
    if let Err(error) = told {
        must_be_harmless(&error);
    }
    // CSV ends a line with a line feed, a carriage return, or the end of the file.
    let lines = input.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    assert!(good + numbers.len() <= lines, "{good} and {} of {lines} lines", numbers.len());
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "lines are told in their order");
}
