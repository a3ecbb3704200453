// SPDX-License-Identifier: GPL-2.0-only
//! All files below a folder at once: the counters of gcov are a file for each
//! source file, and a request for each would take longer than the reading.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rex_protocol::{ErrorBody, FolderFile, ReadFolderParams, ReadFolderResult};

use crate::files::failed;

const MAX_BYTES: u64 = 8 * 1024 * 1024;
const MAX_FILES: usize = 4096;
const MAX_DEPTH: usize = 64;

/// Reads the regular files below a folder; links aren't followed.
pub fn read(params: &ReadFolderParams) -> Result<ReadFolderResult, ErrorBody> {
    let root = Path::new(&params.path);
    let suffix = params.suffix.as_deref().unwrap_or("");
    let mut paths = Vec::new();
    find(root, suffix, MAX_DEPTH, &mut paths)?;
    paths.sort();
    let mut left = MAX_BYTES;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let data = read_file(&path, left).map_err(|error| refused(&path, &error))?;
        let Some(rest) = left.checked_sub(data.len() as u64) else {
            return Err(ErrorBody::invalid(format!(
                "the files below {} have more than {MAX_BYTES} bytes",
                root.display()
            )));
        };
        left = rest;
        let below = path.strip_prefix(root).unwrap_or(&path);
        files.push(FolderFile {
            path: below.to_string_lossy().into_owned(),
            data: data.into(),
        });
    }
    Ok(ReadFolderResult { files })
}

/// One byte more than may be, so that it is seen when there is more.
fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut data)?;
    Ok(data)
}

fn find(
    folder: &Path,
    suffix: &str,
    depth: usize,
    found: &mut Vec<PathBuf>,
) -> Result<(), ErrorBody> {
    if depth == 0 {
        return Err(ErrorBody::invalid(format!(
            "{} is more than {MAX_DEPTH} folders deep",
            folder.display()
        )));
    }
    for entry in fs::read_dir(folder).map_err(|error| refused(folder, &error))? {
        let entry = entry.map_err(|error| refused(folder, &error))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| refused(&path, &error))?;
        if kind.is_dir() {
            find(&path, suffix, depth - 1, found)?;
        } else if kind.is_file() && entry.file_name().to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
        if found.len() > MAX_FILES {
            return Err(ErrorBody::invalid(format!(
                "there are more than {MAX_FILES} files below {}",
                folder.display()
            )));
        }
    }
    Ok(())
}

fn refused(path: &Path, error: &io::Error) -> ErrorBody {
    failed("read", &path.to_string_lossy(), error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rex_protocol::ErrorKind;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("rex-agent-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("a/b")).unwrap();
            Folder(path)
        }

        fn read(&self, suffix: Option<&str>) -> Result<ReadFolderResult, ErrorBody> {
            read(&ReadFolderParams {
                path: self.0.to_string_lossy().into_owned(),
                suffix: suffix.map(str::to_string),
            })
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_at_any_depth_without_links() {
        let folder = Folder::new("folder");
        fs::write(folder.0.join("a/b/two.gcda"), b"2").unwrap();
        fs::write(folder.0.join("a/one.gcda"), b"1").unwrap();
        fs::write(folder.0.join("a/one.gcno"), b"no").unwrap();
        std::os::unix::fs::symlink("one.gcda", folder.0.join("a/link.gcda")).unwrap();
        let names = |suffix| -> Vec<(String, Vec<u8>)> {
            let read = folder.read(suffix).unwrap();
            let pair = |file: FolderFile| (file.path, file.data.0);
            read.files.into_iter().map(pair).collect()
        };
        let one = ("a/one.gcda".to_string(), b"1".to_vec());
        let two = ("a/b/two.gcda".to_string(), b"2".to_vec());
        assert_eq!(names(Some(".gcda")), [two, one]);
        assert_eq!(names(None).len(), 3);
    }

    #[test]
    fn too_much_is_refused() {
        let folder = Folder::new("too-much");
        let half = usize::try_from(MAX_BYTES / 2).unwrap();
        fs::write(folder.0.join("a/half"), vec![0; half]).unwrap();
        fs::write(folder.0.join("a/other"), vec![0; half]).unwrap();
        assert_eq!(folder.read(None).unwrap().files.len(), 2);
        fs::write(folder.0.join("a/third"), [0]).unwrap();
        let error = folder.read(None).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains("more than"), "{}", error.message);
    }

    #[test]
    fn no_such_folder() {
        let params = ReadFolderParams {
            path: "/nowhere/at/all".to_string(),
            suffix: None,
        };
        assert_eq!(read(&params).unwrap_err().kind, ErrorKind::NotFound);
    }
}
