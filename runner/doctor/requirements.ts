// SPDX-License-Identifier: MIT
// Everything the project needs from the machine, with the packages that bring it.
import type { Distribution } from "./machine.ts";

/**
 * needed: `npm start` can't do without it. check: `npm run check` wants it. test: `npm test` wants it. optional: something more
 * becomes possible.
 */
export type Level = "needed" | "check" | "test" | "optional";

export interface Requirement {
  readonly id: string;
  /** What it is for, a few words. */
  readonly purpose: string;
  readonly level: Level;
  /** Packages of Debian; Ubuntu's where they differ. None: there is no package. */
  readonly packages: readonly string[];
  readonly ubuntuPackages?: readonly string[];
  readonly probe: Probe;
  /** Smallest version that works, compared number by number. */
  readonly minimum?: string;
}

export type Probe =
  /** Runs the program; the first match of `pattern` in its output is the version. */
  | { readonly kind: "program"; readonly argv: readonly [string, ...string[]]; readonly pattern: RegExp }
  /** One of these files exists; the version is that of the first package. */
  | { readonly kind: "file"; readonly anyOf: readonly string[] }
  | { readonly kind: "node" }
  | { readonly kind: "rust"; readonly part: "compiler" | "clippy" | "rustfmt" }
  | { readonly kind: "lld" }
  | { readonly kind: "libclang" }
  | { readonly kind: "browser" }
  | { readonly kind: "kernel-source" };

const dotted = /(\d+(?:\.\d+)+)/;

function program(
  id: string,
  purpose: string,
  packages: readonly string[],
  options: Partial<Pick<Requirement, "level" | "ubuntuPackages" | "minimum">> & {
    readonly argv?: readonly [string, ...string[]];
    readonly pattern?: RegExp;
  } = {},
): Requirement {
  const { argv, pattern, ...rest } = options;
  return {
    id,
    purpose,
    packages,
    level: "needed",
    probe: { kind: "program", argv: argv ?? [id, "--version"], pattern: pattern ?? dotted },
    ...rest,
  };
}

/** The first Rust release that all of the build recipes were tried with. */
export const minimumRust = "1.96";

const rustPackages = ["rustc-web", "cargo-web", "rust-web-src"];

export const requirements: readonly Requirement[] = [
  {
    id: "node",
    purpose: "runs the TypeScript",
    level: "needed",
    packages: [],
    probe: { kind: "node" },
    minimum: "24",
  },
  program("gcc", "compiles the kernel", ["gcc", "libc6-dev"], {
    argv: ["gcc", "-dumpfullversion"],
    minimum: "8",
  }),
  program("make", "builds the kernel", ["make"]),
  program("flex", "builds the kernel", ["flex"]),
  program("bison", "builds the kernel", ["bison"]),
  program("bc", "builds the kernel", ["bc"]),
  program("perl", "builds the kernel", ["perl"], { argv: ["perl", "-e", "print substr($^V, 1)"] }),
  program("patch", "applies the hooks", ["patch"]),
  {
    id: "libelf",
    purpose: "builds the kernel's objtool",
    level: "needed",
    packages: ["libelf-dev"],
    probe: { kind: "file", anyOf: ["/usr/include/libelf.h"] },
  },
  {
    id: "libssl",
    purpose: "builds the kernel's tools",
    level: "needed",
    packages: ["libssl-dev"],
    probe: { kind: "file", anyOf: ["/usr/include/openssl/ssl.h"] },
  },
  program("ccache", "makes the next kernel build fast", ["ccache"]),
  program("cpio", "packs the guest's initramfs", ["cpio"]),
  program("xz", "unpacks the kernel source", ["xz-utils"]),
  program("git", "reads a kernel tree's state", ["git"]),
  program("setpriv", "ends children with their parent", ["util-linux"]),
  program("flock", "keeps two builds apart", ["util-linux"]),
  {
    id: "linux-source",
    purpose: "the kernel, 6.12",
    level: "needed",
    packages: ["linux-source-6.12"],
    ubuntuPackages: [],
    probe: { kind: "kernel-source" },
  },
  {
    id: "rust",
    purpose: "compiles programs and host tools",
    level: "needed",
    packages: rustPackages,
    ubuntuPackages: [],
    probe: { kind: "rust", part: "compiler" },
    minimum: minimumRust,
  },
  {
    id: "lld",
    purpose: "links programs",
    level: "needed",
    packages: ["lld-22"],
    ubuntuPackages: ["lld"],
    probe: { kind: "lld" },
    minimum: "15",
  },
  {
    id: "libclang",
    purpose: "reads the kernel's headers",
    level: "needed",
    packages: ["libclang1-22"],
    ubuntuPackages: ["libclang1-18"],
    probe: { kind: "libclang" },
    minimum: "14",
  },
  {
    id: "clippy",
    purpose: "refuses leaks in programs",
    level: "needed",
    packages: ["rust-web-clippy"],
    ubuntuPackages: [],
    probe: { kind: "rust", part: "clippy" },
  },
  program("qemu", "runs the kernels", ["qemu-system-x86"], {
    argv: ["qemu-system-x86_64", "--version"],
    minimum: "7.2",
  }),
  program("bpftool", "shows stock tools work", ["bpftool"], {
    ubuntuPackages: ["linux-tools-common", "linux-tools-generic"],
    argv: ["bpftool", "version"],
    pattern: /v(\d+\.\d+\.\d+)/,
  }),
  {
    id: "rustfmt",
    purpose: "npm run check",
    level: "check",
    packages: ["rustfmt-web"],
    ubuntuPackages: [],
    probe: { kind: "rust", part: "rustfmt" },
  },
  program("shellcheck", "npm run check", ["shellcheck"], { level: "check", pattern: /version: (\S+)/ }),
  {
    id: "chromium",
    purpose: "npm test, for the HTML report",
    level: "test",
    packages: ["chromium"],
    // Ubuntu's is a snap.
    ubuntuPackages: [],
    probe: { kind: "browser" },
  },
  program("gdb", "rex-test debug, and its test", ["gdb"], { level: "test" }),
  program("actionlint", "npm run check", [], { level: "optional" }),
  program("sparse", "checks the kernel code", ["sparse"], { level: "optional" }),
];

export function packagesOf(requirement: Requirement, distribution: Distribution): readonly string[] {
  return distribution.family === "ubuntu"
    ? (requirement.ubuntuPackages ?? requirement.packages)
    : requirement.packages;
}

/** Compares dotted versions number by number: negative, 0 or positive; a missing number counts as 0. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string) => (version.match(/\d+/g) ?? []).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
