// SPDX-License-Identifier: MIT
// What came of making something happen in the guest: how it ended, and how the programs behind it did.
import type { ExitRecord, PacketsResult, TestRunResult, TriggerOutcome } from "../../protocol/generated.ts";

export type Account = (exits: readonly ExitRecord[]) => void;

/** Something that made programs run. */
export abstract class Observed {
  /** Programs that ended abnormally because of it. */
  readonly exits: readonly ExitRecord[];
  readonly #account: Account;

  constructor(exits: readonly ExitRecord[], account: Account) {
    this.exits = exits;
    this.#account = account;
  }

  /** @internal The test has said what it thinks of these exits; the sanitizer then does not complain about them. */
  accountForExits(): void {
    this.#account(this.exits);
  }
}

/** A system call. Its exits are those of this thread, or in an interrupt meanwhile. */
export class Run extends Observed {
  /** As the kernel returns it: -errno on failure. */
  readonly ret: bigint;
  /** "EBADF"; absent on success. */
  readonly errnoName: string | undefined;
  /** The CPU that the last call ended on. */
  readonly cpu: number;
  readonly count: number;
  readonly durationNs: number;
  readonly buffers: readonly Uint8Array[];

  constructor(outcome: TriggerOutcome, exits: readonly ExitRecord[], account: Account) {
    super(
      exits.filter((exit) => exit.pid === outcome.tid || exit.level !== "task"),
      account,
    );
    this.ret = BigInt(outcome.ret);
    this.errnoName = outcome.errnoName;
    this.cpu = outcome.cpu;
    this.count = outcome.count;
    this.durationNs = outcome.durationNs;
    this.buffers = outcome.buffers.map((buffer) => Buffer.from(buffer, "base64"));
  }
}

/** A run of a program without its hook. */
export class TestRun extends Observed {
  /** What the program returned, the last time. */
  readonly retval: number;
  /** The packet afterwards. */
  readonly data: Uint8Array;
  /** The context afterwards. */
  readonly context: Uint8Array;
  /** Mean of one run. */
  readonly durationNs: number;

  constructor(result: TestRunResult, exits: readonly ExitRecord[], account: Account) {
    super(exits, account);
    this.retval = result.retval;
    this.data = Buffer.from(result.dataOut, "base64");
    this.context = Buffer.from(result.ctxOut, "base64");
    this.durationNs = result.durationNs;
  }
}

/** Frames that were sent, and those that came. */
export class PacketRun extends Observed {
  readonly sent: number;
  /** What each of the listeners received. */
  readonly received: readonly (readonly Uint8Array[])[];
  readonly durationNs: number;

  constructor(result: PacketsResult, exits: readonly ExitRecord[], account: Account) {
    super(exits, account);
    this.sent = result.sent;
    this.received = result.received.map((frames) => frames.map((frame) => Buffer.from(frame, "base64")));
    this.durationNs = result.durationNs;
  }
}
