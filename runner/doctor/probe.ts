// SPDX-License-Identifier: MIT
// Asks the machine about each requirement. Nothing is changed, and every question has a time limit.
import { join } from "node:path";
import { findDebianSource } from "../kernel/debian-source.ts";
import { exists } from "../support/cache.ts";
import { runProcess } from "../support/process.ts";
import { findBrowser } from "./browser.ts";
import { findDistribution } from "./machine.ts";
import { compareVersions, type Requirement } from "./requirements.ts";
import { findLibclang, findLld, findRust, type RustToolchain } from "./toolchain.ts";

export type State =
  | { readonly kind: "present"; readonly version: string; readonly note?: string | undefined }
  | { readonly kind: "tooOld"; readonly version: string; readonly minimum: string }
  | { readonly kind: "missing"; readonly note?: string | undefined };

export interface Finding {
  readonly requirement: Requirement;
  readonly state: State;
}

/** All requirements, probed side by side. */
export async function probeAll(
  requirements: readonly Requirement[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const rust = findRust(signal);
  return await Promise.all(
    requirements.map(async (requirement) => ({
      requirement,
      state: judge(requirement, await probe(requirement, rust, signal)),
    })),
  );
}

export interface Answer {
  readonly version: string;
  readonly note?: string | undefined;
}

/** Turns what was found into a state; pure. */
export function judge(requirement: Pick<Requirement, "minimum">, answer: Answer | undefined): State {
  if (!answer) return { kind: "missing" };
  const { minimum } = requirement;
  if (minimum !== undefined && compareVersions(answer.version, minimum) < 0) {
    return { kind: "tooOld", version: answer.version, minimum };
  }
  return { kind: "present", ...answer };
}

async function probe(
  requirement: Requirement,
  rust: Promise<RustToolchain | undefined>,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const asked = requirement.probe;
  switch (asked.kind) {
    case "node":
      return { version: process.versions.node };
    case "program":
      return await probeProgram(asked.argv, asked.pattern, signal);
    case "file":
      for (const path of asked.anyOf) {
        if (await exists(path))
          return { version: (await packageVersion(requirement.packages[0], signal)) ?? "", note: path };
      }
      return undefined;
    case "rust":
      return await probeRust(asked.part, await rust);
    case "lld": {
      const lld = await findLld(signal);
      return lld && { version: lld.version, note: lld.path };
    }
    case "libclang": {
      const library = await findLibclang();
      return library && { version: library.version, note: join(library.folder, library.file) };
    }
    case "browser": {
      const browser = await findBrowser();
      const found = browser && (await probeProgram([browser, "--version"], /(\d+(?:\.\d+)+)/, signal));
      return found ? { ...found, note: browser } : undefined;
    }
    case "kernel-source": {
      const source = await findDebianSource("6.12");
      if (source) return { version: source.version, note: source.tarball };
      // Ubuntu packages no 6.12; the pinned tarball is downloaded when the first kernel is built.
      return (await findDistribution()).family === "ubuntu"
        ? { version: "6.12", note: "kernel.org's tarball" }
        : undefined;
    }
  }
}

async function probeProgram(
  argv: readonly [string, ...string[]],
  pattern: RegExp,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const [file, ...args] = argv;
  const finished = await runProcess(file, args, { signal, timeoutMs: 15_000 });
  if (finished.ending.kind !== "exited" || finished.ending.code === 127) return undefined;
  const output = `${finished.stdout}\n${finished.stderr}`;
  const version = pattern.exec(output)?.[1];
  // Some programs (setpriv of busybox) know no --version; that they run is what counts then.
  return version === undefined && finished.ending.code !== 0 ? undefined : { version: version ?? "" };
}

async function probeRust(
  part: "compiler" | "clippy" | "rustfmt",
  toolchain: RustToolchain | undefined,
): Promise<Answer | undefined> {
  if (!toolchain) return undefined;
  if (part === "compiler")
    return { version: toolchain.version, note: `${toolchain.bin}/rustc, ${toolchain.librarySource}` };
  const file = join(toolchain.bin, part === "clippy" ? "clippy-driver" : "rustfmt");
  return (await exists(file)) ? { version: toolchain.version, note: file } : undefined;
}

async function packageVersion(name: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const finished = await runProcess("dpkg-query", ["-W", "-f", "${Version}", name], {
    signal,
    timeoutMs: 10_000,
  });
  return finished.stdout.trim() || undefined;
}
