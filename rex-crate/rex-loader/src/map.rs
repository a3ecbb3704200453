// SPDX-License-Identifier: GPL-2.0-only
//! Maps and their elements.

use std::sync::Arc;

use crate::error::{Blame, Errno, Error};
use crate::object_file::MapRecord;
use crate::perf_buffer::{self, PerfReader, PerfRecords};
use crate::ringbuf::{self, Records};
use crate::sys::{Kernel, MapFd, MapShape, SysResult};

/// Largest element that is read: the reader may be a guest of little memory.
const MAX_VALUE_BYTES: usize = 8 * 1024 * 1024;

/// A value of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of an ordinary map.
    One(Vec<u8>),
    /// Of a per-CPU map: one for each possible CPU.
    PerCpu(Vec<Vec<u8>>),
}

/// Elements of a map, as far as they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Keys and values.
    pub entries: Vec<(Vec<u8>, Value)>,
    /// There are more.
    pub truncated: bool,
}

/// A perf buffer of one CPU.
pub struct PerfBuffer {
    /// The CPU.
    pub cpu: u32,
    reader: Box<dyn PerfReader>,
}

impl PerfBuffer {
    /// Takes out all there is.
    ///
    /// # Errors
    /// The kernel's, for a buffer that makes no sense.
    pub fn read(&self) -> Result<PerfRecords, Error> {
        self.reader.read().map_err(|errno| {
            let what = format!("the perf buffer of CPU {} can't be read", self.cpu);
            Error::errno(Blame::Kernel, what, errno)
        })
    }
}

/// A map of a loaded object.
pub struct Map {
    /// What its record says.
    pub record: MapRecord,
    /// The kernel's id of it.
    pub id: u32,
    pub(crate) fd: MapFd,
    pub(crate) kernel: Arc<dyn Kernel>,
}

impl Map {
    /// Sizes of its elements.
    pub fn shape(&self) -> &MapShape {
        self.fd.shape()
    }

    fn failed(&self, what: &str, errno: Errno) -> Error {
        let blame = match errno.0 {
            libc::ENOMEM => Blame::Kernel,
            _ => Blame::Caller,
        };
        Error::errno(
            blame,
            format!("map {}: {what} failed", self.record.name),
            errno,
        )
    }

    fn check_key(&self, key: &[u8]) -> Result<(), Error> {
        let want = self.shape().key_size as usize;
        if key.len() == want {
            return Ok(());
        }
        let (name, got) = (&self.record.name, key.len());
        Err(Error::caller(format!(
            "map {name}: the key has {got} bytes, the map's keys have {want}"
        )))
    }

