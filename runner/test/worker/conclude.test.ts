// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { RexTestError } from "../../support/errors.ts";
import type { GuestReport, GuestVerdict } from "../guests/guest.ts";
import { ChannelClosedError, NoAnswerError } from "../rpc/call-errors.ts";
import { conclude } from "./conclude.ts";

function report(verdict?: GuestVerdict): GuestReport {
  return { verdict, splats: [], consoleFile: "", consoleTail: [], consoleTailStart: 0, commandLine: "" };
}

const crash = { kind: "kernel-crashed", reason: "Oops" } as const;

describe("conclude", () => {
  it("passes what returned, left nothing behind and has a guest that is well", () => {
    expect(conclude({ kind: "returned" }, [], report())).toEqual({ outcome: { kind: "passed" } });
  });

  it("fails what returned and left something behind", () => {
    expect(conclude({ kind: "returned" }, ["a leak"], report())).toMatchObject({
      outcome: { kind: "failed", reason: "a leak" },
    });
  });

  it("tells a crash even when the test passed or failed on its own", () => {
    expect(conclude({ kind: "returned" }, [], report(crash)).outcome).toMatchObject(crash);
    const error = new Error("1 is not 2");
    expect(conclude({ kind: "threw", error }, [], report(crash))).toMatchObject({ outcome: crash, error });
  });

  it("does not show a lost connection where a crash is the cause", () => {
    const lost = new ChannelClosedError("the other side closed the connection");
    expect(conclude({ kind: "threw", error: lost }, [], report(crash)).error).toMatchObject({
      message: "Oops",
    });
  });

  it("tells a hung guest from a test that takes too long", () => {
    const end = { kind: "timed-out", timeoutMs: 100, during: "" } as const;
    expect(conclude(end, [], report()).outcome.kind).toBe("failed");
    expect(conclude(end, [], report({ kind: "guest-hung", reason: "no ping" })).outcome.kind).toBe(
      "guest-hung",
    );
  });

  it("does not blame the code under test for the way to the guest", () => {
    for (const error of [
      new ChannelClosedError("gone"),
      new NoAnswerError("load", 10),
      new RexTestError("disk full"),
    ]) {
      expect(conclude({ kind: "threw", error }, [], report()).outcome.kind).toBe("infrastructure-failed");
    }
    const mistake = new RexTestError("no such map", { outcome: "failure" });
    expect(conclude({ kind: "threw", error: mistake }, [], report()).outcome.kind).toBe("failed");
  });

  it("says of an interrupted test that it never ran", () => {
    expect(conclude({ kind: "cancelled" }, [], report()).outcome.kind).toBe("never-ran");
  });
});
