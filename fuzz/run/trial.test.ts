// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { type Complaint, hungTitle, isSameThing, notEndedTitle } from "./trial.ts";

describe("isSameThing", () => {
  const complaint = (oracle: Complaint["oracle"], title: string): Complaint => ({
    oracle,
    title,
    detail: "",
  });
  const [hung, notEnded] = [complaint("kernel health", hungTitle), complaint("termination", notEndedTitle)];

  it("has what hangs be one thing, whatever noticed it", () => {
    expect(isSameThing(hung, notEnded)).toBe(true);
    expect(isSameThing(notEnded, notEnded)).toBe(true);
  });

  it("tells others apart by oracle and title", () => {
    expect(isSameThing(hung, complaint("kernel health", "PANIC: double fault"))).toBe(false);
    expect(isSameThing(notEnded, complaint("termination", "ended before the limit"))).toBe(false);
    expect(isSameThing(complaint("termination", "a"), complaint("prediction", "a"))).toBe(false);
  });
});
