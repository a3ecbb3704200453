// SPDX-License-Identifier: MIT
// apt, in two ways: the machine's own (installing, as root), and a private state in the cache that can see further suites
// of the same mirror and downloads without touching the machine's configuration, lists or locks.
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, ensureFolder, exists, publishFolder } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import { mustRun, runProcess, succeeded } from "../support/process.ts";
import type { Privilege } from "./machine.ts";

/** Options that keep apt from waiting for anybody or anything forever. */
const patience = [
  "-o",
  "DPkg::Lock::Timeout=300",
  "-o",
  "Acquire::http::Timeout=30",
  "-o",
  "Acquire::https::Timeout=30",
  "-o",
  "Acquire::Retries=3",
  "-o",
  "Dpkg::Use-Pty=0",
  "-o",
  "Dpkg::Options::=--force-confold",
];
const environment = {
  DEBIAN_FRONTEND: "noninteractive",
  DEBCONF_NONINTERACTIVE_SEEN: "true",
  NEEDRESTART_MODE: "a",
  APT_LISTCHANGES_FRONTEND: "none",
  LC_ALL: "C.UTF-8",
};
const longMs = 30 * 60_000;

export interface IndexTarget {
  /** "http://mirror/debian/": where the suite lives. */
  readonly uri: string;
  readonly codename: string;
  readonly suite: string;
  readonly origin: string;
}

/** The suites that the machine's apt is configured with; parses `apt-get indextargets`. */
export function parseIndexTargets(text: string): IndexTarget[] {
  const targets = new Map<string, IndexTarget>();
  for (const line of text.split("\n")) {
    const [uri = "", codename = "", suite = "", origin = ""] = line.split("|");
    if (uri && codename) targets.set(`${uri} ${codename}`, { uri, codename, suite, origin });
  }
  return [...targets.values()];
}

export async function indexTargets(signal: AbortSignal): Promise<IndexTarget[]> {
  const finished = await runProcess(
    "apt-get",
    ["indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(SUITE)|$(ORIGIN)"],
    {
      signal,
      env: environment,
    },
  );
  return parseIndexTargets(finished.stdout);
}

/**
 * The suites of a Debian release as a sources list: the machine's own of that release, and the ones it has not got, on the mirror of
 * those it has. The security suite lives beside the main archive on every mirror that carries it, as "…-security".
 */
export function derivedSources(
  targets: readonly IndexTarget[],
  codename: string,
  keyring: string | undefined,
): string[] {
  const main = targets.find(
    (target) => target.codename === codename || target.codename === `${codename}-updates`,
  );
  if (!main) return [];
  const base = main.uri.replace(/\/+$/, "");
  const security =
    targets.find((target) => target.codename === `${codename}-security`)?.uri ?? `${base}-security/`;
  const options = keyring ? ` [signed-by=${keyring}]` : "";
  return [
    `deb${options} ${main.uri} ${codename} main`,
    `deb${options} ${main.uri} ${codename}-updates main`,
    `deb${options} ${security} ${codename}-security main`,
    `deb${options} ${main.uri} ${codename}-backports main`,
  ];
}

/** The versions that the machine's apt would install, for the packages it knows; parses `apt-cache policy`. */
export function parsePolicy(text: string): Map<string, string> {
  const candidates = new Map<string, string>();
  let name = "";
  for (const line of text.split("\n")) {
    const heading = /^(\S+):$/.exec(line);
    if (heading?.[1]) name = heading[1];
    const candidate = /^ {2}Candidate: (\S+)$/.exec(line)?.[1];
    if (candidate !== undefined && candidate !== "(none)") candidates.set(name, candidate);
  }
  return candidates;
}

export async function candidates(
  packages: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const names = await runProcess("apt-cache", ["pkgnames", "rustc-1."], { signal, env: environment });
  const releases = names.stdout
    .split("\n")
    .map((name) => /^rustc-(1\.\d+)$/.exec(name)?.[1])
    .filter((name) => name !== undefined);
  const versioned = releases.flatMap((release) => [
    `rustc-${release}`,
    `cargo-${release}`,
    `rust-${release}-src`,
    `rust-${release}-clippy`,
    `rustfmt-${release}`,
  ]);
  const finished = await runProcess("apt-cache", ["policy", ...packages, ...versioned], {
    signal,
    env: environment,
  });
  return parsePolicy(finished.stdout);
}

/** Which of these packages are installed. */
export async function installed(packages: readonly string[], signal: AbortSignal): Promise<string[]> {
  const finished = await runProcess(
    "dpkg-query",
    ["-W", "-f", "${Package} ${db:Status-Status}\n", ...packages],
    { signal },
  );
  return finished.stdout
    .split("\n")
    .filter((line) => line.endsWith(" installed"))
    .map((line) => line.split(" ")[0] ?? "");
}

/** Runs apt-get as root. */
export async function aptGetAsRoot(
  args: readonly string[],
  privilege: Exclude<Privilege, { kind: "none" }>,
  options: {
    readonly signal: AbortSignal;
    readonly logPath: string;
    readonly onLine?: (line: string) => void;
  },
): Promise<void> {
  const argv = ["apt-get", ...patience, ...args];
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const whole =
    privilege.kind === "root"
      ? ["env", ...settings, ...argv]
      : ["sudo", ...(privilege.kind === "sudo" ? ["-n"] : []), "env", ...settings, ...argv];
  const interactive = privilege.kind === "sudo-password";
  await mustRun(whole[0] ?? "env", whole.slice(1), {
    what: `apt-get ${args[0]}`,
    signal: options.signal,
    timeoutMs: longMs,
    hint: "run it by hand to see more; `apt-get -f install` repairs an interrupted installation",
    ...(interactive
      ? { interactive }
      : { logPath: options.logPath, ...(options.onLine ? { onLine: options.onLine } : {}) }),
  });
}

