// SPDX-License-Identifier: GPL-2.0-only
//! Sends frames out of a device and receives those that come, by packet
//! sockets: what is sent is exactly what was asked for.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rex_loader::Errno;
use rex_protocol::{
    Blame, Bytes, ErrorBody, ErrorKind, PacketReceive, PacketSend, PacketsParams, PacketsResult,
};

use crate::{net, trigger};

const DEFAULT_TIMEOUT_MS: u32 = 2_000;
const MAX_REPEAT: u32 = 1_000_000;
/// Frames that are kept of one socket; the rest of them is dropped.
const MAX_FRAMES: usize = 10_000;
/// Longer than any frame of the devices here.
const MAX_FRAME: usize = 64 * 1024;
/// linux/if_packet.h: don't show what this host sends.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;

/// Sends and receives.
pub fn run(params: PacketsParams) -> Result<PacketsResult, ErrorBody> {
    // On a thread of its own, because of the CPU.
    let thread = std::thread::Builder::new().name("packets".to_string());
    let running = thread
        .spawn(move || exchange(&params))
        .map_err(|error| ErrorBody::internal(format!("no thread for packets: {error}")))?;
    running
        .join()
        .unwrap_or_else(|_| Err(ErrorBody::internal("the thread for packets panicked")))
}

fn exchange(params: &PacketsParams) -> Result<PacketsResult, ErrorBody> {
    trigger::pin(params.cpu)?;
    let listeners = params.receive.iter().map(listen);
    let listeners: Vec<Listener> = listeners.collect::<Result<_, _>>()?;
    let start = Instant::now();
    let sent = params.send.as_ref().map_or(Ok(0), send)?;
    let duration = start.elapsed();
    let limit = params.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS);
    let deadline = Instant::now() + Duration::from_millis(limit.into());
    let received = listeners.iter().map(|one| one.receive(deadline));
    Ok(PacketsResult {
        sent,
        received: received.collect::<Result<_, _>>()?,
        duration_ns: u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX),
        tid: nix::unistd::gettid().as_raw().cast_unsigned(),
    })
}

fn failed(what: &str, device: &str, error: &io::Error) -> ErrorBody {
    let errno = error.raw_os_error();
    ErrorBody {
        errno,
        errno_name: errno.map(|errno| Errno(errno).name()),
        ..ErrorBody::new(
            ErrorKind::Errno,
            Blame::Caller,
            format!("{what} {device}: {error}"),
        )
    }
}

/// A packet socket on a device. Without a protocol it receives nothing.
fn socket(device: &str, protocol: u16) -> Result<(OwnedFd, libc::sockaddr_ll), ErrorBody> {
    let index = net::index(device)?;
    // SAFETY: all zeroes are a sockaddr_ll, which is integers.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::c_ushort;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = index.cast_signed();
    // SAFETY: socket(2) takes no addresses.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        let error = io::Error::last_os_error();
        return Err(failed("no packet socket on", device, &error));
    }
    // SAFETY: the kernel just made this descriptor for us.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: the kernel reads a sockaddr_ll.
    let bound = unsafe {
        libc::bind(
            fd.as_raw_fd(),
            (&raw const address).cast(),
            size_of_val(&address) as libc::socklen_t,
        )
    };
    if bound < 0 {
        let error = io::Error::last_os_error();
        return Err(failed("a packet socket can't be bound to", device, &error));
    }
    Ok((fd, address))
}

fn send(request: &PacketSend) -> Result<u32, ErrorBody> {
    let repeat = request.repeat.unwrap_or(1);
    if repeat > MAX_REPEAT {
        return Err(ErrorBody::invalid(format!(
            "repeat is {repeat}: at most {MAX_REPEAT} are allowed"
        )));
    }
    let (socket, _) = socket(&request.device, 0)?;
    let mut sent = 0;
    for _ in 0..repeat {
        for frame in &request.frames {
            // SAFETY: the kernel reads the frame's bytes.
            let result = unsafe {
                libc::send(
                    socket.as_raw_fd(),
                    frame.0.as_ptr().cast(),
                    frame.0.len(),
                    0,
                )
            };
            if result < 0 {
                let error = io::Error::last_os_error();
                // What a program on the way out does with a frame is no error here.
                if error.raw_os_error() != Some(libc::ENOBUFS) {
                    return Err(failed("a frame can't be sent by", &request.device, &error));
                }
            } else {
                sent += 1;
            }
        }
    }
    Ok(sent)
}

/// A socket that frames come from.
struct Listener {
    device: String,
    socket: OwnedFd,
    count: usize,
}

fn listen(request: &PacketReceive) -> Result<Listener, ErrorBody> {
    let all = libc::ETH_P_ALL as u16;
    let (socket, _) = socket(&request.device, request.ethertype.unwrap_or(all))?;
    let on: libc::c_int = 1;
    // SAFETY: the kernel reads an int.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            PACKET_IGNORE_OUTGOING,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if set < 0 {
        let error = io::Error::last_os_error();
        return Err(failed(
            "outgoing frames can't be left out of",
            &request.device,
            &error,
        ));
    }
    Ok(Listener {
        device: request.device.clone(),
        socket,
        count: request.count.unwrap_or(0) as usize,
    })
}

impl Listener {
    /// What came, and until the deadline what else was to come.
    fn receive(&self, deadline: Instant) -> Result<Vec<Bytes>, ErrorBody> {
        let mut frames = Vec::new();
        let mut buffer = vec![0; MAX_FRAME];
        loop {
            // SAFETY: the kernel writes at most the buffer's length.
            let length = unsafe {
                libc::recv(
                    self.socket.as_raw_fd(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    libc::MSG_DONTWAIT,
                )
            };
            if let Ok(length) = usize::try_from(length) {
                if frames.len() < MAX_FRAMES {
                    frames.push(Bytes(buffer[..length].to_vec()));
                }
                continue;
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(failed(
                    "frames can't be received from",
                    &self.device,
                    &error,
                ));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if frames.len() >= self.count || left.is_zero() {
                return Ok(frames);
            }
            let mut ready = [PollFd::new(
                std::os::fd::AsFd::as_fd(&self.socket),
                PollFlags::POLLIN,
            )];
            let wait = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            // An interruption is a reason to look again, like anything else.
            let _ = poll(&mut ready, wait);
        }
    }
}
