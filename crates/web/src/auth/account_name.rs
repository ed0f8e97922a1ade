//! What an account may be called: one rule for the form, the command line and single sign-on.

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 100 letters, digits and . _ - @ +")]
pub struct AccountNameError;

/// The name without blanks around it. A blank inside is refused: `token x` is what the journal calls a program.
pub fn account_name(name: &str) -> Result<&str, AccountNameError> {
    let name = name.trim();
    let is_valid = (1..=100).contains(&name.chars().count())
        && name.chars().all(|letter| letter.is_alphanumeric() || "._-@+".contains(letter));
    if is_valid { Ok(name) } else { Err(AccountNameError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_cannot_pass_for_a_token_or_break_a_line() {
        assert_eq!(account_name(" jane.doe+x@example.org "), Ok("jane.doe+x@example.org"));
        assert_eq!(account_name("Žofie"), Ok("Žofie"));
        for name in ["", " ", "token x", "a\nb", "a\u{7}b", "a/b", "a\u{202e}b", &"x".repeat(101)] {
            assert_eq!(account_name(name), Err(AccountNameError), "{name:?}");
        }
    }
}
