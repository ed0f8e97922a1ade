//! Whose a file of the journal is. A command that root runs once must not leave a journal that the service cannot open.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Gives a file that root has just made to the owner of its folder; any other process leaves it as it is.
pub(crate) fn hand_over(file: &File, path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (ours, theirs) = (file.metadata()?, fs::metadata(folder)?);
        if ours.uid() == 0 && theirs.uid() != 0 {
            fchown(file, Some(theirs.uid()), Some(theirs.gid()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Journal, OpenOptions};
    use rollbook_clock::Clock;
    use std::os::unix::fs::{MetadataExt, chown};

    /// Root makes the journal, its lock and a copy of it: all belong to whose the folder is. Nobody else can give files away.
    #[tokio::test]
    async fn what_root_makes_belongs_to_the_folders_owner() {
        let folder = tempfile::tempdir().unwrap();
        let me = folder.path().metadata().unwrap().uid();
        let owner = if me == 0 { 12_345 } else { me };
        chown(folder.path(), Some(owner), None).unwrap();
        let place = folder.path().join("rollbook.sqlite");
        let journal = Journal::open(&place.display().to_string(), &OpenOptions::default()).await.unwrap();
        journal.back_up(&folder.path().join("copy.sqlite")).await.unwrap();
        journal.close().await;
        let now = Clock::system().now();
        let copy = folder.path().join("copy.sqlite");
        crate::restore(&copy, &place, &[], "a test", now).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert!(files.len() >= 3, "{files:?}");
        for file in files {
            assert_eq!(file.metadata().unwrap().uid(), owner, "{file:?}");
        }
    }
}
