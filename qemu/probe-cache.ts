// SPDX-License-Identifier: MIT
// What was found out about this machine. An answer is kept under everything that it depends on, so that a new QEMU,
// a new host kernel or a move to another host asks again.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { cpus, release } from "node:os";
import { promisify } from "node:util";
import { cachePath, publishFile } from "../runner/support/cache.ts";
import { findQemu } from "./virtual-machine.ts";

/** The remembered answer to `question`, or the one that `find` gives now. That it found none is not remembered. */
export async function remembered<T>(
  question: string,
  dependsOn: readonly string[],
  isAnswer: (value: unknown) => value is T,
  find: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const key = createHash("sha256")
    .update(JSON.stringify([question, ...dependsOn]))
    .digest("hex")
    .slice(0, 12);
  const path = cachePath("probes", `${question}-${key}.json`);
  const known = await readAnswer(path);
  if (isAnswer(known)) return known;
  const answer = await find();
  if (answer === undefined) return undefined;
  // An answer that can't be kept is an answer all the same.
  await publishFile(path, `${JSON.stringify({ answer, question, dependsOn }, null, 2)}\n`).catch(
    () => undefined,
  );
  return answer;
}

/** Names this machine as it runs now: the machine, its CPU, its kernel and the QEMU on it. */
export async function hostIdentity(): Promise<string[]> {
  const version = await promisify(execFile)(await findQemu(), ["--version"], { timeout: 10_000 });
  const machineId = await readFile("/etc/machine-id", "utf8").catch(() => "");
  return [machineId.trim(), cpus()[0]?.model ?? "", release(), version.stdout.split("\n")[0] ?? ""];
}

/** Changes with every boot of the host, which may be a resume on other hardware. */
export async function hostBootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
}

async function readAnswer(path: string): Promise<unknown> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof parsed === "object" && parsed !== null && "answer" in parsed ? parsed.answer : undefined;
  } catch {
    return undefined; // absent or damaged: ask again
  }
}
