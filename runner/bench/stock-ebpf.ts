// SPDX-License-Identifier: MIT
// The peer: eBPF programs as anybody loads them, by the host's bpftool and libbpf, into the same guest.
import { RexTestError } from "../support/errors.ts";
import { ebpfObject, ebpfInstruction as insn } from "../test/programs/ebpf-object.ts";
import type { BenchGuest } from "./guest.ts";

const folder = "/sys/fs/bpf";
const bpftoolLimitMs = 60_000;

/** linux/bpf.h and linux/perf_event.h */
const bpfProgGetFdById = 13;
const perfTypeTracepoint = 2;
const perfEventAttrBytes = 128;
const perfEventIocEnable = 0x2400;
const perfEventIocSetBpf = 0x4004_2408;

export interface StockSource {
  readonly name: string;
  /** As libbpf names its type: "kprobe", "tracepoint", "xdp". */
  readonly section: string;
  readonly instructions: readonly Buffer[];
}

export type StockHook =
  | { readonly kind: "kprobe"; readonly symbol: string }
  | { readonly kind: "tracepoint"; readonly category: string; readonly name: string };

/** Opcodes of eBPF that the benchmarks use. */
export const ebpf = {
  /** r = constant */
  set: (register: number, value: number) => insn(0xb7, register, 0, value),
  /** r = other */
  move: (register: number, other: number) => insn(0xbf, register | (other << 4), 0, 0),
  /** r += constant */
  add: (register: number, value: number) => insn(0x07, register, 0, value),
  /** r += other */
  addRegister: (register: number, other: number) => insn(0x0f, register | (other << 4), 0, 0),
  /** r &= constant */
  and: (register: number, value: number) => insn(0x57, register, 0, value),
  /** r = *(u8 *)(from + offset) */
  load8: (register: number, from: number, offset: number) => insn(0x71, register | (from << 4), offset, 0),
  /** r = *(u16 *)(from + offset) */
  load16: (register: number, from: number, offset: number) => insn(0x69, register | (from << 4), offset, 0),
  /** r = *(u32 *)(from + offset) */
  load32: (register: number, from: number, offset: number) => insn(0x61, register | (from << 4), offset, 0),
  /** if (r > other) skip so many instructions */
  skipIfAbove: (register: number, other: number, skip: number) =>
    insn(0x2d, register | (other << 4), skip, 0),
  /** if (r != constant) skip so many instructions */
  skipUnless: (register: number, value: number, skip: number) => insn(0x55, register, skip, value),
  /** if (r < constant) go back so many instructions */
  backIfBelow: (register: number, value: number, back: number) => insn(0xa5, register, -back - 1, value),
  exit: () => insn(0x95, 0, 0, 0),
} as const;

/** An eBPF program in the kernel; gone when it is disposed of. */
export class StockProgram implements AsyncDisposable {
  /** The kernel's id of it. */
  readonly id: number;
  readonly #guest: BenchGuest;
  readonly #path: string;
  readonly #descriptors: number[] = [];

  private constructor(guest: BenchGuest, id: number, path: string) {
    this.#guest = guest;
    this.id = id;
    this.#path = path;
  }

  static async load(guest: BenchGuest, source: StockSource): Promise<StockProgram> {
    const path = `${folder}/${source.name}`;
    const object = `/tmp/${source.name}.o`;
    await guest.api.writeFile(object, ebpfObject(source.section, source.name, source.instructions));
    await bpftool(guest, "prog", "load", object, path);
    const { progs } = await guest.api.inventory();
    const id = progs.find(({ name }) => name === source.name.slice(0, 15))?.id;
    if (id === undefined)
      throw new RexTestError(`bpftool loaded ${source.name}, and the kernel does not have it`);
    return new StockProgram(guest, id, path);
  }