    /// Reads an element; None when there is none with this key.
    ///
    /// # Errors
    /// The caller's when the key has another size, else what the kernel says.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        self.read(key, |bytes| self.kernel.map_lookup(&self.fd, key, bytes))
    }

    fn read(
        &self,
        key: &[u8],
        read: impl Fn(&mut [u8]) -> SysResult<()>,
    ) -> Result<Option<Value>, Error> {
        self.check_key(key)?;
        let size = self.shape().transfer_bytes();
        if size > MAX_VALUE_BYTES {
            let name = &self.record.name;
            let message = format!(
                "map {name}: an element has {size} bytes, at most {MAX_VALUE_BYTES} can be read"
            );
            return Err(Error::caller(message));
        }
        let mut bytes = vec![0; size];
        match read(&mut bytes) {
            Ok(()) => Ok(Some(self.unpack(bytes))),
            Err(Errno(libc::ENOENT)) => Ok(None),
            Err(errno) => Err(self.failed("reading an element", errno)),
        }
    }

    /// Reads and deletes an element in one step; of a queue or stack the next
    /// one, and its key is empty.
    ///
    /// # Errors
    /// The caller's when the key has another size, else what the kernel says.
    pub fn take(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        self.read(key, |bytes| self.kernel.map_take(&self.fd, key, bytes))
    }

    /// Writes an element; `flags` are BPF_ANY, BPF_NOEXIST, …
    ///
    /// # Errors
    /// The caller's when key or value have other sizes, else what the kernel says.
    pub fn set(&self, key: &[u8], value: &Value, flags: u64) -> Result<(), Error> {
        self.check_key(key)?;
        let bytes = self.pack(value)?;
        self.kernel
            .map_update(&self.fd, key, &bytes, flags)
            .map_err(|errno| self.failed("writing an element", errno))
    }

    /// Deletes an element; false when there was none with this key.
    ///
    /// # Errors
    /// The caller's when the key has another size, else what the kernel says.
    pub fn delete(&self, key: &[u8]) -> Result<bool, Error> {
        self.check_key(key)?;
        match self.kernel.map_delete(&self.fd, key) {
            Ok(()) => Ok(true),
            Err(Errno(libc::ENOENT)) => Ok(false),
            Err(errno) => Err(self.failed("deleting an element", errno)),
        }
    }

    /// Reads up to `limit` elements, and no more than `max_bytes` of them.
    ///
    /// A hash that is written meanwhile may give an element twice or not at
    /// all, and begins again when the key at hand is deleted; so the number of
    /// steps is bounded too.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn entries(&self, limit: usize, max_bytes: usize) -> Result<Entries, Error> {
        let mut found = Entries::default();
        let mut key: Option<Vec<u8>> = None;
        let mut bytes = 0;
        for _ in 0..=(self.shape().max_entries as usize).saturating_mul(2) {
            let mut next = vec![0; self.shape().key_size as usize];
            match self
                .kernel
                .map_next_key(&self.fd, key.as_deref(), &mut next)
            {
                Ok(()) => {}
                Err(Errno(libc::ENOENT)) => return Ok(found),
                Err(errno) => return Err(self.failed("walking the keys", errno)),
            }
            bytes += next.len() + self.shape().transfer_bytes();
            if found.entries.len() == limit || bytes > max_bytes {
                break;
            }
            // Gone since: leave it out.
            if let Some(value) = self.get(&next)? {
                found.entries.push((next.clone(), value));
            }
            key = Some(next);
        }
        found.truncated = true;
        Ok(found)
    }

    /// Takes the records out of a ring buffer, up to about `max_bytes`.
    ///
    /// # Errors
    /// The caller's when it is another kind of map, else what the kernel says.
    pub fn read_ringbuf(&self, max_bytes: usize) -> Result<Records, Error> {
        if self.shape().map_type != ringbuf::MAP_TYPE {
            let name = &self.record.name;
            return Err(Error::caller(format!("map {name} is no ring buffer")));
        }
        self.kernel
            .ringbuf_read(&self.fd, max_bytes)
            .map_err(|errno| self.failed("reading the ring buffer", errno))
    }

    /// Opens perf buffers for what programs on these CPUs write to a perf
    /// event array; they take events until they are dropped.
    ///
    /// # Errors
    /// The caller's when it is another kind of map, else what the kernel says.
    pub fn open_perf_buffers(&self, cpus: &[u32]) -> Result<Vec<PerfBuffer>, Error> {
        if self.shape().map_type != perf_buffer::MAP_TYPE {
            let name = &self.record.name;
            return Err(Error::caller(format!("map {name} is no perf event array")));
        }
        let open = |&cpu: &u32| {
            let reader = self.kernel.perf_buffer_open(&self.fd, cpu);
            let reader = reader.map_err(|errno| self.failed("opening a perf buffer", errno))?;
            Ok(PerfBuffer { cpu, reader })
        };
        cpus.iter().map(open).collect()
    }

    fn unpack(&self, bytes: Vec<u8>) -> Value {
        let shape = self.shape();
        if !shape.is_per_cpu() {
            return Value::One(bytes);
        }
        let one = |cpu: u32| {
            let start = cpu as usize * shape.stride();
            bytes[start..start + shape.value_size as usize].to_vec()
        };
        Value::PerCpu((0..shape.values_per_entry).map(one).collect())
    }

    fn pack(&self, value: &Value) -> Result<Vec<u8>, Error> {
        let shape = self.shape();
        let (name, want) = (&self.record.name, shape.value_size as usize);
        let parts = match value {
            Value::One(bytes) if !shape.is_per_cpu() => std::slice::from_ref(bytes),
            Value::PerCpu(parts) if shape.is_per_cpu() => parts,
            Value::One(_) => {
                return Err(Error::caller(format!(
                    "map {name}: a value for each CPU is needed"
                )));
            }
            Value::PerCpu(_) => {
                return Err(Error::caller(format!(
                    "map {name}: it has one value, not one for each CPU"
                )));
            }
        };
        if parts.len() != shape.values_per_entry as usize {
            let (got, cpus) = (parts.len(), shape.values_per_entry);
            return Err(Error::caller(format!(
                "map {name}: {got} values for {cpus} possible CPUs"
            )));
        }
        let mut bytes = Vec::with_capacity(shape.transfer_bytes());
        for part in parts {
            if part.len() != want {
                let got = part.len();
                let message =
                    format!("map {name}: the value has {got} bytes, the map's values have {want}");
                return Err(Error::caller(message));
            }
            bytes.extend_from_slice(part);
            if shape.is_per_cpu() {
                bytes.resize(bytes.len().next_multiple_of(8), 0);
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
