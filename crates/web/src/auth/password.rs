//! Passwords: argon2id, a few at a time, and as slow for an account that does not exist as for one that does.

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// A password has at least so many characters.
pub const CHARACTERS_MIN: usize = 12;
/// NextPage bytes would only cost time.
pub const BYTES_MAX: usize = 1024;

/// Each takes 19 MiB and a core for a moment: whoever wants many at once waits.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What is compared with where there is no account, so that the time says nothing.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash("a password that nobody has"));

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("a password has at least {CHARACTERS_MIN} characters")]
    TooShort,
    /// It is too long.
    #[error("a password has at most {BYTES_MAX} bytes")]
    TooLong,
}

/// Hashes a new password.
///
/// # Errors
/// [`PasswordError`]
pub async fn hash_password(password: String) -> Result<String, PasswordError> {
    if password.chars().count() < CHARACTERS_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    Ok(work(move || hash(&password)).await)
}

/// Whether the password is the one of this hash. Without a hash it is not, after as long a time.
pub async fn verify_password(password: String, hashed: Option<String>) -> bool {
    if password.len() > BYTES_MAX {
        return false;
    }
    let known = hashed.is_some();
    let fits = work(move || {
        let hashed = hashed.unwrap_or_else(|| NOBODYS.clone());
        Argon2::default().verify_password(password.as_bytes(), hashed.as_str()).is_ok()
    });
    fits.await && known
}

fn hash(password: &str) -> String {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed.expect("the default parameters are sound").to_string()
}

async fn work<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let _permit = AT_ONCE.acquire().await.expect("the semaphore is never closed");
    tokio::task::spawn_blocking(what).await.expect("hashing does not panic, and its task is not aborted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn password_fits_its_own_hash_only() {
        let hashed = hash_password("correct horse battery".to_owned()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$"), "{hashed}");
        assert!(verify_password("correct horse battery".to_owned(), Some(hashed.clone())).await);
        assert!(!verify_password("correct horse".to_owned(), Some(hashed)).await);
        assert!(!verify_password("a password that nobody has".to_owned(), None).await);
        assert_eq!(hash_password("short".to_owned()).await, Err(PasswordError::TooShort));
        assert_eq!(hash_password("x".repeat(2_000)).await, Err(PasswordError::TooLong));
    }
}
