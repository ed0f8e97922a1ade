//! The project's files, as the rules see them.
//!
//! Next: [`crate::code`], what counts of a Rust file.

use std::fs;
use std::path::{Path, PathBuf};

/// The project's files: those of a person, not those of a tool.
pub struct Project {
    pub files: Vec<File>,
}

/// One file.
pub struct File {
    /// From the project's root, with `/`.
    pub path: String,
    /// Empty for what is no text.
    pub text: String,
}

impl Project {
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = Vec::new();
        gather(&root, "", &mut files);
        files.sort_by(|one: &File, other| one.path.cmp(&other.path));
        assert!(files.len() > 50, "the project is somewhere else than {}", root.display());
        Self { files }
    }

    /// A project of samples.
    pub fn of<const N: usize, T: AsRef<str>>(files: [(&str, T); N]) -> Self {
        let file = |(path, text): (&str, T)| File { path: path.to_owned(), text: text.as_ref().to_owned() };
        Self { files: files.map(file).into() }
    }

    /// The files of the product's own Rust code, without tests.
    pub fn product(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_product())
    }

    /// Whether a file or a folder is there.
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }
}

impl File {
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Rust under `src`, but no module of tests.
    pub fn is_product(&self) -> bool {
        let in_tests = self.path.split('/').any(|part| part == "tests" || part == "tests.rs");
        self.is_rust() && self.path.starts_with("crates/") && self.path.contains("/src/") && !in_tests
    }

    /// The crate's folder and the module's path: `("core", ["plan", "diff"])`.
    pub fn module(&self) -> (&str, Vec<&str>) {
        let mut parts = self.path.trim_end_matches(".rs").split('/').skip(1);
        let name = parts.next().unwrap_or_default();
        let mut path: Vec<_> = parts.skip(1).collect();
        if matches!(path.last(), Some(&"mod" | &"lib" | &"main")) {
            path.pop();
        }
        (name, path)
    }
}

fn gather(folder: &Path, above: &str, files: &mut Vec<File>) {
    let listed = fs::read_dir(folder).expect("the project can be listed");
    let mut entries: Vec<PathBuf> = listed.map(|entry| entry.expect("an entry can be read").path()).collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if matches!(name.as_str(), ".git" | "target" | "node_modules") {
            continue;
        }
        let path = if above.is_empty() { name } else { format!("{above}/{name}") };
        if entry.is_dir() {
            gather(&entry, &path, files);
        } else {
            files.push(File { path, text: fs::read_to_string(&entry).unwrap_or_default() });
        }
    }
}
