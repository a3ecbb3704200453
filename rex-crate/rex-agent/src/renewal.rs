// SPDX-License-Identifier: GPL-2.0-only
//! What makes a clone of a snapshot a guest of its own.
//!
//! All clones begin with the same memory, the generator of random numbers
//! included, and with a clock that stood still since the snapshot. Whatever
//! else the agent holds (its place in the kernel log, the open port) goes on
//! where it was, as the host does.

use std::mem::offset_of;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_settime};
use rex_protocol::{Blame, ErrorBody, ErrorKind, RenewParams};

const RANDOM: &str = "/dev/urandom";
/// What the generator needs to count as seeded.
const MIN_ENTROPY: usize = 32;
const MAX_ENTROPY: usize = 512;

/// `struct rand_pool_info` of <linux/random.h>, with its buffer.
#[repr(C)]
struct PoolInfo {
    entropy_bits: libc::c_int,
    bytes: libc::c_int,
    buffer: [u8; MAX_ENTROPY],
}

const _: () = assert!(offset_of!(PoolInfo, buffer) == 8);

/// Seeds the random numbers, then sets the clock.
pub fn renew(params: &RenewParams) -> Result<(), ErrorBody> {
    let info = pool_info(&params.entropy.0)?;
    let since_1970 = Duration::from_nanos(params.realtime_ns.0);
    seed(&info).map_err(|errno| refused("the random numbers can't be seeded", errno))?;
    clock_settime(ClockId::CLOCK_REALTIME, TimeSpec::from_duration(since_1970))
        .map_err(|errno| refused("the clock can't be set", errno))
}

fn pool_info(entropy: &[u8]) -> Result<PoolInfo, ErrorBody> {
    if !(MIN_ENTROPY..=MAX_ENTROPY).contains(&entropy.len()) {
        return Err(ErrorBody::invalid(format!(
            "entropy has {} bytes, not {MIN_ENTROPY} to {MAX_ENTROPY}",
            entropy.len()
        )));
    }
    let mut info = PoolInfo {
        entropy_bits: libc::c_int::try_from(entropy.len() * 8).expect("bounded above"),
        bytes: libc::c_int::try_from(entropy.len()).expect("bounded above"),
        buffer: [0; MAX_ENTROPY],
    };
    info.buffer[..entropy.len()].copy_from_slice(entropy);
    Ok(info)
}

// Named by the size of the head alone.
nix::ioctl_write_ptr_bad!(
    add_entropy,
    nix::request_code_write!(b'R', 0x03, size_of::<[libc::c_int; 2]>()),
    PoolInfo
);
nix::ioctl_none!(reseed, b'R', 0x07);

/// Mixes the bytes in, and has every CPU's generator start from them at once
/// instead of some time within the next minute.
fn seed(info: &PoolInfo) -> Result<(), Errno> {
    let random = open(RANDOM, OFlag::O_RDONLY, Mode::empty())?;
    // SAFETY: the ioctl reads the head and `bytes` bytes of the buffer behind it.
    unsafe { add_entropy(random.as_raw_fd(), info) }?;
    // SAFETY: the ioctl takes no argument.
    unsafe { reseed(random.as_raw_fd()) }?;
    Ok(())
}

fn refused(what: &str, errno: Errno) -> ErrorBody {
    let mut body = ErrorBody::new(ErrorKind::Errno, Blame::Kernel, format!("{what}: {errno}"));
    body.errno = Some(errno as i32);
    body.errno_name = Some(rex_loader::Errno(errno as i32).name());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_laid_out_as_the_kernel_reads_it() {
        let info = pool_info(&[7; 48]).unwrap();
        assert_eq!((info.entropy_bits, info.bytes), (384, 48));
        assert_eq!((info.buffer[47], info.buffer[48]), (7, 0));
    }

    #[test]
    fn too_little_or_too_much_entropy_is_refused() {
        for bytes in [0, MIN_ENTROPY - 1, MAX_ENTROPY + 1] {
            let error = pool_info(&vec![0; bytes]).err().unwrap();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(
                error.message.contains(&format!("{bytes} bytes")),
                "{}",
                error.message
            );
        }
    }
}
