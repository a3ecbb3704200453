// SPDX-License-Identifier: MIT
// Saves a running machine and brings clones of it to life. RAM is in a file that template and clones map, so that only the
// state of the devices (some 100 KB) goes through QEMU's migration. docs/decisions/qemu-snapshot-clones.md

import { RexTestError } from "../runner/support/errors.ts";
import { quoted } from "../runner/support/process.ts";
import { inheritedFds } from "./machine.ts";
import type { Qmp } from "./qmp.ts";

const saveLimitMs = 20_000;
const pollMs = 5;
/** The default of 128 MiB/s is there for networks. */
const bytesPerSecond = 8 * 1024 ** 3;

/**
 * Writes the state of a template's devices to `path`. The template has then stopped, and its RAM file is what it was at that
 * moment. It must not be stopped by `stop` before: its clones would come up stopped too.
 */
export async function saveState(qmp: Qmp, path: string, signal: AbortSignal): Promise<void> {
  await leaveRamOut(qmp, saveLimitMs);
  await qmp.execute("migrate-set-parameters", { "max-bandwidth": bytesPerSecond });
  await qmp.execute("migrate", { uri: `exec:cat > ${quoted(path)}` });
  const giveUpAt = performance.now() + saveLimitMs;
  for (;;) {
    signal.throwIfAborted();
    const { status, detail } = await migrationState(qmp);
    if (status === "completed") return;
    if (status === "failed" || status === "cancelled")
      throw new RexTestError("QEMU could not save the machine", { detail });
    if (performance.now() > giveUpAt)
      throw new RexTestError(`QEMU did not save the machine within ${saveLimitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Makes a clone ready for `restoreState`; settles when QEMU has come up, which takes its time on a busy host. */
export async function leaveRamOut(qmp: Qmp, limitMs: number): Promise<void> {
  const capability = { capability: "x-ignore-shared", state: true };
  await qmp.execute("migrate-set-capabilities", { capabilities: [capability] }, limitMs);
}

/** Loads the state from the clone's descriptor; the guest then runs on. What fails ends QEMU. */
export async function restoreState(qmp: Qmp, limitMs: number): Promise<void> {
  await qmp.execute("migrate-incoming", { uri: `fd:${inheritedFds.state}` }, limitMs);
}

async function migrationState(qmp: Qmp): Promise<{ status: string; detail: string | undefined }> {
  const info = (await qmp.execute("query-migrate")) as Readonly<Record<string, unknown>>;
  const detail = info["error-desc"];
  return { status: String(info["status"]), detail: typeof detail === "string" ? detail : undefined };
}
