// SPDX-License-Identifier: MIT
// `t.guest`: what a test can do in and ask of its guest.
import type {
  ExecResult,
  ExitRecord,
  ExitsResult,
  Hello,
  InventoryResult,
  KernelSymbol,
  LogRecord,
  ProgramStats,
  User,
} from "../../protocol/generated.ts";
import { RexTestError } from "../../support/errors.ts";
import { type GuestCalls, usualLimitMs } from "./guest-calls.ts";
import { NetApi } from "./net-api.ts";
import { type CheckedPermissions, type GuestUser, lacking, userOnWire } from "./permissions.ts";
import { PinnedApi } from "./pinned.ts";
import { Program } from "./program.ts";
import { verifierRejection } from "./rejections.ts";
import { type Account, type Observed, Run } from "./run.ts";
import { type Argument, toWire } from "./syscall-arguments.ts";
import { type Storm, stormCalls, timerCall } from "./triggers.ts";

export type { Argument };

export interface SyscallOptions {
  /** Pins the calling thread. */
  readonly cpu?: number;
  readonly repeat?: number;
  /** Whose thread makes it; root's if not given. Needs the permission user. */
  readonly user?: GuestUser;
  /** After so long the call is an error; 10 s if not given. */
  readonly timeoutMs?: number;
}

export interface TriggerCall extends Omit<SyscallOptions, "timeoutMs"> {
  readonly syscall: string | number;
  readonly args?: readonly Argument[];
}

export interface ExecOptions {
  /** "host": the machine's own tools, which need the permission hostTools. */
  readonly root?: "host" | "guest";
  readonly stdin?: string | Uint8Array;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Who runs it; root if not given. Needs the permission user. */
  readonly user?: GuestUser;
}

/** The disk that the permission disk gives: `readFile` and `writeFile` take its path, as do tools. */
export interface GuestDisk {
  readonly path: string;
  readonly sizeMiB: number;
}

export interface ExecOutput {
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

const triggerLimitMs = 10_000;
const execLimitMs = 20_000;
const graceMs = 5_000;

export class GuestApi {
  /** Network devices, and packets on them. */
  readonly net: NetApi;
  /** Programs, maps and links by their names in the BPF file system. */
  readonly pinned: PinnedApi;
  readonly #calls: GuestCalls;
  readonly #permissions: Partial<CheckedPermissions>;
  readonly #accounted = new Set<number>();
  /** The last record that an earlier test of the guest has left. */
  #earlierExits = 0;
  #newestExit = 0;
  readonly #held: (() => Promise<void>)[] = [];

  constructor(calls: GuestCalls, permissions: Partial<CheckedPermissions>) {
    this.#calls = calls;
    this.#permissions = permissions;
    this.net = new NetApi(calls, (action, make) => this.watch(action, make), permissions.net !== undefined);
    this.pinned = new PinnedApi(calls, this);
  }

  /** What the agent said when it was ready: kernel release, CPUs, command line. */
  get info(): Hello {
    return this.#calls.guest.hello;
  }

  /** Makes a system call: `syscall("dup", 7)`, `syscall("dup", 7, { cpu: 1 })`. */
  async syscall(name: string | number, ...rest: readonly (Argument | SyscallOptions)[]): Promise<Run> {
    const last = rest.at(-1);
    const options = isOptions(last) ? last : {};
    const args = (isOptions(last) ? rest.slice(0, -1) : rest) as readonly Argument[];
    const { timeoutMs, ...pinning } = options;
    const [run] = await this.trigger(
      [{ syscall: name, args, ...pinning }],
      timeoutMs === undefined ? {} : { timeoutMs },
    );
    if (run === undefined) throw new RexTestError("the agent did not say what became of the system call");
    return run;
  }

  /** Makes several system calls, each on a thread of its own; with a barrier (the default) all start together. */
  async trigger(
    calls: readonly TriggerCall[],
    options: { readonly barrier?: boolean; readonly timeoutMs?: number } = {},
  ): Promise<readonly Run[]> {
    const timeoutMs = options.timeoutMs ?? triggerLimitMs;
    const params = {
      calls: calls.map(({ args = [], user, ...call }) => ({
        ...call,
        ...this.userPart(user),
        args: args.map(toWire),
      })),
      timeoutMs: this.#scaled(timeoutMs),
      ...(options.barrier === undefined ? {} : { barrier: options.barrier }),
    };
    const [result, records] = await this.askWithExits((since) =>
      this.#calls.call("trigger", { ...params, ...since }, timeoutMs + graceMs),
    );
    return result.calls.map((outcome) => new Run(outcome, records, (exits) => this.account(exits)));
  }

