// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { RexTestError } from "../support/errors.ts";
import type { GuestReport, GuestVerdict } from "../test/guests/guest.ts";
import { ChannelClosedError, GuestRefusalError, NoAnswerError } from "../test/rpc/call-errors.ts";
import { GuestLostError } from "./lab.ts";
import { outcomeOfError } from "./outcome.ts";

const report: GuestReport = {
  splats: [],
  consoleFile: "console.log",
  consoleTail: [],
  consoleTailStart: 0,
  commandLine: "qemu",
};

it.each<GuestVerdict["kind"]>(["kernel-crashed", "guest-hung", "infrastructure-failed"])(
  "a guest that was lost tells how: %s",
  (kind) => {
    const lost = new GuestLostError({ kind, reason: "why" }, report);
    expect(outcomeOfError(lost)).toEqual({ kind, reason: "why" });
  },
);

it("what says nothing about the code under test is an infrastructure failure", () => {
  const errors = [
    new RexTestError("no kernel"),
    new NoAnswerError("trigger", 10),
    new ChannelClosedError("gone"),
  ];
  for (const error of errors) expect(outcomeOfError(error).kind).toBe("infrastructure-failed");
});

it("everything else is a failure: of the program, of the kernel's answer, of the benchmark", () => {
  const refusal = new GuestRefusalError({ kind: "errno", blame: "kernel", message: "EINVAL" });
  const wrong = new RexTestError("it returned 3", { outcome: "failure" });
  for (const error of [refusal, wrong, new TypeError("a bug")])
    expect(outcomeOfError(error).kind).toBe("failed");
});
