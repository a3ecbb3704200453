// SPDX-License-Identifier: MIT
// Reads from a guest what has run of the runtime's C code since its boot, or since the counters were set to zero. Its kernel
// has to be of the config "coverage".
import type { FolderFile, MethodName, Methods } from "../protocol/generated.ts";
import { RexTestError } from "../support/errors.ts";
import { GuestRefusalError } from "../test/rpc/call-errors.ts";
import { type ObjectCounters, parseGcda } from "./gcda.ts";

const gcovFolder = "/sys/kernel/debug/gcov";
/** Objects of the runtime, wherever they were built. */
const objectPattern = /(?:^|\/)(kernel\/rex\/[^/]+)\.gcda$/;

/** By object, without its ending: "kernel/rex/exit". */
export type Counters = ReadonlyMap<string, ObjectCounters>;

export interface CountingLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A guest, or whatever else passes calls on to its agent. */
export interface CountingGuest {
  call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    limits: CountingLimits,
  ): Promise<Methods[M]["result"]>;
}

/** @throws RexTestError when the kernel does not count. */
export async function readCounters(guest: CountingGuest, limits: CountingLimits): Promise<Counters> {
  const files = await counterFiles(guest, limits);
  const counters = new Map<string, ObjectCounters>();
  for (const { path, data } of files) {
    const name = objectPattern.exec(path)?.[1];
    if (name !== undefined) counters.set(name, parseGcda(Buffer.from(data, "base64")));
  }
  if (counters.size === 0) throw doesNotCount();
  return counters;
}

async function counterFiles(guest: CountingGuest, limits: CountingLimits): Promise<readonly FolderFile[]> {
  try {
    return (await guest.call("readFolder", { path: gcovFolder, suffix: ".gcda" }, limits)).files;
  } catch (error) {
    if (!(error instanceof GuestRefusalError) || error.body.kind !== "not_found") throw error;
    if (!error.message.includes("no method")) throw doesNotCount(error);
    throw new RexTestError("the guest's agent is older than this runner, and can't read its counters", {
      hint: "unset REX_TEST_AGENT, or name an agent that is built from these sources",
      cause: error,
    });
  }
}

function doesNotCount(cause?: Error): RexTestError {
  return new RexTestError("the guest's kernel does not count what runs of the runtime", {
    where: gcovFolder,
    hint: "give it the config coverage: --config coverage",
    cause,
  });
}

export async function resetCounters(guest: CountingGuest, limits: CountingLimits): Promise<void> {
  const data = Buffer.from("0\n").toString("base64");
  await guest.call("writeFile", { path: `${gcovFolder}/reset`, data }, limits);
}

/** What has run since the last time. What runs between the reading and the setting to zero is lost. */
export async function takeCounters(guest: CountingGuest, limits: CountingLimits): Promise<Counters> {
  const counters = await readCounters(guest, limits);
  await resetCounters(guest, limits);
  return counters;
}
