// SPDX-License-Identifier: GPL-2.0-only
//! Loads Rex objects and attaches their programs, from user space.
//!
//! An [`ObjectFile`] is what was read out of an object's records. [`Loader`]
//! creates its maps, hands the object to the kernel and gets its programs;
//! the result is a [`LoadedObject`] of [`Program`]s and [`Map`]s. A program
//! attaches through a BPF link and stays attached while its [`Link`] lives.
//!
//! ```no_run
//! use rex_loader::{Loader, ObjectFile};
//!
//! let bytes = std::fs::read("hello.rex").unwrap();
//! let loader = Loader::new();
//! let object = loader.load(&ObjectFile::parse(&bytes)?, &bytes, "hello")?;
//! let program = &object.programs[0];
//! let link = loader.attach(program, &program.default_target()?)?;
//! # Ok::<(), rex_loader::Error>(())
//! ```
//!
//! The loader refuses what can't be an object so as to say what is wrong with
//! it; the kernel trusts none of this and checks everything again.
//!
//! Every system call goes through [`sys::Kernel`], which a test replaces.

mod attach;
mod btf;
mod ebpf;
mod error;
#[cfg(test)]
mod fake;
mod inventory;
mod load;
mod map;
mod names;
mod object_file;
pub mod perf_buffer;
mod pin;
pub mod ringbuf;
pub mod sys;
mod target;

pub use attach::Link;
pub use error::{Blame, Errno, Error, Kind};
pub use inventory::{LinkEntry, MapEntry, ProgramEntry};
pub use load::{LoadedObject, Loader, Program};
pub use map::{Entries, Map, PerfBuffer, Value};
pub use names::{link_type_name, map_type_name, program_type_name};
pub use object_file::{MapRecord, ObjectFile, ProgramRecord};
pub use target::{Direction, Target, XdpMode};
