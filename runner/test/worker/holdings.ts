// SPDX-License-Identifier: MIT
// What a guest's kernel holds beyond what the inventory lists, read where the kernel shows it: procfs, sysfs, debugfs, tracefs, and a few
// system calls. Taken before and after a test and compared (leaks.ts).
import type { InventoryResult } from "../../protocol/generated.ts";
import { GuestRefusalError } from "../rpc/call-errors.ts";
import { type FolderEntry, listFolder, readLinks } from "./folder.ts";
import type { GuestCalls } from "./guest-calls.ts";
import { bpfFolder } from "./pinned.ts";
import { type Answer, systemCalls } from "./system-calls.ts";

export interface VmallocUse {
  readonly areas: number;
  readonly bytes: number;
}

interface Stamps {
  readonly files: string;
  readonly pins: string;
}

export interface Holdings {
  readonly inventory: InventoryResult;
  /** Areas of the vmalloc space by the function that asked for them. */
  readonly vmalloc: ReadonlyMap<string, VmallocUse>;
  /** Probed places: "__x64_sys_dup+0x0". */
  readonly kprobes: readonly string[];
  /** Probes that were made by name, through tracefs. */
  readonly probeEvents: readonly string[];
  readonly devices: readonly string[];
  readonly onlineCpus: readonly number[];
  /** Highest id of a BTF object; 0 without any. */
  readonly lastBtf: number;
  /** What the agent has open, as /proc names it: "anon_inode:bpf-map". */
  readonly files: readonly string[];
  /** Names below the BPF file system. */
  readonly pins: readonly string[];
  /** The folders whose contents those are: unchanged, they need not be listed again. */
  readonly stamps: Stamps;
  /** CPUs that are online and did not run a thread. */
  readonly deafCpus: readonly number[];
}

const filesOfAgent = "/proc/1/fd";

const bpfBtfGetNextId = 23;
const statBytes = 144;
const statSizeAt = 48;
const statMtimeAt = 88;
/** Of a trigger. */
const mostCalls = 64;
const cpuLimitMs = 5_000;

/** Takes everything. Of two at a time each would see the other's files. */
export async function takeHoldings(calls: GuestCalls, before?: Holdings): Promise<Holdings> {
  const [{ slabs, ...inventory }, vmallocinfo, kprobes, kprobeEvents, devices, online] = await Promise.all([
    calls.call("inventory", {}),
    readIfThere(calls, "/proc/vmallocinfo"),
    readIfThere(calls, "/sys/kernel/debug/kprobes/list"),
    readIfThere(calls, "/sys/kernel/tracing/kprobe_events"),
    readIfThere(calls, "/proc/net/dev"),
    readIfThere(calls, "/sys/devices/system/cpu/online"),
  ]);
  return {
    // KASAN keeps what is freed in quarantine; there kmemleak is the one to ask.
    inventory: slabs === undefined || calls.config?.has("KASAN") ? inventory : { ...inventory, slabs },
    vmalloc: parseVmalloc(vmallocinfo),
    kprobes: parseKprobes(kprobes),
    probeEvents: nonEmpty(kprobeEvents),
    devices: nonEmpty(devices).flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []),
    onlineCpus: parseCpuList(online),
    ...(await askByCalls(calls, before)),
    deafCpus: await deafCpus(calls, parseCpuList(online)),
  };
}

/** What takes system calls of our own: one request, and more only where something has changed. */
async function askByCalls(
  calls: GuestCalls,
  before: Holdings | undefined,
): Promise<Pick<Holdings, "files" | "pins" | "stamps" | "lastBtf">> {
  const firstBtf = before?.lastBtf ?? 0;
  const [files, pins, btf] = await systemCalls(calls, [
    { syscall: "stat", args: [filesOfAgent, { buffer: statBytes }] },
    { syscall: "stat", args: [bpfFolder, { buffer: statBytes }] },
    nextBtf(firstBtf),
  ]);
  // The size of /proc/PID/fd is how many there are; a change in a file system of names shows in the folder's time.
  const stamps = {
    files: files?.ret === 0n ? String(files.bytes.readBigUInt64LE(statSizeAt)) : "",
    pins: pins?.ret === 0n ? stampOf(pins) : "",
  };
  return {
    stamps,
    files: before?.stamps.files === stamps.files ? before.files : await agentFiles(calls),
    pins: before?.stamps.pins === stamps.pins ? before.pins : await pinnedNames(calls),
    lastBtf: btf?.ret === 0n ? await lastBtfFrom(calls, firstBtf) : firstBtf,
  };
}

