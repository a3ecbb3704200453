// SPDX-License-Identifier: MIT
// The Rust programs that a run needs: the builder of Rex programs and the agent. Cargo knows whether there is anything to do.
import { join } from "node:path";
import { requireRust, rustEnvironment } from "../../doctor/toolchain.ts";
import { cargoWorkspace, ensureCargoTarget } from "../../support/cargo-target.ts";
import { mustRun } from "../../support/process.ts";

const buildLimitMs = 15 * 60_000;
const agentTarget = "x86_64-unknown-linux-gnu";

export interface HostTools {
  readonly cargoRex: string;
  /** Statically linked: it is the guest's only file. */
  readonly agent: string;
  /** What the builder's own calls of rustc need. */
  readonly env: Readonly<Record<string, string>>;
}

export async function buildHostTools(
  signal: AbortSignal,
  onStep: (item: string) => void,
): Promise<HostTools> {
  const env = await rustEnvironment(await requireRust(signal));
  const targetFolder = await ensureCargoTarget();
  const cargo = async (
    item: string,
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ) => {
    const command = ["build", "--release", "--locked", "--target-dir", targetFolder, ...args];
    await mustRun(env["CARGO"] ?? "cargo", command, {
      cwd: cargoWorkspace,
      env: { ...env, ...more },
      timeoutMs: buildLimitMs,
      signal,
      dieWithParent: true,
      what: `building ${item}`,
      onLine: (line) => {
        const crate = /^\s*Compiling (\S+)/.exec(line)?.[1];
        if (crate) onStep(`${item}: ${crate}`);
        else if (line.includes("Blocking waiting")) onStep(`${item}: waiting for another build of it`);
      },
    });
  };
  // Others, ready-made: for work on them, and for tests of what happens when they misbehave.
  const { REX_TEST_CARGO_REX: ownCargoRex, REX_TEST_AGENT: ownAgent } = process.env;
  if (ownCargoRex === undefined) {
    onStep("cargo-rex");
    await cargo("cargo-rex", ["-p", "cargo-rex"]);
  }
  if (ownAgent === undefined) {
    onStep("rex-agent");
    await cargo("rex-agent", ["-p", "rex-agent", "--target", agentTarget], {
      RUSTFLAGS: "-Ctarget-feature=+crt-static",
    });
  }
  return {
    cargoRex: ownCargoRex ?? join(targetFolder, "release", "cargo-rex"),
    agent: ownAgent ?? join(targetFolder, agentTarget, "release", "rex-agent"),
    env,
  };
}
