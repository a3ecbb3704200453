// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { ErrorBody } from "../../protocol/generated.ts";
import { GuestRefusalError } from "../rpc/call-errors.ts";
import { CompilerRejection, LoaderRejection, verifierRejection } from "../worker/rejections.ts";
import { toBeRejectedByCompiler, toBeRejectedByLoader, toBeRejectedByVerifier } from "./rejections.ts";

const refusal: ErrorBody = {
  kind: "errno",
  blame: "object",
  message: "the kernel refused eBPF program x",
  errno: 13,
  errnoName: "EACCES",
  log: "0: (79) r0 = *(u64 *)(r1 +0)\nR1 invalid mem access 'scalar'\n",
};

const rejected = (error: unknown) => Promise.reject(error);
const byVerifier = (body: ErrorBody) => rejected(new GuestRefusalError(body)).catch(verifierRejection);

describe("toBeRejectedByVerifier", () => {
  it("looks for the pattern in the verifier's log, and shows all of it", async () => {
    expect(await toBeRejectedByVerifier(byVerifier(refusal), /invalid mem access/)).toMatchObject({
      pass: true,
    });
    const other = await toBeRejectedByVerifier(byVerifier(refusal), /unbounded loop/);
    expect(other.pass).toBe(false);
    expect(other.message()).toMatch(
      /to say \/unbounded loop\/, and it said:\n0: \(79\)[\s\S]*invalid mem access/,
    );
    expect(other).toMatchObject({ actual: refusal.log, expected: /unbounded loop/ });
  });

  it("tells a program that gets through, and passes other errors on", async () => {
    const through = await toBeRejectedByVerifier(Promise.resolve({}), /x/);
    expect(through.message()).toBe("expected the eBPF verifier to refuse, and the program got through");
    const { log: _, ...silent } = refusal;
    await expect(toBeRejectedByVerifier(byVerifier({ ...silent, blame: "caller" }))).rejects.toThrow(
      /refused eBPF/,
    );
    await expect(toBeRejectedByVerifier("no promise")).rejects.toThrow(/without await/);
  });
});

describe("toBeRejectedByLoader, toBeRejectedByCompiler", () => {
  it("want a sentence of the loader's", async () => {
    const silent = new LoaderRejection("x", { ...refusal, log: "" });
    const { pass, message } = await toBeRejectedByLoader(rejected(silent));
    expect(pass).toBe(false);
    expect(message()).toBe("the loader refused with EACCES and without a sentence");
    const loud = new LoaderRejection("x", { ...refusal, log: "section 3 is too long" });
    expect(await toBeRejectedByLoader(rejected(loud), /^EACCES: section 3/)).toMatchObject({ pass: true });
  });

  it("show the compiler's diagnostics", async () => {
    const source = { kind: "inline", name: "p", text: "" } as const;
    const error = new CompilerRejection(source, "rustc", "error[E0308]: mismatched types");
    const { pass, message } = await toBeRejectedByCompiler(rejected(error), /E0133/);
    expect(pass).toBe(false);
    expect(message()).toContain("error[E0308]: mismatched types");
  });
});
