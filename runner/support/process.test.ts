// SPDX-License-Identifier: MIT
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeError, RexTestError } from "./errors.ts";
import { mustRun, quoted, runProcess } from "./process.ts";

test("how a program ended is a value", async () => {
  expect((await runProcess("sh", ["-c", "echo out; echo err >&2; exit 3"])).ending).toEqual({
    kind: "exited",
    code: 3,
  });
  expect((await runProcess("sh", ["-c", "kill -TERM $$"])).ending).toEqual({
    kind: "signalled",
    signal: "SIGTERM",
  });
  expect((await runProcess("no-such-program", [])).ending).toEqual({
    kind: "notStarted",
    reason: "no such program",
  });
});

test("both outputs are kept apart", async () => {
  const finished = await runProcess("sh", ["-c", "echo out; echo err >&2"]);
  expect([finished.stdout, finished.stderr]).toEqual(["out", "err"]);
});

test("a time limit ends the whole process group", async () => {
  const started = performance.now();
  const finished = await runProcess("sh", ["-c", "sleep 60 & sleep 60; wait"], { timeoutMs: 200 });
  expect(finished.ending).toEqual({ kind: "timedOut", afterMs: 200 });
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("cancellation ends it, and one that is cancelled already does not start", async () => {
  const controller = new AbortController();
  const running = runProcess("sleep", ["60"], { signal: controller.signal });
  controller.abort();
  expect((await running).ending).toEqual({ kind: "cancelled" });
  expect((await runProcess("sleep", ["60"], { signal: controller.signal })).ending).toEqual({
    kind: "cancelled",
  });
});

test("lines are passed on and logged", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-process-"));
  try {
    const lines: string[] = [];
    const logPath = join(folder, "log");
    await runProcess("sh", ["-c", "echo one; echo two; printf three"], {
      logPath,
      onLine: (line) => lines.push(line),
    });
    expect(lines).toEqual(["one", "two", "three"]);
    expect(await readFile(logPath, "utf8")).toBe("one\ntwo\nthree");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a program that ends at once has its output kept", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rex-process-"));
  try {
    const logged = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const logPath = join(folder, String(index));
        await runProcess("echo", [String(index)], { logPath });
        return await readFile(logPath, "utf8");
      }),
    );
    expect(logged).toEqual(Array.from({ length: 20 }, (_, index) => `${index}\n`));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a failure that matters shows command and output", async () => {
  const failing = mustRun("sh", ["-c", "echo the reason >&2; exit 1"], { what: "the step", hint: "do this" });
  await expect(failing).rejects.toMatchObject({
    message: "the step ended with exit code 1",
    detail: "the reason",
    exitCode: 2,
  });
});

test("arguments are quoted for a shell", () => {
  expect(["a", "/x/y-z.c", "a b", "it's", ""].map(quoted)).toEqual([
    "a",
    "/x/y-z.c",
    "'a b'",
    "'it'\\''s'",
    "''",
  ]);
});

test("an error says what, where and what to do", () => {
  const error = new RexTestError("it broke", {
    where: "file.c:1",
    detail: "line one\nline two",
    hint: "mend it\nthen again",
  });
  expect(describeError(error)).toBe(
    "error: it broke\n  where: file.c:1\n\n  | line one\n  | line two\n\n  try:   mend it\n         then again",
  );
  expect(new RexTestError("x", { outcome: "crash" }).exitCode).toBe(64);
});

test("a program that is missing is said to be, also behind the one that ends it with its parent", async () => {
  const { ending } = await runProcess("rex-test-no-such-program", [], { dieWithParent: true });
  expect(ending).toEqual({ kind: "notStarted", reason: "no such program" });
});