/** Downloads packages and what they depend on from the release's suites, and unpacks them into `debs/<name>`. */
export async function unpackPrivately(
  name: string,
  packages: readonly string[],
  release: { readonly codename: string; readonly ignoreInstalled: readonly string[] },
  signal: AbortSignal,
): Promise<string> {
  const state = await ensureFolder(cachePath("debs", ".apt"));
  const target = cachePath("debs", name);
  // The folder is replaced whole, so what it has already is fetched again with what is new.
  const manifest = join(target, "packages.txt");
  const earlier = (await exists(manifest)) ? (await readFile(manifest, "utf8")).split("\n") : [];
  const wanted = [...new Set([...packages, ...earlier.map((line) => line.split(" ")[0] ?? "")])].filter(
    (item) => item !== "",
  );
  const options = await privateOptions(state, release, signal);
  const run = (args: readonly string[], what: string) =>
    mustRun("apt-get", [...patience, ...options, ...args], {
      what,
      signal,
      timeoutMs: longMs,
      env: environment,
      dieWithParent: true,
    });
  await run(["update"], "reading the package lists");
  await rm(join(state, "cache/archives"), { recursive: true, force: true });
  await ensureFolder(join(state, "cache/archives/partial"));
  await run(
    ["install", "--yes", "--no-install-recommends", "--download-only", "--reinstall", ...wanted],
    `downloading ${packages.join(" ")}`,
  );
  const archives = (await readdir(join(state, "cache/archives"))).filter((file) => file.endsWith(".deb"));
  const whole = await publishFolder(`${target}.new-${process.pid}`, async (folder) => {
    for (const file of archives) {
      await mustRun("dpkg", ["-x", join(state, "cache/archives", file), folder], {
        what: `unpacking ${file}`,
        signal,
        timeoutMs: 300_000,
      });
    }
    await writeFile(join(folder, "packages.txt"), archives.map(describeArchive).sort().join(""));
  });
  const retired = `${target}.old-${process.pid}`;
  if (await exists(target)) await rename(target, retired);
  await rename(whole, target);
  await rm(retired, { recursive: true, force: true });
  await rm(join(state, "cache"), { recursive: true, force: true });
  return target;
}

/** "name_version_arch.deb" as "name version\n"; apt writes the epoch's colon as %3a. */
export function describeArchive(file: string): string {
  const [name = file, version = ""] = file.replace(/\.deb$/, "").split("_");
  return `${name} ${decodeURIComponent(version)}\n`;
}

async function privateOptions(
  state: string,
  release: { readonly codename: string; readonly ignoreInstalled: readonly string[] },
  signal: AbortSignal,
): Promise<string[]> {
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const sources = derivedSources(
    await indexTargets(signal),
    release.codename,
    (await exists(keyring)) ? keyring : undefined,
  );
  if (sources.length === 0) {
    throw new RexTestError(
      `apt is not configured with any suite of ${release.codename}, so its mirror is unknown`,
      {
        where: "/etc/apt",
        hint: "run apt-get update once, or add the distribution's own sources",
      },
    );
  }
  for (const folder of ["lists/partial", "cache/archives/partial"]) await ensureFolder(join(state, folder));
  await writeFile(join(state, "sources.list"), `${await reachable(sources, state, signal)}\n`);
  // To apt the packages that ours conflict with are not there; nothing gets installed, so nothing breaks.
  await writeFile(
    join(state, "status"),
    withoutPackages(await readFile("/var/lib/dpkg/status", "utf8"), release.ignoreInstalled),
  );
  return [
    "-o",
    `Dir::Etc::sourcelist=${join(state, "sources.list")}`,
    "-o",
    "Dir::Etc::sourceparts=/dev/null",
    "-o",
    "Dir::Etc::preferencesparts=/dev/null",
    "-o",
    `Dir::State::lists=${join(state, "lists")}`,
    "-o",
    `Dir::State::status=${join(state, "status")}`,
    "-o",
    `Dir::State::extended_states=${join(state, "extended_states")}`,
    "-o",
    `Dir::Cache=${join(state, "cache")}`,
    "-o",
    "Debug::NoLocking=true",
    "-o",
    "APT::Sandbox::User=root",
    "-o",
    "APT::Update::Error-Mode=any",
    "-o",
    "APT::Update::Post-Invoke-Success::=/bin/true",
  ];
}

/** Not every mirror carries every suite: those whose Release file can't be fetched are left out. */
async function reachable(sources: readonly string[], state: string, signal: AbortSignal): Promise<string> {
  const kept = await Promise.all(
    sources.map(async (line, index) => {
      const [uri = "", suite = ""] = line.replace(/^deb(?: \[[^\]]*\])? /, "").split(" ");
      if (!/^https?:/.test(uri)) return line;
      const file = join(state, `release-${index}`);
      const release = `${uri.replace(/\/+$/, "")}/dists/${suite}/Release`;
      const finished = await runProcess("/usr/lib/apt/apt-helper", ["download-file", release, file], {
        signal,
        env: environment,
      });
      await rm(file, { force: true });
      return succeeded(finished) ? line : undefined;
    }),
  );
  return kept.filter((line) => line !== undefined).join("\n");
}

/** The dpkg status file without some packages. */
export function withoutPackages(status: string, names: readonly string[]): string {
  const gone = new Set(names);
  return status
    .split("\n\n")
    .filter((stanza) => !gone.has(/^Package: (\S+)$/m.exec(stanza)?.[1] ?? ""))
    .join("\n\n");
}