function nextBtf(after: number) {
  const attribute = new Uint8Array(16);
  new DataView(attribute.buffer).setUint32(0, after, true);
  return { syscall: "bpf", args: [bpfBtfGetNextId, attribute, attribute.length] };
}

/** There is one after `first`; ids go up by one, so that the last is not far. */
async function lastBtfFrom(calls: GuestCalls, first: number): Promise<number> {
  const list = Array.from({ length: mostCalls }, (_, index) => nextBtf(first + index));
  const answers = await systemCalls(calls, list);
  const end = answers.findIndex(({ ret }) => ret !== 0n);
  return end < 0 ? lastBtfFrom(calls, first + mostCalls) : first + end;
}

/** CPUs on which a thread does not get to run: something there does not end. */
async function deafCpus(calls: GuestCalls, cpus: readonly number[]): Promise<readonly number[]> {
  const on = (cpu: number) => ({ syscall: "getpid", cpu });
  try {
    await systemCalls(calls, cpus.slice(0, mostCalls).map(on), { timeoutMs: cpuLimitMs });
    return [];
  } catch (error) {
    if (!(error instanceof GuestRefusalError) || error.body.kind !== "timeout") throw error;
  }
  const deaf: number[] = [];
  for (const cpu of cpus) {
    await systemCalls(calls, [on(cpu)], { timeoutMs: cpuLimitMs }).catch(() => deaf.push(cpu));
  }
  return deaf;
}

/** Without the folder itself, which is open while it is listed. */
async function agentFiles(calls: GuestCalls): Promise<readonly string[]> {
  const entries = await listFolder(calls, filesOfAgent);
  const targets = await readLinks(
    calls,
    entries.map(({ name }) => `${filesOfAgent}/${name}`),
  );
  return targets.filter((target) => target !== filesOfAgent);
}

/** Names below the BPF file system. */
async function pinnedNames(calls: GuestCalls, folder = bpfFolder): Promise<readonly string[]> {
  const entries = await listFolder(calls, folder);
  const below = async ({ name, isFolder }: FolderEntry) => {
    const path = `${folder}/${name}`;
    return isFolder ? [path, ...(await pinnedNames(calls, path))] : [path];
  };
  return (await Promise.all(entries.map(below))).flat();
}

/** "0x…-0x…   8192 f+0x1/0x2 pages=1 vmalloc" */
export function parseVmalloc(text: string): Map<string, VmallocUse> {
  const uses = new Map<string, VmallocUse>();
  for (const line of text.split("\n")) {
    const [, bytes, caller] = /^0x\S+\s+(\d+) ([^\s+]+)\+0x/.exec(line) ?? [];
    if (bytes === undefined || caller === undefined) continue;
    const { areas, bytes: sum } = uses.get(caller) ?? { areas: 0, bytes: 0 };
    uses.set(caller, { areas: areas + 1, bytes: sum + Number(bytes) });
  }
  return uses;
}

/** "ffffffff81103ac0  k  __x64_sys_dup+0x0    [FTRACE]" */
export function parseKprobes(text: string): string[] {
  return nonEmpty(text).flatMap((line) => /^\S+\s+[kr]\s+(\S+)/.exec(line)?.[1] ?? []);
}

/** "0-2,5" → 0, 1, 2, 5 */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(",")
    .filter(Boolean)
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

async function readIfThere(calls: GuestCalls, path: string): Promise<string> {
  try {
    return Buffer.from((await calls.call("readFile", { path })).data, "base64").toString();
  } catch (error) {
    if (error instanceof GuestRefusalError) return "";
    throw error;
  }
}

function nonEmpty(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

function stampOf({ bytes }: Answer): string {
  return `${bytes.readBigUInt64LE(statMtimeAt)}.${bytes.readBigUInt64LE(statMtimeAt + 8)}`;
}
