// SPDX-License-Identifier: MIT
// What a snapshot was made of. Two machines with the same identity are the same machine, and a snapshot of one is a snapshot of
// the other; whatever differs in kernel, agent, command line, QEMU or host has another identity.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { qemuArguments } from "../../../qemu/command-line.ts";
import type { Machine } from "../../../qemu/machine.ts";
import { hostBootId, hostIdentity } from "../../../qemu/probe-cache.ts";
import { findQemu } from "../../../qemu/virtual-machine.ts";

/** Of the files of a snapshot and of what the runner expects of a restored agent. */
const formatVersion = 2;

export interface SnapshotIdentity {
  /** Name of its folder. */
  readonly key: string;
  /** Path of the kernel, for the reader and for whoever removes that kernel. */
  readonly kernel: string;
  /** A snapshot holds clocks of the host: none outlives its boot. */
  readonly hostBoot: string;
}

export interface Surroundings {
  readonly hostBoot: string;
  /** The machine, its CPU, its kernel, and the QEMU on it. */
  readonly host: readonly string[];
  readonly kernelDigest: string;
  readonly initrdDigest: string;
}

export async function snapshotIdentity(machine: Machine): Promise<SnapshotIdentity> {
  const [hostBoot, host, kernelDigest, initrdDigest] = await Promise.all([
    hostBootId(),
    hostAndQemu(),
    digestOf(machine.kernel),
    digestOf(machine.initrd),
  ]);
  const key = snapshotKey(machine, { hostBoot, host, kernelDigest, initrdDigest });
  return { key, kernel: machine.kernel, hostBoot };
}

export function snapshotKey(machine: Machine, surroundings: Surroundings): string {
  // By content, not by name: a kernel that was built again under its old name is another one.
  const nameless: Machine = { ...machine, kernel: "kernel", initrd: "initrd" };
  const args = qemuArguments(nameless, { kind: "template", ramFile: "ram" });
  return createHash("sha256")
    .update(JSON.stringify([formatVersion, args, surroundings]))
    .digest("hex")
    .slice(0, 24);
}

/** Like the version, the program file: one that somebody built has the version of the sources. */
async function hostAndQemu(): Promise<string[]> {
  const { ino, size, mtimeMs } = await stat(await findQemu());
  return [...(await hostIdentity()), `${ino} ${size} ${mtimeMs}`];
}

const digests = new Map<string, Promise<string>>();

/** Digests of a kernel are taken once in a run, unless the file has changed. */
async function digestOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
  const version = [path, dev, ino, size, mtimeMs, ctimeMs].join(" ");
  let digest = digests.get(version);
  if (digest === undefined) {
    digest = sha256(path);
    digest.catch(() => digests.delete(version));
    digests.set(version, digest);
  }
  return digest;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest("hex");
}
