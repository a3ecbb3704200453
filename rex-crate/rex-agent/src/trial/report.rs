// SPDX-License-Identifier: GPL-2.0-only
//! What a trial tells: how often the kernel took the object, and how often it
//! refused with which errno and which sentence.

use std::collections::BTreeMap;

use serde::Serialize;

use super::kernel::Outcome;

/// Different sentences that are kept; the counts go on.
const MOST_SENTENCES: usize = 200;

/// The report.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Loads that went well.
    pub loaded: u32,
    /// Refusals by the name of their errno.
    pub refused: BTreeMap<String, u32>,
    /// Different sentences, "ENOEXEC: …", in the order they came.
    pub sentences: Vec<String>,
    /// Refusals that came without one.
    pub silent: u32,
    /// Allocations that were made to fail.
    pub failed_allocations: u32,
    /// Calls that were to go well and did not, or the other way round.
    pub unexpected: Vec<String>,
}

impl Report {
    /// Counts one load.
    pub fn add(&mut self, outcome: &Outcome) {
        let Err(errno) = outcome.result else {
            self.loaded += 1;
            return;
        };
        let name = errno.name();
        if outcome.log.is_empty() {
            self.silent += 1;
        }
        let sentence = format!("{name}: {}", outcome.log);
        if self.sentences.len() < MOST_SENTENCES && !self.sentences.contains(&sentence) {
            self.sentences.push(sentence);
        }
        *self.refused.entry(name).or_default() += 1;
    }

    /// Counts a call of which no sentence is expected.
    pub fn count(&mut self, result: &Result<i32, String>) {
        match result {
            Ok(_) => self.loaded += 1,
            Err(name) => *self.refused.entry(name.clone()).or_default() += 1,
        }
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: Report) {
        self.loaded += other.loaded;
        self.silent += other.silent;
        self.failed_allocations += other.failed_allocations;
        self.unexpected.extend(other.unexpected);
        for (name, count) in other.refused {
            *self.refused.entry(name).or_default() += count;
        }
        for sentence in other.sentences {
            if self.sentences.len() < MOST_SENTENCES && !self.sentences.contains(&sentence) {
                self.sentences.push(sentence);
            }
        }
    }
}
