// SPDX-License-Identifier: MIT
// The library that lets a replay go back.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { qemuLibrary } from "../qemu-library.ts";

const at = (file: string) => join(fileURLToPath(new URL(".", import.meta.url)), file);

/** Its path; what is missing to build it is said in the error. */
export async function replayLibrary(signal: AbortSignal): Promise<string> {
  return await qemuLibrary({ name: "replay", sources: [at("replay.c")], headers: [] }, signal);
}
