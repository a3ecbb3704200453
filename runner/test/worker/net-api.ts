// SPDX-License-Identifier: MIT
// `t.guest.net`: network devices of the guest, and packets on them.
import type { NetDevice, VethAddResult } from "../../protocol/generated.ts";
import { GuestRefusalError } from "../rpc/call-errors.ts";
import type { GuestCalls } from "./guest-calls.ts";
import { lacking } from "./permissions.ts";
import type { Program } from "./program.ts";
import { type Account, type Observed, PacketRun } from "./run.ts";

export interface Listening {
  readonly device: string;
  /** Only frames of this type, seen behind tc ingress. Without it all frames, seen in front of tc but behind XDP. */
  readonly ethertype?: number;
  /** How many to wait for. */
  readonly count?: number;
}

export interface Exchange {
  /** Frames from their Ethernet header on, and the device that sends them. */
  readonly send?: {
    readonly device: string;
    readonly frames: readonly Uint8Array[];
    readonly repeat?: number;
  };
  readonly receive?: readonly Listening[];
  /** Pins the sending thread. */
  readonly cpu?: number;
  /** For how long to wait for the counts; what came by then is the result. 2 s if not given. */
  readonly timeoutMs?: number;
}

export interface FilterPlace {
  readonly device: string;
  readonly direction: "ingress" | "egress";
  /** Filters run in the order of their priorities; 1 if not given. */
  readonly priority?: number;
}

/** A program as a tc filter of a device; it stays until it is removed, or the device is. */
export class Filter implements AsyncDisposable {
  readonly place: FilterPlace;
  readonly #calls: GuestCalls;
  #present = true;

  constructor(calls: GuestCalls, place: FilterPlace) {
    this.#calls = calls;
    this.place = place;
  }

  /** Puts another program in the place of this one's. */
  async replace(program: Program, name?: string): Promise<void> {
    await this.#calls.call("filterAdd", { ...this.place, program: program.handle(name), replace: true });
  }

  async remove(): Promise<void> {
    if (!this.#present) return;
    this.#present = false;
    await this.#calls.call("filterRemove", { ...this.place });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/** Makes something happen and gives what `make` makes of the result and the exit records meanwhile. */
export type Watch = <R, T extends Observed>(
  action: () => Promise<R>,
  make: (result: R, exits: T["exits"], account: Account) => T,
) => Promise<T>;

const receiveLimitMs = 2_000;
const graceMs = 15_000;

export class NetApi {
  readonly #calls: GuestCalls;
  readonly #watch: Watch;
  readonly #hasUplink: boolean;
  #pairs: (readonly [string, string])[] = [];

  constructor(calls: GuestCalls, watch: Watch, hasUplink: boolean) {
    this.#calls = calls;
    this.#watch = watch;
    this.#hasUplink = hasUplink;
  }

  /**
   * The device that the permission net gives, brought up, with the address that QEMU's network has for it (10.0.2.15/24) and a route by
   * way of QEMU (10.0.2.2). With `bare` it has neither, and the kernel sends nothing itself.
   */
  async uplink({ bare = false }: { readonly bare?: boolean } = {}): Promise<NetDevice> {
    if (!this.#hasUplink) throw lacking("has no network device but those that it makes", "net: true");
    const place = bare ? {} : { address: "10.0.2.15/24", gateway: "10.0.2.2" };
    return this.#calls.call("netUp", { name: "eth0", ...place });
  }

  /**
   * Makes two devices of which each receives what the other sends. Both are up and have no addresses: the kernel sends nothing itself.
   * They are removed at the end of the test, if not earlier.
   */
  async addVeth(name: string, peer: string): Promise<VethAddResult> {
    const added = await this.#calls.call("vethAdd", { name, peer });
    this.#pairs.push([name, peer]);
    return added;
  }

  /** Removes a device, and the other end of its pair. */
  async remove(device: string | NetDevice): Promise<void> {
    const name = typeof device === "string" ? device : device.name;
    await this.#calls.call("netRemove", { name });
    this.#pairs = this.#pairs.filter((pair) => !pair.includes(name));
  }

  /** @internal Removes the pairs that are still there, newest first. */
  async release(): Promise<void> {
    const pairs = this.#pairs.reverse();
    this.#pairs = [];
    for (const [name] of pairs) {
      // It may be gone already, or in another namespace, which takes it along when it goes.
      await this.#calls.call("netRemove", { name }).catch((error: unknown) => {
        if (!(error instanceof GuestRefusalError)) throw error;
      });
    }
  }

  /** Has a tc program judge what goes through a device, by a filter of its clsact qdisc (`tc filter add … bpf direct-action`). */
  async addFilter(program: Program, place: FilterPlace, name?: string): Promise<Filter> {
    await this.#calls.call("filterAdd", { ...place, program: program.handle(name) });
    return new Filter(this.#calls, place);
  }

  /** Listens, sends, and gives what came. */
  exchange({ send, receive = [], cpu, timeoutMs = receiveLimitMs }: Exchange): Promise<PacketRun> {
    const params = {
      receive: receive.map((one) => ({ ...one })),
      timeoutMs,
      ...(cpu === undefined ? {} : { cpu }),
      ...(send === undefined
        ? {}
        : {
            send: { ...send, frames: send.frames.map((frame) => Buffer.from(frame).toString("base64")) },
          }),
    };
    return this.#watch(
      () => this.#calls.call("packets", params, timeoutMs + graceMs),
      (result, exits, account) => new PacketRun(result, exits, account),
    );
  }
}
