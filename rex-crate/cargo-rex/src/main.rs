// SPDX-License-Identifier: GPL-2.0-only
//! temporary
use cargo_rex::*;
fn main() {
    let p = sysroot::Progress::new(|s| eprintln!("{s}"));
    let s = sysroot::ensure(&cache::root().unwrap(), std::path::Path::new("/tmp/w/hdr/usr/include"), &p).unwrap();
    println!("{}\n{}", s.core.path.display(), s.rex.path.display());
}
