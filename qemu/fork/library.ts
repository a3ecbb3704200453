// SPDX-License-Identifier: MIT
// The library that makes QEMU forkable.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { qemuLibrary } from "../qemu-library.ts";

const at = (file: string) => join(fileURLToPath(new URL(".", import.meta.url)), file);
const library = {
  name: "fork",
  sources: ["server.c", "threads.c", "descriptors.c"].map(at),
  headers: [at("fork.h")],
};

/** Its path; what is missing to build it is said in the error. */
export async function forkLibrary(signal: AbortSignal): Promise<string> {
  return await qemuLibrary(library, signal);
}
