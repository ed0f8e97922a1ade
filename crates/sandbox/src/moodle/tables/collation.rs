//! How the database compares text.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The form under which utf8mb4_unicode_ci takes two texts for equal: case, accents and trailing spaces do not
/// count, leading spaces do.
pub(crate) fn fold(text: &str) -> String {
    let trimmed = text.trim_end_matches(' ');
    if trimmed.is_ascii() {
        return trimmed.to_ascii_lowercase();
    }
    trimmed.nfd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect()
}
