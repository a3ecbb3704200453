// SPDX-License-Identifier: GPL-2.0-only
//! temporary
fn main() {
    let header = std::path::Path::new("../kernel/sources/include/uapi/linux/rex.h");
    std::fs::write("rex-abi/src/generated.rs", cargo_rex::bindings::abi::generate(header).unwrap()).unwrap();
}
