// SPDX-License-Identifier: GPL-2.0-only
//! Who calls whom.

use std::collections::{BTreeMap, BTreeSet};

/// What one function calls and names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Functions that it calls directly, tail calls included.
    pub calls: BTreeSet<u64>,
    /// Imports that it calls.
    pub imports: BTreeSet<String>,
    /// Calls through a pointer.
    pub indirect_calls: usize,
    /// Functions whose address it takes in its code.
    pub takes: BTreeSet<u64>,
    /// Words of data that it addresses.
    pub data: BTreeSet<u64>,
}

/// The calls of an object, by function address.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// One node for each function.
    pub nodes: BTreeMap<u64, Node>,
    /// Functions whose address is in data: in a vtable or a static, but not
    /// as the entry point of a program.
    pub in_data: BTreeSet<u64>,
}

impl Graph {
    /// Whether a run that starts in the function at `entry` can call
    /// `import`. A call through a pointer counts as a call of everything whose
    /// address is taken anywhere.
    pub fn reaches(&self, entry: u64, import: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![entry];
        while let Some(address) = next.pop() {
            if !seen.insert(address) {
                continue;
            }
            let Some(node) = self.nodes.get(&address) else {
                continue;
            };
            if node.imports.contains(import) {
                return true;
            }
            next.extend(&node.calls);
            if node.indirect_calls > 0 {
                next.extend(&self.in_data);
                next.extend(self.nodes.values().flat_map(|node| &node.takes));
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(calls: &[u64], imports: &[&str], indirect_calls: usize) -> Node {
        Node {
            calls: calls.iter().copied().collect(),
            imports: imports.iter().map(|name| name.to_string()).collect(),
            indirect_calls,
            ..Node::default()
        }
    }

    #[test]
    fn direct_calls_are_followed_and_recursion_ends() {
        let graph = Graph {
            nodes: [
                (1, node(&[2], &[], 0)),
                (2, node(&[1, 3], &[], 0)),
                (3, node(&[], &["rex_override_return"], 0)),
                (4, node(&[4], &[], 0)),
            ]
            .into(),
            in_data: BTreeSet::new(),
        };
        assert!(graph.reaches(1, "rex_override_return"));
        assert!(!graph.reaches(4, "rex_override_return"));
        assert!(!graph.reaches(1, "rex_trace_print"));
    }

    #[test]
    fn an_indirect_call_may_reach_what_is_addressed() {
        let graph = Graph {
            nodes: [
                (1, node(&[], &[], 1)),
                (2, node(&[], &["rex_override_return"], 0)),
                (3, node(&[], &[], 0)),
            ]
            .into(),
            in_data: [2].into(),
        };
        assert!(graph.reaches(1, "rex_override_return"));
        assert!(!graph.reaches(3, "rex_override_return"));
    }
}
