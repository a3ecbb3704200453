// SPDX-License-Identifier: GPL-2.0-only
//! Types that bytes from outside may become.

use core::mem::{Assume, TransmuteFrom};

/// Types without pointers or references anywhere inside.
///
/// An auto trait: a struct has it when all its fields have it. Function
/// pointers can't be told apart here; [`Plain`] refuses them.
///
/// # Safety
///
/// Not to be implemented by hand.
pub unsafe auto trait NoRef {}

impl<T: ?Sized> !NoRef for *const T {}
impl<T: ?Sized> !NoRef for *mut T {}
impl<T: ?Sized> !NoRef for &T {}
impl<T: ?Sized> !NoRef for &mut T {}

/// Types without a spin lock anywhere inside.
///
/// An auto trait, like [`NoRef`]. A value with a lock must be changed under
/// the lock and never as a whole, lock included: `map.lock(&key)` does it.
///
/// # Safety
///
/// Not to be implemented by hand.
#[diagnostic::on_unimplemented(
    message = "a value with a spin lock is reached under its lock",
    label = "this type, or one in it, is a spin lock",
    note = "write `#[rex_map(lock = \"field\")]` on the map, and `MAP.lock(&key)` to reach a value"
)]
pub unsafe auto trait NoLock {}

impl !NoLock for crate::spinlock::bpf_spin_lock {}

/// Largest plain type, in bytes. A value is copied to the Rex stack, of which
/// a program has four pages.
pub const PLAIN_MAX_BYTES: usize = 4096;

/// Types of which every byte pattern is a valid value and no value is
/// dangerous: integers, floats, arrays of them and `Copy` structs of them.
///
/// Map keys and values and whatever is read from kernel memory must be plain.
/// `bool`, `char`, enums, `NonZero` and function pointers are not: bytes that
/// some other program or user space wrote would make an invalid value of
/// them. Store an integer and convert it with a check.
///
/// `Copy` is part of it because a type with an invariant of its own that
/// unsafe code relies on (an iterator over a buffer, a guard) is hardly ever
/// `Copy`; nothing in core that is `Copy`, pointer-free and valid for all
/// bytes has one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be made from bytes that others write",
    label = "not plain data",
    note = "plain data are integers, floats, arrays of them, and structs of them that derive Clone and Copy, up to 4096 bytes",
    note = "a value with a `bpf_spin_lock` is reached under its lock: write `#[rex_map(lock = \"field\")]` on the map, and `MAP.lock(&key)` to reach a value",
    note = "references, pointers, bool, char, enums and NonZero are not: store an integer and convert it with a check"
)]
pub trait Plain: Stored + NoLock {}

#[diagnostic::do_not_recommend]
impl<T> Plain for T where
    T: Copy + NoRef + NoLock + 'static + TransmuteFrom<[u8; PLAIN_MAX_BYTES], { Assume::SAFETY }>
{
}

/// What a map can hold: plain data, with or without a spin lock among it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be made from bytes that others write",
    label = "neither plain data nor plain data with a lock",
    note = "plain data are integers, floats, arrays of them, and structs of them that derive Clone and Copy, up to 4096 bytes",
    note = "references, pointers, bool, char, enums and NonZero are not: store an integer and convert it with a check"
)]
pub trait Stored: Copy + NoRef + 'static {}

// TransmuteFrom is the compiler's own answer to "is every pattern of these
// bytes a valid Self". A source larger than Self stands for all sizes up to
// it, which spares a const parameter that could not be named in a bound.
// `safety` is assumed: it only asks whether fields are private.
#[diagnostic::do_not_recommend]
impl<T> Stored for T where
    T: Copy + NoRef + 'static + TransmuteFrom<[u8; PLAIN_MAX_BYTES], { Assume::SAFETY }>
{
}

/// Largest type whose padding can be ruled out by a bound, in bytes.
pub const NO_PADDING_MAX_BYTES: usize = 512;

/// Types of at most [`NO_PADDING_MAX_BYTES`] bytes without padding, so that
/// every byte of a value is data.
///
/// Padding is whatever was there before: other data of the program, or of the
/// kernel. It must not leave the program, and can't be read as a number.
///
/// Says nothing of larger types: whoever relies on it must check the size too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be turned into bytes",
    label = "has padding, or no bytes at all",
    note = "the bytes between and behind its fields are no data: add explicit fields there, or use `#[repr(C, packed)]`"
)]
pub trait NoPadding {}

// The exact size of Self can't be named in a bound. Tiles of it can: as many
// bytes of them as the largest Self has include a whole one.
#[diagnostic::do_not_recommend]
impl<T> NoPadding for T where
    [u8; NO_PADDING_MAX_BYTES]: TransmuteFrom<[T; NO_PADDING_MAX_BYTES], { Assume::SAFETY }>
{
}

/// Fails to compile unless `T` can be stored and has no padding, whose bytes would
/// leave the program uninitialised. `N` must be the size of `T`.
#[doc(hidden)]
pub const fn assert_bytes<T: Stored, const N: usize>()
where
    [u8; N]: TransmuteFrom<T, { Assume::SAFETY }>,
{
    assert!(size_of::<T>() == N);
}
