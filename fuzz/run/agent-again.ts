// SPDX-License-Identifier: MIT
// Frames for the agent of one guest that is booted for them: for the specs of findings.
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Progress } from "../../runner/support/progress.ts";
import { prepare } from "../../runner/test/engine/prepare.ts";
import { chooseProvider } from "../../runner/test/guests/choose-provider.ts";
import { converse, startGuest } from "./agent-target.ts";
import { canarySource } from "./canary.ts";
import type { Complaint } from "./trial.ts";

const bootLimitMs = 120_000;

export async function converseAgain(payloads: readonly string[], signal: AbortSignal): Promise<Complaint[]> {
  using progress = new Progress();
  const settings = { accelerator: "auto", bootLimitMs, cwd: process.cwd(), jobs: 1, signal } as const;
  const prepared = await prepare(
    { ...settings, kernel: process.env["REX_TEST_KERNEL"], config: undefined },
    [],
    progress,
  );
  if (canarySource.kind === "object") throw new Error("the canary is a program");
  const canary = await prepared.compiler.compile(canarySource);
  if (!canary.ok) throw new Error(canary.rendered);
  await using provider = chooseProvider(
    { guests: "boot", jobs: 1, signal },
    prepared.guests,
    () => undefined,
  );
  const folder = await mkdtemp(join(tmpdir(), "rex-agent-"));
  await using guest = await startGuest({
    prepared,
    provider,
    signal,
    canary: await readFile(canary.object, "base64"),
    nextConsoleFile: () => join(folder, "console.log"),
  });
  const frames = payloads.map((payload) => ({ payload: Buffer.from(payload, "base64"), kind: "" }));
  const complaints = await converse(guest, frames);
  return complaints.length > 0 ? complaints : guest.finish();
}
