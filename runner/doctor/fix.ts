// SPDX-License-Identifier: MIT
// Carries out a plan: says first what it will do, then does it step by step with a progress line.
import { cachePath, ensureFolder } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import { withLock } from "../support/lock.ts";
import { mustRun } from "../support/process.ts";
import type { Progress } from "../support/progress.ts";
import { aptGetAsRoot, candidates, installed, unpackPrivately } from "./apt.ts";
import { type Distribution, findPrivilege, type Privilege } from "./machine.ts";
import {
  makePlan,
  type PackageFacts,
  type Plan,
  rootCommands,
  rustConflicts,
  type Step,
  wanted,
} from "./plan.ts";
import type { Finding } from "./probe.ts";
import { packagesOf } from "./requirements.ts";
import { privateRustupHome } from "./toolchain.ts";

export interface FixOptions {
  readonly distribution: Distribution;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly dryRun: boolean;
  readonly say: (line: string) => void;
}

/** Does what can be done about the findings. Returns false when it only said what would have to be done. */
export async function fix(findings: readonly Finding[], options: FixOptions): Promise<boolean> {
  const { say, signal, progress, distribution } = options;
  const missing = findings.filter(wanted);
  say(`missing: ${missing.map((finding) => finding.requirement.id).join(", ")}`);
  if (distribution.family === "other") throw noRecipe(distribution, missing);
  const privilege = await findPrivilege(signal);
  const logPath = cachePath("logs", "doctor.log");
  await ensureFolder(cachePath("logs"));
  return await withLock(
    "doctor",
    async () => {
      if (privilege.kind !== "none" && !options.dryRun) {
        say(`will run: ${prefix(privilege)}apt-get update`);
        progress.update({ what: "reading the package lists" });
        await aptGetAsRoot(["update"], privilege, { signal, logPath });
        progress.done();
      }
      const plan = makePlan(findings, await gatherFacts(distribution, missing, signal));
      for (const line of describePlan(plan, privilege)) say(line);
      if (plan.stuck.length > 0 && plan.steps.length === 0) throw stuckError(plan);
      if (options.dryRun) return false;
      // The rest of the tests can do without what only some of them want.
      const isForTests = missing.every(({ requirement }) => requirement.level === "test");
      const cannotInstall = privilege.kind === "none" && rootCommands(plan).length > 0 && !isForTests;
      for (const step of plan.steps) {
        if (step.kind === "install" && privilege.kind === "none") continue;
        await carryOut(step, privilege, { ...options, logPath });
      }
      if (cannotInstall) {
        throw new RexTestError(
          "some packages have to be installed by root, and there is neither root nor sudo here",
          {
            hint: rootCommands(plan).join("\n"),
          },
        );
      }
      if (plan.stuck.length > 0) throw stuckError(plan);
      return true;
    },
    { signal, onWait: () => say("waiting for another rex-test doctor") },
  );
}

async function gatherFacts(
  distribution: Distribution,
  missing: readonly Finding[],
  signal: AbortSignal,
): Promise<PackageFacts> {
  const names = missing.flatMap((finding) => packagesOf(finding.requirement, distribution));
  return {
    distribution,
    candidates: await candidates([...new Set([...names, "rustc-web"])], signal),
    conflicting: await installed(rustConflicts, signal),
  };
}

/** The plan in words, before anything happens. */
export function describePlan(plan: Plan, privilege: Privilege): string[] {
  const lines: string[] = [];
  for (const step of plan.steps) {
    switch (step.kind) {
      case "install": {
        const who = privilege.kind === "none" ? "root has to run: " : `will run: ${prefix(privilege)}`;
        lines.push(`${who}apt-get install --no-install-recommends ${step.packages.join(" ")}`);
        break;
      }
      case "unpack":
        lines.push(
          `will unpack into ${cachePath("debs", step.name)}: ${step.packages.join(" ")} (${step.why})`,
        );
        break;
      case "rustup":
        if (step.install.length > 0 && privilege.kind !== "none")
          lines.push(`will run: ${prefix(privilege)}apt-get install ${step.install.join(" ")}`);
        lines.push(`will install a Rust toolchain with rustup into ${privateRustupHome()}`);
        break;
    }
  }
  for (const { requirement, reason } of plan.stuck) lines.push(`cannot provide ${requirement.id}: ${reason}`);
  return lines;
}

function prefix(privilege: Privilege): string {
  return privilege.kind === "root" ? "" : "sudo ";
}

async function carryOut(
  step: Step,
  privilege: Privilege,
  options: FixOptions & { readonly logPath: string },
): Promise<void> {
  const { progress, signal } = options;
  switch (step.kind) {
    case "install":
      return await installPackages(step.packages, privilege, options);
    case "unpack": {
      if (options.distribution.family === "other") return;
      progress.update({ what: `unpacking ${step.name} into the cache` });
      const release = {
        codename: options.distribution.codename,
        ignoreInstalled: step.name === "rust" ? rustConflicts : [],
      };
      await unpackPrivately(step.name, step.packages, release, signal);
      return progress.done();
    }
    case "rustup": {
      if (step.install.length > 0) await installPackages(step.install, privilege, options);
      progress.update({ what: "installing a Rust toolchain with rustup" });
      const env = { RUSTUP_HOME: privateRustupHome(), CARGO_HOME: cachePath("rust", "cargo-home") };
      const args = [
        "toolchain",
        "install",
        "1.96.0",
        "--profile",
        "minimal",
        "--component",
        "rust-src,clippy,rustfmt",
        "--no-self-update",
      ];
      await mustRun("rustup", args, {
        what: "rustup",
        env,
        signal,
        timeoutMs: 20 * 60_000,
        dieWithParent: true,
      });
      return progress.done();
    }
  }
}

async function installPackages(
  packages: readonly string[],
  privilege: Privilege,
  options: FixOptions & { readonly logPath: string },
): Promise<void> {
  if (privilege.kind === "none") return;
  const what = `installing ${packages.length} packages and what they depend on`;
  const { progress } = options;
  progress.update({ what });
  let total = 0;
  let done = 0;
  const onLine = (line: string) => {
    total = Number(/^(?:\d+ upgraded, )?(\d+) (?:newly|to newly) install/.exec(line)?.[1] ?? total);
    const item = /^Setting up (\S+)/.exec(line)?.[1] ?? /^Get:\d+ \S+ \S+ \S+ (\S+)/.exec(line)?.[1];
    if (item === undefined) return;
    // Every package is fetched and then set up.
    done += 1;
    progress.update({ what, done, total: 2 * total, unit: "steps", item });
  };
  await aptGetAsRoot(["install", "--yes", "--no-install-recommends", ...packages], privilege, {
    signal: options.signal,
    logPath: options.logPath,
    onLine,
  });
  progress.done();
}

function noRecipe(distribution: Distribution, missing: readonly Finding[]): RexTestError {
  return new RexTestError(`there is no set-up recipe for ${distribution.title}`, {
    detail: missing.map((finding) => `${finding.requirement.id}: ${finding.requirement.purpose}`).join("\n"),
    hint: "install what the list names with the system's package manager (Debian 12, Debian 13 and Ubuntu 24.04 are set up by themselves)",
  });
}

function stuckError(plan: Plan): RexTestError {
  return new RexTestError("not everything that is missing can be installed", {
    detail: plan.stuck.map(({ requirement, reason }) => `${requirement.id}: ${reason}`).join("\n"),
    hint: "run apt-get update, and check that apt is configured with the distribution's main suites",
  });
}
