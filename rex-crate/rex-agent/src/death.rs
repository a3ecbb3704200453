// SPDX-License-Identifier: GPL-2.0-only
//! The end: a verdict for the host, a line on the console, power off.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use nix::sys::reboot::{RebootMode, reboot};
use rex_protocol::Event;

use crate::console;
use crate::outbox::Outbox;

/// How long the host may take to accept the verdict.
const SEND_LIMIT: Duration = Duration::from_secs(2);
/// How long QEMU may take to move the last message out of the virtqueue.
const DRAIN: Duration = Duration::from_millis(20);

static OUTBOX: OnceLock<Arc<Outbox>> = OnceLock::new();
static DYING: AtomicBool = AtomicBool::new(false);

/// Where the verdict goes.
pub fn set_outbox(outbox: Arc<Outbox>) {
    // Called once; a second outbox would change nothing.
    let _ = OUTBOX.set(outbox);
}

/// Ends the guest with a verdict.
pub fn die(reason: &str) -> ! {
    // Whoever dies second waits for the first one's power-off.
    if DYING.swap(true, Ordering::SeqCst) {
        loop {
            std::thread::park();
        }
    }
    console::line(&format!("dying: {reason}"));
    send_verdict(reason);
    power_off()
}

/// Powers the guest off. By a restart: QEMU runs with -no-reboot, and not
/// every machine type has something to power off with.
pub fn power_off() -> ! {
    nix::unistd::sync();
    std::thread::sleep(DRAIN);
    let error = reboot(RebootMode::RB_AUTOBOOT).unwrap_err();
    console::line(&format!("reboot(2) failed: {error}"));
    // The kernel panics when its init exits: also an end.
    std::process::exit(1)
}

/// Sends the verdict on a thread of its own: the port may be blocked, or its
/// lock be held by the thread that panicked.
fn send_verdict(reason: &str) {
    let Some(outbox) = OUTBOX.get() else { return };
    let event = Event::Dying {
        reason: reason.to_string(),
    };
    let (done, sent) = mpsc::channel();
    let sender = std::thread::Builder::new().spawn(move || {
        outbox.event(&event);
        let _ = done.send(());
    });
    if sender.is_ok() {
        let _ = sent.recv_timeout(SEND_LIMIT);
    }
}

/// Makes every panic of the agent the end of the guest.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        die(&format!("thread {name} of the agent panicked: {info}"));
    }));
}
