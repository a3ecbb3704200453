// SPDX-License-Identifier: MIT
// A program that the guest's kernel has accepted.
import type {
  AttachTarget,
  LoadResult,
  MapInfo,
  ProgramInfo,
  ProgramStats,
} from "../../protocol/generated.ts";
import { RexTestError } from "../../support/errors.ts";
import { bytes, type Codec } from "./codecs.ts";
import type { GuestApi } from "./guest-api.ts";
import type { GuestCalls } from "./guest-calls.ts";
import { RexMap, RexQueue } from "./map.ts";
import { PerfEvents } from "./perf-events.ts";
import { RingBuffer } from "./ring-buffer.ts";
import { TestRun } from "./run.ts";

export interface TestRunOptions {
  /** The packet, from its Ethernet header on. */
  readonly data?: Uint8Array;
  /** The context, as bpf(2) has it: struct xdp_md or __sk_buff. */
  readonly context?: Uint8Array;
  /** How often; 1 if not given. */
  readonly repeat?: number;
  /** For XDP: has the packets go where the program says, so many at a time, instead of only judging them; gives no data and no context. */
  readonly liveFrames?: number;
  /** Which program, when the object has several. */
  readonly name?: string;
}

export interface AttachOptions {
  /** Which program, when the object has several. */
  readonly name?: string;
  /** Where; if not given, where its attribute says. */
  readonly target?: AttachTarget;
  /** A number that the program can ask for when it runs; not on network devices. */
  readonly cookie?: bigint;
}

/** An attachment; ends when the test says so, or with the program. */
export class Link implements AsyncDisposable {
  /** The kernel's id of it. */
  readonly id: number;
  /** Absent for a link that was pinned: it may come from anywhere. */
  readonly target: AttachTarget | undefined;
  readonly #calls: GuestCalls;
  readonly #handle: number;
  #attached = true;

  constructor(calls: GuestCalls, attached: { link: number; id: number; target?: AttachTarget }) {
    this.#calls = calls;
    this.#handle = attached.link;
    this.id = attached.id;
    this.target = attached.target;
  }

  /**
   * Puts another program in the place of this one's, so that no packet passes by in between; if one is expected, only in the place
   * of that. Not for links on perf events.
   */
  async update(
    program: Program,
    options: { readonly name?: string; readonly expected?: Program } = {},
  ): Promise<void> {
    const expected = options.expected === undefined ? {} : { expected: options.expected.handle() };
    await this.#calls.call("linkUpdate", {
      link: this.#handle,
      program: program.handle(options.name),
      ...expected,
    });
  }

  /** Gives it a name in the BPF file system, which keeps the program attached. */
  async pin(path: string): Promise<void> {
    await this.#calls.call("pin", { kind: "link", handle: this.#handle, path });
  }

  /** Takes the program from its hook by BPF_LINK_DETACH: what `bpftool link detach` does. The link stays, with nothing behind it. */
  async forceDetach(): Promise<void> {
    await this.#calls.call("linkDetach", { link: this.#handle });
  }

  async detach(): Promise<void> {
    if (!this.#attached) return;
    this.#attached = false;
    await this.#calls.call("detach", { link: this.#handle });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.detach();
  }
}

/** A loaded object: usually one program, at most 64, and their maps. */
export class Program implements AsyncDisposable {
  readonly name: string;
  readonly programs: readonly ProgramInfo[];
  readonly maps: readonly MapInfo[];
  readonly #calls: GuestCalls;
  readonly #guest: GuestApi;
  readonly #object: number;
  #loaded = true;

  constructor(calls: GuestCalls, guest: GuestApi, name: string, loaded: LoadResult) {
    this.#calls = calls;
    this.#guest = guest;
    this.#object = loaded.object;
    this.name = name;
    this.programs = loaded.programs;
    this.maps = loaded.maps;
  }

  /** The kernel's id of the only program. */
  get id(): number {
    return this.#info(undefined).id;
  }

