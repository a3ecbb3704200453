// SPDX-License-Identifier: MIT
// Finds the Rust toolchain: a compiler together with the library source of exactly its version. A compiler refuses a
// core of another version, so the two must come from one place: Debian's pair (installed, or unpacked into the cache) or
// rustup with rust-src. The first rustc on PATH may well be one without its source.
import { readdir, readlink, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { cachePath, ensureFolder, exists } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import { runProcess, succeeded } from "../support/process.ts";
import { compareVersions, minimumRust } from "./requirements.ts";

export interface RustToolchain {
  readonly origin: "system" | "cache" | "rustup";
  readonly version: string;
  /** Folder with rustc, cargo and, where installed, clippy-driver, cargo-clippy, rustfmt, cargo-fmt. */
  readonly bin: string;
  /** The `library` folder of the compiler's own source. */
  readonly librarySource: string;
  /** Extra library folder when the toolchain was unpacked into the cache. */
  readonly libraryPath: string | undefined;
}

/** Where `doctor --fix` unpacks Debian's Rust packages when they can't be installed. */
export function privateRustRoot(): string {
  return cachePath("debs", "rust");
}

/** RUSTUP_HOME of the toolchain that `doctor --fix` installs where the distribution has none. */
export function privateRustupHome(): string {
  return cachePath("rust", "rustup");
}

export async function findRust(signal?: AbortSignal): Promise<RustToolchain | undefined> {
  const found: RustToolchain[] = [];
  for (const candidate of await candidates()) {
    const toolchain = await inspect(candidate, signal);
    if (toolchain && compareVersions(toolchain.version, minimumRust) >= 0) return toolchain;
    if (toolchain) found.push(toolchain);
  }
  return found[0];
}

/** The toolchain, or an error that says what to do. */
export async function requireRust(signal?: AbortSignal): Promise<RustToolchain> {
  const toolchain = await findRust(signal);
  if (toolchain && compareVersions(toolchain.version, minimumRust) >= 0) return toolchain;
  throw new RexTestError(`no Rust toolchain ${minimumRust} or newer together with its library source`, {
    where: toolchain ? `${toolchain.bin}/rustc is ${toolchain.version}` : undefined,
    hint: "rex-test doctor --fix",
  });
}

/** Environment for everything that runs rustc or cargo: the toolchain first on PATH, and libclang where bindgen looks. */
export async function rustEnvironment(toolchain: RustToolchain): Promise<Record<string, string>> {
  const clang = await findLibclang();
  const libraryPath = [toolchain.libraryPath, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  return {
    PATH: [toolchain.bin, process.env.PATH ?? ""].join(delimiter),
    RUSTC: join(toolchain.bin, "rustc"),
    CARGO: join(toolchain.bin, "cargo"),
    REX_RUST_SRC: toolchain.librarySource,
    CARGO_HOME: process.env.CARGO_HOME ?? (await ownCargoHome()),
    ...(clang ? { LIBCLANG_PATH: clang.folder } : {}),
    ...(libraryPath ? { LD_LIBRARY_PATH: libraryPath } : {}),
  };
}

/** Crates are downloaded into our cache, from where the user's configuration of cargo (mirrors, proxies) says. */
async function ownCargoHome(): Promise<string> {
  const home = await ensureFolder(cachePath("rust", "cargo-home"));
  const configuration = join(homedir(), ".cargo/config.toml");
  const link = join(home, "config.toml");
  const linked = await readlink(link).catch(() => undefined);
  const wanted = (await exists(configuration)) ? configuration : undefined;
  if (linked !== wanted) {
    await rm(link, { force: true });
    // Another process may be doing the same.
    if (wanted) await symlink(wanted, link).catch(() => undefined);
  }
  return home;
}

export interface FoundLibrary {
  readonly folder: string;
  readonly file: string;
  readonly version: string;
}

/** The newest libclang under /usr/lib/llvm-N, or the one unpacked into the cache. */
export async function findLibclang(): Promise<FoundLibrary | undefined> {
  for (const llvm of await llvmFolders()) {
    const folder = join(llvm.path, "lib");
    const file = (await names(folder)).find((name) => /^libclang(-\d+(\.\d+)*)?\.so(\.\d+)*$/.test(name));
    if (file) return { folder, file, version: llvm.version };
  }
  return undefined;
}

/** The newest ld.lld: /usr/lib/llvm-N/bin, or the one on PATH. */
export async function findLld(signal?: AbortSignal): Promise<{ path: string; version: string } | undefined> {
  const paths = (await llvmFolders()).map((llvm) => join(llvm.path, "bin", "ld.lld"));
  for (const path of [...paths, "ld.lld"]) {
    if (path !== "ld.lld" && !(await exists(path))) continue;
    const libraryPath = join(privateRustRoot(), "usr/lib/x86_64-linux-gnu");
    const finished = await runProcess(path, ["--version"], {
      signal,
      timeoutMs: 10_000,
      env: path.startsWith(privateRustRoot()) ? { LD_LIBRARY_PATH: libraryPath } : {},
    });
    const version = /LLD (\d+(?:\.\d+)+)/.exec(finished.stdout)?.[1];
    if (succeeded(finished) && version) return { path, version };
  }
  return undefined;
}

interface Candidate {
  readonly origin: RustToolchain["origin"];
  readonly bin: string;
  readonly sources: (version: string) => readonly string[];
  readonly libraryPath?: string;
}

async function candidates(): Promise<Candidate[]> {
  const debianSources = (root: string) => (version: string) => [
    `${root}/usr/src/rustc-${version}/library`,
    `${root}/usr/lib/rustlib/src/rust/library`,
  ];
  const found: Candidate[] = [{ origin: "system", bin: "/usr/bin", sources: debianSources("") }];
  for (const folder of (await names("/usr/lib")).filter((name) => /^rust-\d/.test(name))) {
    // Ubuntu's versioned packages keep their programs here.
    found.push({ origin: "system", bin: `/usr/lib/${folder}/bin`, sources: debianSources("") });
  }
  const root = privateRustRoot();
  found.push({
    origin: "cache",
    bin: join(root, "usr/bin"),
    sources: debianSources(root),
    libraryPath: join(root, "usr/lib/x86_64-linux-gnu"),
  });
  for (const home of [privateRustupHome(), process.env.RUSTUP_HOME ?? join(homedir(), ".rustup")]) {
    const toolchains = (await names(join(home, "toolchains"))).sort((a, b) => compareVersions(b, a));
    for (const name of toolchains) {
      const base = join(home, "toolchains", name);
      found.push({
        origin: "rustup",
        bin: join(base, "bin"),
        sources: () => [join(base, "lib/rustlib/src/rust/library")],
      });
    }
  }
  return found;
}

async function inspect(
  candidate: Candidate,
  signal: AbortSignal | undefined,
): Promise<RustToolchain | undefined> {
  const rustc = join(candidate.bin, "rustc");
  if (!(await exists(rustc)) || !(await exists(join(candidate.bin, "cargo")))) return undefined;
  const env = candidate.libraryPath ? { LD_LIBRARY_PATH: candidate.libraryPath } : {};
  const finished = await runProcess(rustc, ["--version"], { signal, timeoutMs: 20_000, env });
  const version = /^rustc (\d+\.\d+\.\d+)/.exec(finished.stdout)?.[1];
  if (!succeeded(finished) || !version) return undefined;
  for (const librarySource of candidate.sources(version)) {
    if (!(await exists(join(librarySource, "core/src/lib.rs")))) continue;
    const { origin, bin, libraryPath } = candidate;
    return { origin, version, bin, librarySource, libraryPath };
  }
  return undefined;
}

async function llvmFolders(): Promise<{ path: string; version: string }[]> {
  const found: { path: string; version: string }[] = [];
  for (const base of ["/usr/lib", join(privateRustRoot(), "usr/lib")]) {
    for (const name of await names(base)) {
      const version = /^llvm-(\d+)$/.exec(name)?.[1];
      if (version) found.push({ path: join(base, name), version });
    }
  }
  return found.sort((a, b) => Number(b.version) - Number(a.version));
}

async function names(folder: string): Promise<string[]> {
  return (await exists(folder)) ? await readdir(folder) : [];
}
