// SPDX-License-Identifier: MIT
// Decides how each missing requirement is met. Pure: facts in, steps out, so that every kind of machine can be tested.

import type { Distribution } from "./machine.ts";
import type { Finding } from "./probe.ts";
import { compareVersions, packagesOf, type Requirement } from "./requirements.ts";

export interface PackageFacts {
  readonly distribution: Distribution;
  /** The version that the machine's own apt would install, by package. */
  readonly candidates: ReadonlyMap<string, string>;
  /** Installed packages that one of ours would push out. */
  readonly conflicting: readonly string[];
}

export type Step =
  /** apt-get install, as root. */
  | { readonly kind: "install"; readonly packages: readonly string[] }
  /** Downloaded with an apt state of our own and unpacked into the cache; no root, the machine's packages stay as they are. */
  | {
      readonly kind: "unpack";
      readonly name: string;
      readonly packages: readonly string[];
      readonly why: string;
    }
  /** A toolchain in the cache through rustup, where the distribution packages none that is new enough. */
  | { readonly kind: "rustup"; readonly install: readonly string[] };

export interface Plan {
  readonly steps: readonly Step[];
  /** Requirements nothing can be done about, with the reason. */
  readonly stuck: readonly { readonly requirement: Requirement; readonly reason: string }[];
}

const rustIds: ReadonlySet<string> = new Set(["rust", "clippy", "rustfmt"]);
/** Package names that Debian's rustc-web family conflicts with. */
export const rustConflicts = ["rustc", "cargo", "rust-src", "rust-clippy", "rustfmt", "rustup"] as const;
const debianRust = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "rustfmt-web"] as const;

/** Whether `--fix` should do something about it. */
export function wanted(finding: Finding): boolean {
  return finding.state.kind !== "present" && finding.requirement.level !== "optional";
}

export function makePlan(findings: readonly Finding[], facts: PackageFacts): Plan {
  const missing = findings.filter(wanted).map((finding) => finding.requirement);
  if (facts.distribution.family === "other") {
    return {
      steps: [],
      stuck: missing.map((requirement) => ({
        requirement,
        reason: `no recipe for ${facts.distribution.title}`,
      })),
    };
  }
  const install = new Set<string>();
  const unpack: Step[] = [];
  const stuck: { requirement: Requirement; reason: string }[] = [];
  for (const requirement of missing) {
    if (rustIds.has(requirement.id)) continue;
    if (requirement.id === "linux-source" && facts.distribution.family === "ubuntu") continue; // kernel.org's tarball serves
    const packages = packagesOf(requirement, facts.distribution);
    if (packages.length === 0 && requirement.level === "test") continue; // its test says what to do
    if (packages.length === 0) stuck.push({ requirement, reason: "no package brings it" });
    else if (packages.every((name) => facts.candidates.has(name)))
      for (const name of packages) install.add(name);
    else if (requirement.id === "linux-source" || requirement.id === "lld" || requirement.id === "libclang") {
      unpack.push({
        kind: "unpack",
        name: unpackName(requirement),
        packages,
        why: "not in the suites that apt is configured with",
      });
    } else {
      const absent = packages.filter((name) => !facts.candidates.has(name));
      stuck.push({ requirement, reason: `apt knows no package ${absent.join(", ")}` });
    }
  }
  const rust = missing.filter((requirement) => rustIds.has(requirement.id));
  const rustSteps = rust.length > 0 ? planRust(facts) : [];
  for (const step of rustSteps)
    if (step.kind === "install") for (const name of step.packages) install.add(name);
  const steps: Step[] = [];
  if (install.size > 0) steps.push({ kind: "install", packages: [...install] });
  steps.push(...mergeUnpacks([...unpack, ...rustSteps.filter((step) => step.kind === "unpack")]));
  steps.push(...rustSteps.filter((step) => step.kind === "rustup"));
  return { steps, stuck };
}

/** lld and libclang are looked for beside the private Rust packages. */
function unpackName(requirement: Requirement): string {
  return requirement.id === "linux-source" ? "linux-source-6.12" : "rust";
}

/** The whole family at once: the parts are only good together, at one version. */
function planRust(facts: PackageFacts): Step[] {
  if (facts.distribution.family === "ubuntu") return planUbuntuRust(facts);
  if (facts.conflicting.length > 0) {
    return [
      {
        kind: "unpack",
        name: "rust",
        packages: debianRust,
        why: `installing it would remove ${facts.conflicting.join(", ")}`,
      },
    ];
  }
  const candidate = facts.candidates.get("rustc-web");
  if (candidate !== undefined && compareVersions(candidate, minimumRustForPackages) >= 0) {
    return [{ kind: "install", packages: debianRust }];
  }
  return [
    {
      kind: "unpack",
      name: "rust",
      packages: debianRust,
      why: "the suites that apt is configured with have none new enough",
    },
  ];
}

const minimumRustForPackages = "1.96";

function planUbuntuRust(facts: PackageFacts): Step[] {
  const releases = [...facts.candidates.keys()]
    .map((name) => /^rustc-(1\.\d+)$/.exec(name)?.[1])
    .filter(
      (release): release is string =>
        release !== undefined && compareVersions(release, minimumRustForPackages) >= 0,
    )
    .sort(compareVersions);
  for (const release of releases) {
    const packages = [
      `rustc-${release}`,
      `cargo-${release}`,
      `rust-${release}-src`,
      `rust-${release}-clippy`,
      `rustfmt-${release}`,
    ];
    if (packages.every((name) => facts.candidates.has(name))) return [{ kind: "install", packages }];
  }
  return [{ kind: "rustup", install: facts.conflicting.includes("rustup") ? [] : ["rustup"] }];
}

function mergeUnpacks(steps: readonly Step[]): Step[] {
  const merged = new Map<string, Step & { kind: "unpack" }>();
  for (const step of steps) {
    if (step.kind !== "unpack") continue;
    const earlier = merged.get(step.name);
    merged.set(
      step.name,
      earlier ? { ...step, packages: [...new Set([...earlier.packages, ...step.packages])] } : step,
    );
  }
  return [...merged.values()];
}

/** The commands a user without root would give to somebody who has it. */
export function rootCommands(plan: Plan): string[] {
  const commands: string[] = [];
  for (const step of plan.steps) {
    const packages = step.kind === "install" ? step.packages : step.kind === "rustup" ? step.install : [];
    if (packages.length > 0)
      commands.push(`apt-get install --yes --no-install-recommends ${packages.join(" ")}`);
  }
  return commands.length > 0 ? ["apt-get update", ...commands] : [];
}