  /** Attaches a program, where its attribute says or elsewhere; `name` when the object has several. */
  async attach(options: AttachOptions = {}): Promise<Link> {
    const { program } = this.#info(options.name);
    const target = options.target === undefined ? {} : { target: options.target };
    const cookie = options.cookie === undefined ? {} : { cookie: String(options.cookie) };
    return new Link(this.#calls, await this.#calls.call("attach", { program, ...target, ...cookie }));
  }

  /** Gives a program a name in the BPF file system, which keeps it, with its object and maps. */
  async pin(path: string, name?: string): Promise<void> {
    await this.#calls.call("pin", { kind: "program", handle: this.handle(name), path });
  }

  /** The agent's handle of a program, for other calls. */
  handle(name?: string): number {
    return this.#info(name).program;
  }

  /** Runs a program without its hook, by BPF_PROG_TEST_RUN. */
  async testRun(options: TestRunOptions = {}): Promise<TestRun> {
    const { data, context, repeat, liveFrames, name } = options;
    const params = {
      program: this.handle(name),
      ...(data === undefined ? {} : { dataIn: Buffer.from(data).toString("base64") }),
      ...(context === undefined ? {} : { ctxIn: Buffer.from(context).toString("base64") }),
      ...(repeat === undefined ? {} : { repeat }),
      ...(liveFrames === undefined ? {} : { liveFrames }),
    };
    const [result, exits] = await this.#guest.askWithExits((since) =>
      this.#calls.call("testRun", { ...params, ...since }),
    );
    return new TestRun(result, exits, (seen) => this.#guest.account(seen));
  }

  /** What a program has done so far: runs, abnormal ends, how deep its stack was; `name` when the object has several. */
  async stats(name?: string): Promise<ProgramStats> {
    const { id } = this.#info(name);
    const found = (await this.#guest.programs()).find((program) => program.id === id);
    if (found === undefined) throw new RexTestError(`the kernel lists no Rex program with id ${id}`);
    return found;
  }

  /** A map by name; keys and values are bytes unless codecs are given. */
  map(name: string): RexMap<Uint8Array, Uint8Array>;
  map<K, V>(name: string, codecs: { readonly key: Codec<K>; readonly value: Codec<V> }): RexMap<K, V>;
  map<K, V>(
    name: string,
    codecs?: { readonly key: Codec<K>; readonly value: Codec<V> },
  ): RexMap<K, V> | RexMap<Uint8Array, Uint8Array> {
    const info = this.maps.find((map) => map.name === name);
    if (info === undefined) throw unknownName("map", name, this.name, this.maps);
    return codecs
      ? new RexMap(this.#calls, info, codecs.key, codecs.value)
      : new RexMap(this.#calls, info, bytes, bytes);
  }

  /** A queue or stack by name. */
  queue<V>(name: string, value: Codec<V>): RexQueue<V> {
    return new RexQueue(this.#calls, this.map(name).info, value);
  }

  /** Opens perf buffers for what programs write to the perf event array of this name. */
  async perfEvents<V>(name: string, value: Codec<V>): Promise<PerfEvents<V>> {
    return await new PerfEvents(this.#calls, this.map(name).info, value).open();
  }

  /** A ring buffer by name. */
  ringBuffer(name: string): RingBuffer {
    return new RingBuffer(this.#calls, this.map(name).info);
  }

  /** Detaches and forgets everything. Done at the end of the test for what is still loaded. */
  async unload(): Promise<void> {
    if (!this.#loaded) return;
    this.#loaded = false;
    await this.#calls.call("unload", { object: this.#object });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unload();
  }

  #info(name: string | undefined): ProgramInfo {
    if (name === undefined && this.programs.length > 1) {
      throw new RexTestError(`${this.name} has ${this.programs.length} programs: say which one`, {
        outcome: "failure",
        hint: this.programs.map((program) => program.name).join("\n"),
      });
    }
    const found =
      name === undefined ? this.programs[0] : this.programs.find((program) => program.name === name);
    if (found === undefined) throw unknownName("program", name ?? "", this.name, this.programs);
    return found;
  }
}

function unknownName(
  what: string,
  name: string,
  object: string,
  known: readonly { readonly name: string }[],
): RexTestError {
  const names = known.map((item) => item.name).join(", ");
  return new RexTestError(`${object} has no ${what} "${name}"; it has ${names || "none"}`, {
    outcome: "failure",
  });
}
