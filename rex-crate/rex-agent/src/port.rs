// SPDX-License-Identifier: GPL-2.0-only
//! The virtio-serial port to the host.

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rex_protocol::PORT_NAME;

/// How long the port may take to appear after boot.
const LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);

/// Both directions of the open port.
pub struct Port {
    /// From the host.
    pub reader: File,
    /// To the host.
    pub writer: File,
}

/// Waits for the port and opens it. Drivers announce their ports one by one,
/// some time after they are loaded.
pub fn open() -> Result<Port, String> {
    let start = Instant::now();
    loop {
        let failure = match find().map(|device| (open_both(&device), device)) {
            Some((Ok(port), _)) => return Ok(port),
            Some((Err(error), device)) => format!("{} can't be opened: {error}", device.display()),
            None => format!("no virtio-serial port is named {PORT_NAME}"),
        };
        if start.elapsed() > LIMIT {
            return Err(failure);
        }
        std::thread::sleep(PAUSE);
    }
}

fn find() -> Option<PathBuf> {
    let ports = fs::read_dir("/sys/class/virtio-ports").ok()?;
    for port in ports.flatten() {
        let name = fs::read_to_string(port.path().join("name")).unwrap_or_default();
        if name.trim_end() == PORT_NAME {
            return Some(PathBuf::from("/dev").join(port.file_name()));
        }
    }
    None
}

fn open_both(device: &PathBuf) -> std::io::Result<Port> {
    // A port can be opened only once: both directions share the description.
    let reader = OpenOptions::new().read(true).write(true).open(device)?;
    let writer = reader.try_clone()?;
    Ok(Port { reader, writer })
}
