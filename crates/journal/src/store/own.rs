//! Files of the journal: made without following anybody's link, and given to whom the folder belongs. A command that root runs
//! once must not leave a journal that the service cannot open, and must not give away a file that it did not make.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a file that is not there yet, readable by its owner alone: the journal holds names and mail addresses. What root makes
/// belongs to the owner of the folder.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where anything bears the name, a dangling link too: the owner of the folder may put one there,
/// and root would make, or give away, whatever it names.
pub(crate) fn make_private(path: &Path) -> io::Result<File> {
    let mut how = OpenOptions::new();
    how.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    let file = how.open(path)?;
    hand_over(&file, path)?;
    Ok(file)
}

/// The file is the one that was just made, however often its name is taken over meanwhile.
fn hand_over(file: &File, path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let theirs = fs::metadata(folder_of(path))?;
        if file.metadata()?.uid() == 0 && theirs.uid() != 0 {
            fchown(file, Some(theirs.uid()), Some(theirs.gid()))?;
        }
    }
    Ok(())
}

/// Waits until no other process holds the folder of `path`, and holds it until the handle is dropped. No file is made for it.
pub(crate) fn lock_folder(path: &Path) -> io::Result<File> {
    let folder = File::open(folder_of(path))?;
    folder.lock()?;
    Ok(folder)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Journal, OpenOptions};
    use rollbook_clock::Clock;
    use std::os::unix::fs::{MetadataExt, chown, symlink};

    /// A folder of somebody else's, where root can give one away; else of our own.
    fn folder() -> (tempfile::TempDir, u32) {
        let folder = tempfile::tempdir().unwrap();
        let me = folder.path().metadata().unwrap().uid();
        let owner = if me == 0 { 12_345 } else { me };
        chown(folder.path(), Some(owner), None).unwrap();
        (folder, owner)
    }

    async fn open(place: &Path) -> Result<Journal, crate::JournalError> {
        Journal::open(&place.display().to_string(), &OpenOptions::default()).await
    }

    /// The journal and a copy of it; nothing else is left behind.
    #[tokio::test]
    async fn what_root_makes_belongs_to_the_folders_owner() {
        let (folder, owner) = folder();
        let place = folder.path().join("rollbook.sqlite");
        let copy = folder.path().join("copy.sqlite");
        let journal = open(&place).await.unwrap();
        journal.back_up(&copy).await.unwrap();
        journal.close().await;
        crate::restore(&copy, &place, &[], "a test", Clock::system().now()).await.unwrap();
        open(&place).await.unwrap().close().await;
        let mut names = Vec::new();
        for file in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            assert_eq!(file.metadata().unwrap().uid(), owner, "{file:?}");
            names.push(file.file_name().into_string().unwrap());
        }
        names.sort();
        assert!(names.pop().unwrap().starts_with("rollbook.sqlite.replaced-"));
        assert_eq!(names, ["copy.sqlite", "rollbook.sqlite"]);
    }

    #[tokio::test]
    async fn links_in_the_folder_lead_nowhere() {
        let (folder, _) = folder();
        let elsewhere = tempfile::tempdir().unwrap();
        let secret = elsewhere.path().join("secret");
        fs::write(&secret, "root's").unwrap();
        let before = fs::metadata(&secret).unwrap();
        let place = folder.path().join("rollbook.sqlite");
        for word in ["migrating", "restoring"] {
            symlink(&secret, folder.path().join(format!("rollbook.sqlite.{word}"))).unwrap();
        }
        let missing = elsewhere.path().join("missing");
        symlink(&missing, folder.path().join("copy.sqlite")).unwrap();
        let journal = open(&place).await.unwrap();
        assert!(journal.back_up(&folder.path().join("copy.sqlite")).await.is_err());
        journal.back_up(&folder.path().join("good.sqlite")).await.unwrap();
        journal.close().await;
        let good = folder.path().join("good.sqlite");
        crate::restore(&good, &place, &[], "a test", Clock::system().now()).await.unwrap();
        symlink(&missing, folder.path().join("linked.sqlite")).unwrap();
        assert!(open(&folder.path().join("linked.sqlite")).await.is_err());
        assert!(!missing.exists());
        let after = fs::metadata(&secret).unwrap();
        assert_eq!((after.uid(), after.len(), after.mode()), (before.uid(), before.len(), before.mode()));
    }

    /// As a power cut leaves it: whoever copies the main file has everything, once the journal was closed.
    #[tokio::test]
    async fn closed_journal_is_whole_without_its_side_files() {
        let (folder, _) = folder();
        let place = folder.path().join("rollbook.sqlite");
        let (journal, other) = (open(&place).await.unwrap(), open(&place).await.unwrap());
        let link = rollbook_core::model::LinkName::new("kept");
        journal.links().pause(&link, "ann", "a test", Clock::system().now()).await.unwrap();
        // Another process still has it open, so that SQLite itself copies nothing.
        journal.close().await;
        let copy = folder.path().join("copy.sqlite");
        fs::copy(&place, &copy).unwrap();
        other.close().await;
        assert!(!folder.path().join("rollbook.sqlite-wal").exists());
        let copied = open(&copy).await.unwrap();
        assert_eq!(copied.links().names().await.unwrap(), [link]);
    }
}
