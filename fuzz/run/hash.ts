// SPDX-License-Identifier: MIT
import { createHash } from "node:crypto";

/** Enough of a hash to tell the things of a corpus apart. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
