// SPDX-License-Identifier: GPL-2.0-only
//! The records of `.rex.progs` and `.rex.maps`.
//!
//! They have the layout of `rex_abi`'s structs, asserted below, but hold
//! pointers where those hold the numbers that a relocation makes of them.

use core::ffi::c_void;
use core::mem::offset_of;

use crate::map::MapHandle;
use rex_abi::{
    REX_ABI_VERSION, REX_ATTACH_LEN, REX_MAP_NAME_LEN, REX_PROG_NAME_LEN, rex_map_desc,
    rex_prog_desc,
};

/// The kernel's way into a program.
pub type Entry = extern "C" fn(*mut c_void) -> u64;

/// One record of `.rex.progs`.
#[repr(C)]
pub struct ProgRecord {
    abi_version: u32,
    prog_type: u32,
    expected_attach_type: u32,
    flags: u32,
    ctx_size: u32,
    stack_bytes: u32,
    name: [u8; REX_PROG_NAME_LEN as usize],
    attach: [u8; REX_ATTACH_LEN as usize],
    entry: Entry,
}

const _: () = {
    assert!(size_of::<ProgRecord>() == size_of::<rex_prog_desc>());
    assert!(offset_of!(ProgRecord, flags) == offset_of!(rex_prog_desc, flags));
    assert!(offset_of!(ProgRecord, ctx_size) == offset_of!(rex_prog_desc, ctx_size));
    assert!(offset_of!(ProgRecord, stack_bytes) == offset_of!(rex_prog_desc, stack_bytes));
    assert!(offset_of!(ProgRecord, name) == offset_of!(rex_prog_desc, name));
    assert!(offset_of!(ProgRecord, attach) == offset_of!(rex_prog_desc, attach));
    assert!(offset_of!(ProgRecord, entry) == offset_of!(rex_prog_desc, entry));
};

impl ProgRecord {
    /// The record of the program `name`. `REX_PROG_F_OVERRIDE` and
    /// `stack_bytes` are not set here: the builder derives them from the
    /// finished code.
    pub const fn new(
        prog_type: u32,
        ctx_size: usize,
        name: &str,
        attach: &str,
        entry: Entry,
    ) -> Self {
        assert!(
            is_c_identifier(name),
            "the name of a program must consist of ASCII letters, digits and underscores"
        );
        Self {
            abi_version: REX_ABI_VERSION,
            prog_type,
            expected_attach_type: 0,
            flags: 0,
            ctx_size: ctx_size as u32,
            stack_bytes: 0,
            name: c_string(name),
            attach: c_string(attach),
            entry,
        }
    }
}

/// One record of `.rex.maps`.
#[repr(C)]
pub struct MapRecord {
    abi_version: u32,
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    lock_offset: u32,
    reserved: u32,
    name: [u8; REX_MAP_NAME_LEN as usize],
    handle: MapHandle,
}

const _: () = {
    assert!(size_of::<MapRecord>() == size_of::<rex_map_desc>());
    assert!(offset_of!(MapRecord, map_flags) == offset_of!(rex_map_desc, map_flags));
    assert!(offset_of!(MapRecord, lock_offset) == offset_of!(rex_map_desc, lock_offset));
    assert!(offset_of!(MapRecord, name) == offset_of!(rex_map_desc, name));
    assert!(offset_of!(MapRecord, handle) == offset_of!(rex_map_desc, handle));
};

/// What a map type says about itself.
pub struct MapShape {
    /// `BPF_MAP_TYPE_*`.
    pub map_type: u32,
    /// Bytes of a key.
    pub key_size: usize,
    /// Bytes of a value.
    pub value_size: usize,
    /// Most entries it can hold.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub flags: u32,
    /// Where the values' spin lock is, or `REX_NO_LOCK`.
    pub lock_offset: u32,
}

impl MapShape {
    /// The same with a spin lock in the values.
    pub const fn with_lock(self, lock_offset: usize) -> Self {
        Self {
            lock_offset: lock_offset as u32,
            ..self
        }
    }
}

impl MapRecord {
    /// The record of the map `name`, whose address the kernel stores at
    /// `handle`.
    pub const fn new(shape: MapShape, name: &str, handle: MapHandle) -> Self {
        assert!(
            is_c_identifier(name),
            "the name of a map must consist of ASCII letters, digits and underscores"
        );
        Self {
            abi_version: REX_ABI_VERSION,
            map_type: shape.map_type,
            key_size: shape.key_size as u32,
            value_size: shape.value_size as u32,
            max_entries: shape.max_entries,
            map_flags: shape.flags,
            lock_offset: shape.lock_offset,
            reserved: 0,
            name: c_string(name),
            handle,
        }
    }
}

const fn is_c_identifier(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        let byte = bytes[index];
        if !(byte.is_ascii_alphanumeric() || byte == b'_') {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty() && !bytes[0].is_ascii_digit()
}

const fn c_string<const N: usize>(text: &str) -> [u8; N] {
    let text = text.as_bytes();
    assert!(
        text.len() < N,
        "a name is too long: 63 bytes for a program or a map, 127 for where to attach"
    );
    let mut bytes = [0; N];
    let mut index = 0;
    while index < text.len() {
        assert!(text[index] != 0, "a name contains a NUL");
        bytes[index] = text[index];
        index += 1;
    }
    bytes
}

/// A program's result as its hook gets it.
#[inline(always)]
pub fn to_hook(result: crate::Result) -> u64 {
    let (Ok(value) | Err(value)) = result;
    u64::from(value as u32)
}
