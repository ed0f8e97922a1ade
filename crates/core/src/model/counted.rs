//! Numbers of things, as they are spoken of.

use std::fmt::Display;

/// `1 record`, `2 records`
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {one}{plural}")
}

/// `1 person`, `2 people`: where the plural is another word, or a verb follows.
pub fn counted_as<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let what = if count == N::from(1) { one } else { many };
    format!("{count} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_none_is_plural() {
        assert_eq!(
            [counted(0_u64, "row"), counted(1_u64, "row"), counted(2_u64, "row")],
            ["0 rows", "1 row", "2 rows"]
        );
        assert_eq!(
            [1_usize, 3].map(|count| counted_as(count, "person is", "people are")),
            ["1 person is", "3 people are"]
        );
    }
}
