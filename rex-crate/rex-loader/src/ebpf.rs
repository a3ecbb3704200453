// SPDX-License-Identifier: GPL-2.0-only
//! eBPF programs, to compare with: the kernel is to treat Rex's no differently.

use crate::error::{Blame, Error};
use crate::load::{LoadedObject, Loader};
use crate::names::program_type_number;

impl Loader {
    /// Loads an eBPF program: its type by name, its instructions as bpf(2)
    /// takes them.
    ///
    /// # Errors
    /// The caller's for a type that doesn't exist; the object's, with the
    /// verifier's words, when the kernel refuses it.
    pub fn load_ebpf(
        &self,
        program_type: &str,
        instructions: &[u8],
        name: &str,
    ) -> Result<LoadedObject, Error> {
        let number = program_type_number(program_type)
            .ok_or_else(|| Error::caller(format!("there is no program type {program_type}")))?;
        let mut log = String::new();
        let loaded = self
            .kernel
            .ebpf_load(number, instructions, name, &mut log)
            .and_then(|fd| self.described_program(fd));
        let program = loaded.map_err(|errno| Error {
            log: Some(log).filter(|log| !log.is_empty()),
            ..Error::errno(
                Blame::Object,
                format!("the kernel refused eBPF program {name}"),
                errno,
            )
        })?;
        Ok(LoadedObject {
            name: name.to_string(),
            programs: vec![program],
            maps: Vec::new(),
            log: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::error::Blame;
    use crate::fake::Fake;
    use crate::load::Loader;

    #[test]
    fn a_program_by_type_and_instructions() {
        let fake = Fake::new();
        let loader = Loader::with_kernel(fake.clone());
        let object = loader.load_ebpf("xdp", &[0; 16], "drop").unwrap();
        assert_eq!((object.programs.len(), object.programs[0].id), (1, 11));
        assert_eq!(fake.called()[0], "ebpf_load 6 drop 16");
        let error = loader.load_ebpf("xpd", &[], "x").err().unwrap();
        assert_eq!(error.blame, Blame::Caller);
        *fake.log.lock().unwrap() = "R0 !read_ok".into();
        fake.fail("ebpf_load", libc::EACCES);
        let error = loader.load_ebpf("xdp", &[0; 8], "bad").err().unwrap();
        assert_eq!(error.log.as_deref(), Some("R0 !read_ok"));
    }
}
