// SPDX-License-Identifier: GPL-2.0-only
//! What the host has loaded and attached, by handle.
//!
//! The lock is held only to look something up. Whatever talks to the kernel
//! does so with an `Arc`, so a slow call holds up nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rex_loader::{Link, LoadedObject, Map, PerfBuffer, Program};
use rex_protocol::{ErrorBody, InventoryHandles};

/// Handles of an object and what is in it.
#[derive(Debug)]
pub struct Handles {
    /// Of the object.
    pub object: u32,
    /// Of its programs, in order.
    pub programs: Vec<u32>,
    /// Of its maps, in order.
    pub maps: Vec<u32>,
}

#[derive(Default)]
struct Tables {
    last: u32,
    objects: BTreeMap<u32, Arc<LoadedObject>>,
    /// Object, and which of its programs.
    programs: BTreeMap<u32, (u32, usize)>,
    /// Object, and which of its maps.
    maps: BTreeMap<u32, (u32, usize)>,
    /// Object whose program it attaches; none for one that was pinned.
    links: BTreeMap<u32, (Option<u32>, Arc<Link>)>,
    /// By map: its object, and the buffers.
    perf_buffers: BTreeMap<u32, (u32, PerfBuffers)>,
}

/// The perf buffers of a map.
pub type PerfBuffers = Arc<Mutex<Vec<PerfBuffer>>>;

impl Tables {
    /// Handles are never used again, so a stale one is noticed.
    fn handle(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    fn object(&self, handle: u32) -> Option<Arc<LoadedObject>> {
        self.objects.get(&handle).cloned()
    }
}

/// All that the host holds.
#[derive(Default)]
pub struct Registry(Mutex<Tables>);

/// A program, with the object that it is in.
pub struct ProgramRef {
    /// Handle of the object.
    pub handle: u32,
    object: Arc<LoadedObject>,
    index: usize,
}

impl std::ops::Deref for ProgramRef {
    type Target = Program;
    fn deref(&self) -> &Program {
        &self.object.programs[self.index]
    }
}

/// A map, with the object that it is in.
pub struct MapRef {
    /// Its own handle.
    handle: u32,
    owner: u32,
    object: Arc<LoadedObject>,
    index: usize,
}

impl std::ops::Deref for MapRef {
    type Target = Map;
    fn deref(&self) -> &Map {
        &self.object.maps[self.index]
    }
}

fn none(what: &str, handle: u32) -> ErrorBody {
    ErrorBody::not_found(format!("there is no {what} with handle {handle}"))
}

impl Registry {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().expect("no panics")
    }

    /// Takes an object in.
    pub fn add(&self, object: LoadedObject) -> (Handles, Arc<LoadedObject>) {
        let object = Arc::new(object);
        let mut tables = self.tables();
        let handle = tables.handle();
        let programs = (0..object.programs.len()).map(|index| {
            let program = tables.handle();
            tables.programs.insert(program, (handle, index));
            program
        });
        let programs = programs.collect();
        let maps = (0..object.maps.len()).map(|index| {
            let map = tables.handle();
            tables.maps.insert(map, (handle, index));
            map
        });
        let maps = maps.collect();
        tables.objects.insert(handle, object.clone());
        (
            Handles {
                object: handle,
                programs,
                maps,
            },
            object,
        )
    }

    /// Lets an object go, with its links.
    pub fn remove(&self, handle: u32) -> Result<(), ErrorBody> {
        let mut tables = self.tables();
        let object = tables
            .objects
            .remove(&handle)
            .ok_or_else(|| none("object", handle))?;
        tables.programs.retain(|_, (owner, _)| *owner != handle);
        tables.maps.retain(|_, (owner, _)| *owner != handle);
        let links: Vec<Arc<Link>> = tables
            .links
            .extract_if(.., |_, (owner, _)| *owner == Some(handle))
            .map(|(_, (_, link))| link)
            .collect();
        let buffers: Vec<(u32, PerfBuffers)> = tables
            .perf_buffers
            .extract_if(.., |_, (owner, _)| *owner == handle)
            .map(|(_, buffers)| buffers)
            .collect();
        // Closing descriptors can take milliseconds: not under the lock.
        drop(tables);
        drop(links);
        drop(buffers);
        drop(object);
        Ok(())
    }

