// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { Distribution } from "./machine.ts";
import { makePlan, type PackageFacts, rootCommands, wanted } from "./plan.ts";
import { type Finding, judge, type State } from "./probe.ts";
import { requirements } from "./requirements.ts";

const bookworm: Distribution = { family: "debian", codename: "bookworm", version: "12", title: "Debian 12" };
const noble: Distribution = { family: "ubuntu", codename: "noble", version: "24.04", title: "Ubuntu 24.04" };
const debianRust = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "rustfmt-web"];

function missing(...ids: readonly string[]): Finding[] {
  return requirements.map((requirement) => {
    const state: State = ids.includes(requirement.id)
      ? { kind: "missing" }
      : { kind: "present", version: "1" };
    return { requirement, state };
  });
}

function facts(
  over: Partial<PackageFacts> & { readonly packages?: Record<string, string> } = {},
): PackageFacts {
  const { packages = {}, ...rest } = over;
  return { distribution: bookworm, candidates: new Map(Object.entries(packages)), conflicting: [], ...rest };
}

const everything = Object.fromEntries(
  [...requirements.flatMap((requirement) => [...requirement.packages]), ...debianRust].map((name) => [
    name,
    "1.96.0",
  ]),
);

test("nothing missing, nothing to do", () => {
  expect(makePlan(missing(), facts())).toEqual({ steps: [], stuck: [] });
});

test("what apt has is installed in one go", () => {
  const plan = makePlan(missing("flex", "libelf", "linux-source", "rust"), facts({ packages: everything }));
  expect(plan).toEqual({
    steps: [{ kind: "install", packages: ["flex", "libelf-dev", "linux-source-6.12", ...debianRust] }],
    stuck: [],
  });
});

test("a user's own Rust is never pushed out: ours goes into the cache", () => {
  const plan = makePlan(missing("rust", "flex"), facts({ packages: everything, conflicting: ["rustup"] }));
  expect(plan.steps).toEqual([
    { kind: "install", packages: ["flex"] },
    { kind: "unpack", name: "rust", packages: debianRust, why: "installing it would remove rustup" },
  ]);
});

test("a Rust that is too old is not installed; lld and libclang go where the private Rust is", () => {
  const plan = makePlan(
    missing("rust", "lld", "linux-source"),
    facts({ packages: { "rustc-web": "1.85.0+dfsg3" } }),
  );
  expect(plan.steps).toEqual([
    expect.objectContaining({ kind: "unpack", name: "linux-source-6.12" }),
    expect.objectContaining({ kind: "unpack", name: "rust", packages: ["lld-22", ...debianRust] }),
  ]);
});

test("Ubuntu: the oldest versioned toolchain that is new enough and whole", () => {
  const whole = (release: string) => [
    `rustc-${release}`,
    `cargo-${release}`,
    `rust-${release}-src`,
    `rust-${release}-clippy`,
    `rustfmt-${release}`,
  ];
  const packages = Object.fromEntries(
    [...whole("1.90"), ...whole("1.97"), ...whole("1.98"), "rustc-1.96"].map((name) => [name, "1"]),
  );
  expect(makePlan(missing("rust"), facts({ distribution: noble, packages })).steps).toEqual([
    { kind: "install", packages: whole("1.97") },
  ]);
});

test("Ubuntu without one: rustup into the cache; its kernel comes from kernel.org", () => {
  const plan = makePlan(
    missing("clippy", "linux-source"),
    facts({ distribution: noble, packages: { "rustc-1.80": "1.80.1" } }),
  );
  expect(plan).toEqual({ steps: [{ kind: "rustup", install: ["rustup"] }], stuck: [] });
});

test("a package that apt does not know is said, not guessed", () => {
  const plan = makePlan(missing("qemu"), facts());
  expect(plan.steps).toEqual([]);
  expect(plan.stuck).toMatchObject([
    { requirement: { id: "qemu" }, reason: "apt knows no package qemu-system-x86" },
  ]);
});

test("on another distribution nothing is touched", () => {
  const plan = makePlan(
    missing("qemu"),
    facts({ distribution: { family: "other", title: "Arch Linux" }, packages: everything }),
  );
  expect(plan).toMatchObject({ steps: [], stuck: [{ reason: "no recipe for Arch Linux" }] });
});

test("optional requirements are listed, not installed", () => {
  expect(missing("sparse", "actionlint").some(wanted)).toBe(false);
  expect(missing("shellcheck", "gdb").filter(wanted)).toHaveLength(2);
});

test("the commands for somebody with root", () => {
  const plan = makePlan(missing("flex", "bison"), facts({ packages: everything }));
  expect(rootCommands(plan)).toEqual([
    "apt-get update",
    "apt-get install --yes --no-install-recommends flex bison",
  ]);
  expect(rootCommands({ steps: [], stuck: [] })).toEqual([]);
});

test.each([
  [{ version: "24.1.0" }, "24", "present"],
  [{ version: "23.9.9" }, "24", "tooOld"],
  [{ version: "1.100.0" }, "1.96", "present"],
  [undefined, "24", "missing"],
] as const)("%j against a minimum of %s is %s", (answer, minimum, kind) => {
  expect(judge({ minimum }, answer).kind).toBe(kind);
});

test("what only tests want is installed like everything else, and asks for nothing where no package brings it", () => {
  const [finding] = missing("chromium").filter(({ requirement }) => requirement.id === "chromium");
  expect(finding && wanted(finding)).toBe(true);
  expect(makePlan(missing("chromium"), facts({ packages: everything }))).toEqual({
    steps: [{ kind: "install", packages: ["chromium"] }],
    stuck: [],
  });
  expect(makePlan(missing("chromium"), facts({ distribution: noble, packages: everything }))).toEqual({
    steps: [],
    stuck: [],
  });
});