  /** Puts the program on a perf event, which is what a kprobe and a tracepoint are to eBPF as to Rex. */
  async attach(hook: StockHook): Promise<void> {
    const program = await this.#open("bpf", [bpfProgGetFdById, u32s(this.id), 4]);
    const event = await this.#open("perf_event_open", [await perfEventAttr(this.#guest, hook), -1, 0, -1, 0]);
    await this.#call("ioctl", [event, perfEventIocSetBpf, program]);
    await this.#call("ioctl", [event, perfEventIocEnable, 0]);
  }

  /** BPF_PROG_TEST_RUN on a packet: what the program returned, and the mean of one run. */
  async testRun(packet: Uint8Array, repeat: number): Promise<{ retval: number; durationNs: number }> {
    await this.#guest.api.writeFile("/tmp/packet", packet);
    const args = ["prog", "run", "pinned", this.#path, "data_in", "/tmp/packet", "repeat", String(repeat)];
    const answer: unknown = JSON.parse(await bpftool(this.#guest, ...args));
    const field = (name: string) =>
      Number(typeof answer === "object" && answer ? Reflect.get(answer, name) : NaN);
    return { retval: field("retval"), durationNs: field("duration") };
  }

  /** Detaches and forgets it: the event and what was pinned held it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const descriptor of this.#descriptors.reverse()) await this.#call("close", [descriptor]);
    await run(this.#guest, ["rm", "-f", this.#path]);
  }

  async #open(syscall: string, args: readonly (number | Buffer)[]): Promise<number> {
    const descriptor = await this.#call(syscall, args);
    this.#descriptors.push(descriptor);
    return descriptor;
  }

  /** A system call on the agent's own file descriptors, which stay open behind it. */
  async #call(syscall: string, args: readonly (number | Buffer)[]): Promise<number> {
    const wired = args.map((arg) =>
      typeof arg === "number" ? BigInt.asUintN(64, BigInt(arg)).toString() : { data: arg.toString("base64") },
    );
    const params = { calls: [{ syscall, args: wired }], keepFiles: true };
    const [outcome] = (await this.#guest.calls.call("trigger", params)).calls;
    if (outcome !== undefined && outcome.errno === undefined) return Number(outcome.ret);
    throw new RexTestError(`${syscall} failed in the guest: ${outcome?.errnoName ?? "no answer"}`);
  }
}

async function perfEventAttr(guest: BenchGuest, hook: StockHook): Promise<Buffer> {
  const attr = Buffer.alloc(perfEventAttrBytes);
  attr.writeUInt32LE(perfEventAttrBytes, 4);
  attr.writeUInt8(1, 40); // disabled
  if (hook.kind === "tracepoint") {
    const id = await guest.api.readFile(`/sys/kernel/tracing/events/${hook.category}/${hook.name}/id`);
    attr.writeUInt32LE(perfTypeTracepoint, 0);
    attr.writeBigUInt64LE(BigInt(id.trim()), 8);
    attr.writeBigUInt64LE(1n, 16); // sample_period
    return attr;
  }
  const pmu = await guest.api.readFile("/sys/bus/event_source/devices/kprobe/type");
  const [symbol] = await guest.api.kallsyms([hook.symbol]);
  if (symbol === undefined) throw new RexTestError(`the kernel has no ${hook.symbol}`);
  attr.writeUInt32LE(Number(pmu.trim()), 0);
  attr.writeBigUInt64LE(BigInt(symbol.address), 64); // config2: the address, where config1 is no name
  return attr;
}

function u32s(...values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

async function bpftool(guest: BenchGuest, ...args: readonly string[]): Promise<string> {
  return await run(guest, ["bpftool", "--json", ...args]);
}

async function run(guest: BenchGuest, argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await guest.api.exec(argv, { timeoutMs: bpftoolLimitMs });
  if (status === 0) return stdout;
  throw new RexTestError(`${argv.join(" ")} failed in the guest`, {
    detail: `${stdout}${stderr}`,
    hint: "bpftool is part of the machine's own tools: rex-test doctor",
  });
}