  /** Makes a call on many threads at once, spread over all CPUs, which start together. */
  async storm(storm: Storm, options: { readonly timeoutMs?: number } = {}): Promise<readonly Run[]> {
    return this.trigger(stormCalls(storm, await this.cpus()), options);
  }

  /** Has a high-resolution timer expire after so many microseconds, once or `repeat` times one after another; returns when it has. */
  async timer(
    afterUs: number,
    options: { readonly cpu?: number; readonly repeat?: number } = {},
  ): Promise<Run> {
    const [run] = await this.trigger([timerCall(afterUs, options)]);
    if (run === undefined) throw new RexTestError("the agent did not say what became of the timer");
    return run;
  }

  /** @internal Makes something happen and gives what `make` makes of the result and of the exit records meanwhile. */
  async watch<R, T extends Observed>(
    action: () => Promise<R>,
    make: (result: R, exits: readonly ExitRecord[], account: Account) => T,
  ): Promise<T> {
    const [result, records] = await this.#withExits(action);
    return make(result, records, (exits) => this.account(exits));
  }

  /** @internal A request whose answer has the exit records that came about meanwhile, which spares two more. */
  async askWithExits<R extends { readonly exits?: ExitsResult }>(
    ask: (since: { readonly exitsSince?: number }) => Promise<R>,
  ): Promise<[R, readonly ExitRecord[]]> {
    // A kernel without Rex has no exit records, and tests of the framework run on those too.
    if (!this.info.rex) return [await ask({}), []];
    const answer = await ask({ exitsSince: Math.max(this.#newestExit, this.#earlierExits) });
    return [answer, this.#seen(answer.exits?.records ?? [])];
  }

  /** Loads an eBPF program, to compare a Rex program with: its type as bpftool writes it, its instructions as bpf(2) takes them. */
  async loadEbpf(type: string, instructions: Uint8Array, name = "ebpf"): Promise<Program> {
    const params = { type, instructions: Buffer.from(instructions).toString("base64"), name };
    const loaded = await this.#calls.call("ebpfLoad", params).catch(verifierRejection);
    const program = new Program(this.#calls, this, name, loaded);
    this.hold(() => program.unload());
    return program;
  }

  /** @internal Something was opened that is to be let go at the end of the test. */
  hold(release: () => Promise<void>): void {
    this.#held.push(release);
  }

  /** @internal Lets go of what was opened, newest first. */
  async release(): Promise<void> {
    for (const release of this.#held.splice(0).reverse()) await release();
  }

  /** Runs a program to its end. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecOutput> {
    const root = options.root ?? "host";
    if (root === "host" && !this.#permissions.hostTools)
      throw lacking("may not run the host's tools", "hostTools: true", ', or use { root: "guest" }');
    const timeoutMs = options.timeoutMs ?? execLimitMs;
    const stdin = options.stdin === undefined ? {} : { stdin: Buffer.from(options.stdin).toString("base64") };
    const env = options.env === undefined ? {} : { env: { ...options.env } };
    const result = await this.#calls.call(
      "exec",
      {
        argv: [...argv],
        root,
        timeoutMs: this.#scaled(timeoutMs),
        ...stdin,
        ...env,
        ...this.userPart(options.user),
      },
      timeoutMs + graceMs,
    );
    return execOutput(result);
  }

  /** The disk that the test has asked for. */
  get disk(): GuestDisk {
    const { diskMiB } = this.#permissions;
    if (diskMiB === undefined) throw lacking("has no disk", "disk: 16", ", with its MiB");
    return { path: "/dev/vda", sizeMiB: diskMiB };
  }

  /** @internal The part of a request that says whose it is. */
  userPart(user: GuestUser | undefined): { readonly user?: User } {
    if (user === undefined) return {};
    if (!this.#permissions.user) throw lacking("may not be another user in its guest", "user: true");
    return { user: userOnWire(user) };
  }

  /** All exit records so far. The test has then seen them: the sanitizer does not complain. */
  async exits(): Promise<readonly ExitRecord[]> {
    const { records } = await this.#exitsSince(0);
    this.account(records);
    return records;
  }

  /** @internal Exit records as they are, without the test having seen them. */
  async peekExits(): Promise<readonly ExitRecord[]> {
    return (await this.#exitsSince(0)).records;
  }

  /** @internal Exit records that no assertion has looked at. */
  async unaccountedExits(): Promise<readonly ExitRecord[]> {
    let seen = this.#earlierExits;
    while (this.#accounted.has(seen + 1)) seen += 1;
    const { records } = await this.#exitsSince(seen);
    return records.filter((record) => !this.#accounted.has(record.seq));
  }

  /** @internal For a guest that another test has used: its exit records and trace are not this one's. */
  async startAnew(): Promise<void> {
    this.#earlierExits = await this.#lastExit();
    await this.traceRead();
  }

  /** @internal */
  account(exits: readonly ExitRecord[]): void {
    for (const exit of exits) this.#accounted.add(exit.seq);
  }

  /** What the kernel holds: programs, maps, links, modules, taint, Rex statistics. */
  inventory(): Promise<InventoryResult> {
    return this.#calls.call("inventory", {});
  }

  /** What each Rex program has done so far: runs, abnormal ends, how deep its stack was. The oldest comes first. */
  async programs(): Promise<readonly ProgramStats[]> {
    return (await this.#calls.call("programs", {})).programs;
  }

  /** Whether objects that are loaded from now on are measured: how much stack their programs use is then known exactly. */
  async measureStacks(measured = true): Promise<void> {
    await this.writeFile("/proc/sys/kernel/rex_stack_paint", measured ? "1\n" : "0\n");
  }

  /** The kernel log from the start of the guest until now. */
  async log(): Promise<readonly LogRecord[]> {
    await this.#calls.call("logSync", {});
    return [...this.#calls.guest.log];
  }

  /** What came out of the trace pipe since the last call. */
  async traceRead(): Promise<string> {
    let text = "";
    for (;;) {
      const part = await this.#calls.call("traceRead", {});
      text += part.text;
      if (!part.more) return text;
    }
  }

  async readFile(path: string): Promise<string> {
    const { data } = await this.#calls.call("readFile", { path });
    return Buffer.from(data, "base64").toString("utf8");
  }

  async writeFile(path: string, data: string | Uint8Array): Promise<void> {
    await this.#calls.call("writeFile", { path, data: Buffer.from(data).toString("base64") });
  }

  /** Kernel symbols with these names, or whose names contain a text (the first 1,000); those that don't exist are missing. */
  async kallsyms(
    symbols: readonly string[] | { readonly contains: string },
  ): Promise<readonly KernelSymbol[]> {
    const asked = "contains" in symbols ? { symbols: [], ...symbols } : { symbols: [...symbols] };
    return (await this.#calls.call("kallsyms", asked)).symbols;
  }

  /** Writes a key to /proc/sysrq-trigger. "c" crashes the kernel. */
  async sysrq(key: string): Promise<void> {
    await this.#calls.call("sysrq", { key });
  }

  async cpus(): Promise<readonly number[]> {
    return (await this.#calls.call("cpus", {})).online;
  }

  async ping(): Promise<void> {
    await this.#calls.call("ping", {}, usualLimitMs);
  }

  /** The agent's limits, like our own, are those of the usual kernel. */
  #scaled(timeoutMs: number): number {
    return Math.ceil(timeoutMs * this.#calls.slowness);
  }

  async #withExits<R>(action: () => Promise<R>): Promise<[R, readonly ExitRecord[]]> {
    const before = await this.#lastExit();
    const result = await action();
    return [result, (await this.#exitsSince(before)).records];
  }

  async #lastExit(): Promise<number> {
    await this.#exitsSince(this.#newestExit);
    return this.#newestExit;
  }

  async #exitsSince(sinceSeq: number): Promise<{ readonly records: readonly ExitRecord[] }> {
    if (!this.info.rex) return { records: [] };
    const found = await this.#calls.call("exits", { sinceSeq: Math.max(sinceSeq, this.#earlierExits) });
    return { records: this.#seen(found.records) };
  }

  #seen(records: readonly ExitRecord[]): readonly ExitRecord[] {
    this.#newestExit = Math.max(this.#newestExit, records.at(-1)?.seq ?? 0);
    return records;
  }
}

function isOptions(value: Argument | SyscallOptions | undefined): value is SyscallOptions {
  return typeof value === "object" && !(value instanceof Uint8Array) && !("buffer" in value);
}

function execOutput(result: ExecResult): ExecOutput {
  const text = (data: string) => Buffer.from(data, "base64").toString("utf8");
  return {
    status: result.status,
    signal: result.signal,
    stdout: text(result.stdout),
    stderr: text(result.stderr),
    timedOut: result.timedOut,
  };
}
