// SPDX-License-Identifier: MIT
// kernel/pins.json: the kernel.org tarball of each supported series, with its checksum.
import { readFile } from "node:fs/promises";
import { errnoOf, RexTestError } from "../support/errors.ts";
import { pinsFile } from "./repository.ts";

export interface Pin {
  readonly version: string;
  readonly url: string;
  readonly sha256: string;
}

export async function readPins(path: string = pinsFile): Promise<ReadonlyMap<string, Pin>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new RexTestError(`cannot read the pinned kernels (${errnoOf(error) ?? "error"})`, {
      where: path,
      cause: error,
    });
  }
  return parsePins(text, path);
}

export function parsePins(text: string, path: string): ReadonlyMap<string, Pin> {
  const pins = new Map<string, Pin>();
  const parsed: unknown = JSON.parse(text);
  if (!isRecord(parsed))
    throw new RexTestError("the pinned kernels are not an object of series", { where: path });
  for (const [series, entry] of Object.entries(parsed)) {
    const pin = isRecord(entry) ? entry.kernelOrg : undefined;
    if (!isRecord(pin)) continue;
    const { version, url, sha256 } = pin;
    if (
      typeof version !== "string" ||
      typeof url !== "string" ||
      typeof sha256 !== "string" ||
      !/^[0-9a-f]{64}$/.test(sha256)
    ) {
      throw new RexTestError(`the pin of ${series} needs version, url and a sha256 of 64 hex digits`, {
        where: path,
      });
    }
    pins.set(series, { version, url, sha256 });
  }
  return pins;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