    /// A program.
    pub fn program(&self, handle: u32) -> Result<ProgramRef, ErrorBody> {
        let tables = self.tables();
        let (owner, index) = tables
            .programs
            .get(&handle)
            .copied()
            .ok_or_else(|| none("program", handle))?;
        let object = tables
            .object(owner)
            .ok_or_else(|| none("program", handle))?;
        Ok(ProgramRef {
            handle: owner,
            object,
            index,
        })
    }

    /// A map.
    pub fn map(&self, handle: u32) -> Result<MapRef, ErrorBody> {
        let tables = self.tables();
        let (owner, index) = tables
            .maps
            .get(&handle)
            .copied()
            .ok_or_else(|| none("map", handle))?;
        let object = tables.object(owner).ok_or_else(|| none("map", handle))?;
        Ok(MapRef {
            handle,
            owner,
            object,
            index,
        })
    }

    /// Takes the perf buffers of a map in, in place of those it had.
    pub fn add_perf_buffers(
        &self,
        map: &MapRef,
        buffers: Vec<PerfBuffer>,
    ) -> Result<(), ErrorBody> {
        let buffers = Arc::new(Mutex::new(buffers));
        let mut tables = self.tables();
        if !tables.objects.contains_key(&map.owner) {
            drop(tables);
            drop(buffers);
            return Err(none("object", map.owner));
        }
        let before = tables.perf_buffers.insert(map.handle, (map.owner, buffers));
        drop(tables);
        drop(before);
        Ok(())
    }

    /// The perf buffers of a map.
    pub fn perf_buffers(&self, map: u32) -> Result<PerfBuffers, ErrorBody> {
        let tables = self.tables();
        let buffers = tables.perf_buffers.get(&map);
        buffers.map(|(_, buffers)| buffers.clone()).ok_or_else(|| {
            ErrorBody::not_found(format!("no perf buffers were opened for map {map}"))
        })
    }

    /// Takes a link in. When its object was unloaded meanwhile the link goes too.
    pub fn add_link(&self, program: &ProgramRef, link: Link) -> Result<u32, ErrorBody> {
        let mut tables = self.tables();
        if !tables.objects.contains_key(&program.handle) {
            drop(tables);
            drop(link);
            return Err(none("object", program.handle));
        }
        let handle = tables.handle();
        tables
            .links
            .insert(handle, (Some(program.handle), Arc::new(link)));
        Ok(handle)
    }

    /// Takes a link in whose program is nobody's.
    pub fn add_pinned_link(&self, link: Link) -> u32 {
        let mut tables = self.tables();
        let handle = tables.handle();
        tables.links.insert(handle, (None, Arc::new(link)));
        handle
    }

    /// A link has another object's program now, and goes when that one does.
    pub fn link_now_of(&self, link: u32, program: &ProgramRef) {
        if let Some((owner, _)) = self.tables().links.get_mut(&link) {
            *owner = owner.map(|_| program.handle);
        }
    }

    /// An attachment.
    pub fn link(&self, handle: u32) -> Result<Arc<Link>, ErrorBody> {
        let tables = self.tables();
        let (_, link) = tables
            .links
            .get(&handle)
            .ok_or_else(|| none("link", handle))?;
        Ok(link.clone())
    }

    /// Ends an attachment.
    pub fn remove_link(&self, handle: u32) -> Result<(), ErrorBody> {
        let link = self
            .tables()
            .links
            .remove(&handle)
            .ok_or_else(|| none("link", handle))?;
        drop(link);
        Ok(())
    }

    /// All handles of objects and links.
    pub fn handles(&self) -> InventoryHandles {
        let tables = self.tables();
        InventoryHandles {
            objects: tables.objects.keys().copied().collect(),
            links: tables.links.keys().copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(name: &str) -> LoadedObject {
        LoadedObject {
            name: name.to_string(),
            programs: Vec::new(),
            maps: Vec::new(),
            log: String::new(),
        }
    }

    #[test]
    fn handles_are_not_reused() {
        let registry = Registry::default();
        let (first, _) = registry.add(empty("a"));
        registry.remove(first.object).unwrap();
        let error = registry.remove(first.object).unwrap_err();
        assert_eq!(error.kind, rex_protocol::ErrorKind::NotFound);
        let (second, _) = registry.add(empty("b"));
        assert_ne!(first.object, second.object);
        assert_eq!(registry.handles().objects, [second.object]);
    }

    #[test]
    fn unknown_handles() {
        let registry = Registry::default();
        assert!(
            registry
                .program(1)
                .err()
                .unwrap()
                .message
                .contains("no program with handle 1")
        );
        assert!(registry.map(2).is_err());
        assert!(registry.remove_link(3).is_err());
    }
}
