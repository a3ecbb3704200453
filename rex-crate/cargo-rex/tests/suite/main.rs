// SPDX-License-Identifier: GPL-2.0-only
//! Tests with real compilations, in one binary because linking one is slow.

mod common;
mod compile_fail;
mod compile_pass;
mod rex_logic;
mod sources;
