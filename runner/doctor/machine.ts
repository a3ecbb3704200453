// SPDX-License-Identifier: MIT
// What the machine is: its distribution, and whether packages can be installed on it from here.
import { readFile } from "node:fs/promises";
import { errnoOf } from "../support/errors.ts";
import { runProcess, succeeded } from "../support/process.ts";

export type Distribution =
  | {
      readonly family: "debian" | "ubuntu";
      readonly codename: string;
      readonly version: string;
      readonly title: string;
    }
  | { readonly family: "other"; readonly title: string };

/** How commands that need root can be run. */
export type Privilege =
  | { readonly kind: "root" }
  | { readonly kind: "sudo" } // without a password
  | { readonly kind: "sudo-password" } // sudo is there and can ask on the terminal
  | { readonly kind: "none" };

export function parseOsRelease(text: string): Distribution {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([A-Z_]+)="?(.*?)"?$/.exec(line);
    if (match?.[1]) fields.set(match[1], match[2] ?? "");
  }
  const id = fields.get("ID") ?? "";
  const title = fields.get("PRETTY_NAME") ?? (id || "unknown system");
  const codename = fields.get("VERSION_CODENAME");
  if ((id === "debian" || id === "ubuntu") && codename) {
    return { family: id, codename, version: fields.get("VERSION_ID") ?? "", title };
  }
  return { family: "other", title };
}

export async function findDistribution(): Promise<Distribution> {
  try {
    return parseOsRelease(await readFile("/etc/os-release", "utf8"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return { family: "other", title: "unknown system" };
    throw error;
  }
}

export async function findPrivilege(signal: AbortSignal): Promise<Privilege> {
  if (process.getuid?.() === 0) return { kind: "root" };
  const silent = await runProcess("sudo", ["-n", "true"], { signal, timeoutMs: 10_000 });
  if (succeeded(silent)) return { kind: "sudo" };
  const present = silent.ending.kind !== "notStarted";
  return present && process.stdin.isTTY && process.stderr.isTTY
    ? { kind: "sudo-password" }
    : { kind: "none" };
}
