// SPDX-License-Identifier: GPL-2.0-only
//! Files of the guest, and the sysrq trigger.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use rex_loader::Errno;
use rex_protocol::{
    Blame, Empty, ErrorBody, ErrorKind, ReadFileParams, ReadFileResult, SysrqParams,
    WriteFileParams, WriteFileResult,
};

const DEFAULT_BYTES: u32 = 4 * 1024 * 1024;
const MAX_BYTES: u32 = 8 * 1024 * 1024;

/// A failed operation on a file, as its caller sees it.
pub fn failed(what: &str, path: &str, error: &io::Error) -> ErrorBody {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ if error.raw_os_error().is_some() => ErrorKind::Errno,
        _ => ErrorKind::Invalid,
    };
    let mut body = ErrorBody::new(
        kind,
        Blame::Caller,
        format!("{path} can't be {what}: {error}"),
    );
    body.errno = error.raw_os_error();
    body.errno_name = body.errno.map(|errno| Errno(errno).name());
    body
}

/// Reads a file.
pub fn read(params: &ReadFileParams) -> Result<ReadFileResult, ErrorBody> {
    let limit = params.max_bytes.unwrap_or(DEFAULT_BYTES);
    if limit > MAX_BYTES {
        return Err(ErrorBody::invalid(format!(
            "maxBytes is {limit}, at most {MAX_BYTES} are allowed"
        )));
    }
    let path = &params.path;
    let failed = |error: io::Error| failed("read", path, &error);
    // Without waiting: a pipe, a terminal or the like has what it has.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    let mut data = Vec::new();
    // One more, to see whether there is more.
    let mut file = file.map_err(failed)?.take(u64::from(limit) + 1);
    match file.read_to_end(&mut data) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) => return Err(failed(error)),
    }
    let truncated = data.len() > limit as usize;
    data.truncate(limit as usize);
    Ok(ReadFileResult {
        data: data.into(),
        truncated,
    })
}

/// Writes a file, in one write(2).
pub fn write(params: &WriteFileParams) -> Result<WriteFileResult, ErrorBody> {
    let append = params.append.unwrap_or(false);
    let file = OpenOptions::new()
        .write(true)
        .append(append)
        .truncate(!append)
        .create(params.create.unwrap_or(true))
        .mode(params.mode.unwrap_or(0o644))
        .custom_flags(libc::O_NOCTTY)
        .open(&params.path);
    let failed = |error: io::Error| failed("written", &params.path, &error);
    let written = file
        .map_err(failed)?
        .write(&params.data.0)
        .map_err(failed)?;
    Ok(WriteFileResult {
        written: u32::try_from(written).unwrap_or(u32::MAX),
    })
}

/// Removes the name of something that is pinned.
pub fn unpin(path: &str) -> Result<Empty, ErrorBody> {
    std::fs::remove_file(path).map_err(|error| failed("unpinned", path, &error))?;
    Ok(Empty {})
}

/// Writes a key to the sysrq trigger. With some keys nobody comes back.
pub fn sysrq(params: &SysrqParams) -> Result<Empty, ErrorBody> {
    const PATH: &str = "/proc/sysrq-trigger";
    if params.key.len() != 1 || !params.key.is_ascii() {
        return Err(ErrorBody::invalid(format!(
            "{:?} isn't one character",
            params.key
        )));
    }
    let failed = |error: io::Error| failed("written", PATH, &error);
    let mut file = File::options().write(true).open(PATH).map_err(failed)?;
    file.write_all(params.key.as_bytes()).map_err(failed)?;
    Ok(Empty {})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_and_read() {
        let path = std::env::temp_dir().join(format!("rex-agent-files-{}", std::process::id()));
        let path = path.to_str().unwrap().to_string();
        let write_some = |data: &[u8], append| {
            let (append, data) = (Some(append), data.into());
            write(&WriteFileParams {
                path: path.clone(),
                data,
                append,
                create: None,
                mode: None,
            })
            .unwrap()
        };
        let read_some = |max_bytes| {
            read(&ReadFileParams {
                path: path.clone(),
                max_bytes,
            })
        };
        assert_eq!(write_some(b"hello", false).written, 5);
        write_some(b" you", true);
        let all = read_some(None).unwrap();
        assert_eq!(
            (all.data.0.as_slice(), all.truncated),
            (&b"hello you"[..], false)
        );
        let part = read_some(Some(5)).unwrap();
        assert_eq!(
            (part.data.0.as_slice(), part.truncated),
            (&b"hello"[..], true)
        );
        assert!(!read_some(Some(9)).unwrap().truncated);
        assert!(read_some(Some(MAX_BYTES + 1)).is_err());
        std::fs::remove_file(&path).unwrap();
        let error = read_some(None).unwrap_err();
        assert_eq!(
            (error.kind, error.errno_name.as_deref()),
            (ErrorKind::NotFound, Some("ENOENT"))
        );
    }

    #[test]
    fn sysrq_takes_one_character() {
        for key in ["", "ab", "\u{e4}"] {
            assert!(
                sysrq(&SysrqParams {
                    key: key.to_string()
                })
                .is_err(),
                "{key:?}"
            );
        }
    }
}
