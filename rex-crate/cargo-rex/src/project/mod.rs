// SPDX-License-Identifier: GPL-2.0-only
//! A program author's ordinary cargo project.

pub mod manifest;
pub mod new;
