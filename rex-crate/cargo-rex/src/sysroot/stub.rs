// SPDX-License-Identifier: GPL-2.0-only
//! The stub library that programs are linked against.
//!
//! It defines every function of the import allow-list and nothing else. An
//! import becomes a GLOB_DAT relocation only when a shared library provides
//! it; and what is not on the list is an undefined symbol already for the
//! linker.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::write::{Object, StandardSection, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};

use crate::toolchain::{Toolchain, output};

/// Name of the library, as objects carry it in DT_NEEDED. The kernel ignores
/// the tag.
pub const SONAME: &str = "librex_kernel.so";

/// Writes the library into `folder`.
pub fn build(toolchain: &Toolchain, folder: &Path) -> Result<()> {
    let object = folder.join("stub.o");
    fs::write(&object, definitions(rex_abi::IMPORTS)?)?;
    let mut link = toolchain.lld.command();
    link.args(["-shared", "--hash-style=sysv", "-soname", SONAME, "-o"]);
    link.arg(folder.join(SONAME)).arg(&object);
    output(&mut link).context("can't link the stub library")?;
    fs::remove_file(object)?;
    Ok(())
}

/// A relocatable object that defines `names` as functions.
fn definitions(names: &[&str]) -> Result<Vec<u8>> {
    const RET: &[u8] = &[0xc3];
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let text = object.section_id(StandardSection::Text);
    for name in names {
        let value = object.append_section_data(text, RET, 1);
        object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size: RET.len() as u64,
            kind: SymbolKind::Text,
            scope: SymbolScope::Dynamic,
            weak: false,
            section: SymbolSection::Section(text),
            flags: SymbolFlags::None,
        });
    }
    Ok(object.write()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Object as _, ObjectSymbol as _};

    #[test]
    fn every_import_is_a_global_function() {
        let bytes = definitions(rex_abi::IMPORTS).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let mut names: Vec<_> = file
            .symbols()
            .filter(|symbol| symbol.is_global() && symbol.kind() == SymbolKind::Text)
            .map(|symbol| symbol.name().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, rex_abi::IMPORTS);
    }
}
