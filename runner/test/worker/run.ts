// SPDX-License-Identifier: MIT
// What came of triggering something in the guest: how the system call ended, and how the programs behind it did.
import type { ExitRecord, TriggerOutcome } from "../../protocol/generated.ts";

export class Run {
  /** As the kernel returns it: -errno on failure. */
  readonly ret: bigint;
  /** "EBADF"; absent on success. */
  readonly errnoName: string | undefined;
  /** The CPU that the last call ended on. */
  readonly cpu: number;
  readonly count: number;
  readonly durationNs: number;
  readonly buffers: readonly Uint8Array[];
  /** Programs that ended abnormally meanwhile in this thread, or in an interrupt. */
  readonly exits: readonly ExitRecord[];
  readonly #account: (exits: readonly ExitRecord[]) => void;

  constructor(
    outcome: TriggerOutcome,
    exits: readonly ExitRecord[],
    account: (exits: readonly ExitRecord[]) => void,
  ) {
    this.ret = BigInt(outcome.ret);
    this.errnoName = outcome.errnoName;
    this.cpu = outcome.cpu;
    this.count = outcome.count;
    this.durationNs = outcome.durationNs;
    this.buffers = outcome.buffers.map((buffer) => Buffer.from(buffer, "base64"));
    this.exits = exits.filter((exit) => exit.pid === outcome.tid || exit.level !== "task");
    this.#account = account;
  }

  /** The test has said what it thinks of these exits; the sanitizer then does not complain about them. */
  accountForExits(): void {
    this.#account(this.exits);
  }
}
