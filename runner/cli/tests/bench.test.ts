// SPDX-License-Identifier: MIT
// `rex-test bench` from outside: the names, a mistake, and one benchmark with its table and its file of numbers.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "./command.ts";
import { runCli } from "./support/cli.ts";

interface Numbers {
  readonly version: number;
  readonly kernel: string;
  readonly benchmarks: readonly {
    readonly name: string;
    readonly tables: readonly {
      readonly unit: string;
      readonly rows: readonly {
        readonly what: string;
        readonly ratio?: number;
        readonly summary: Readonly<Record<"samples" | "min" | "median" | "max" | "spread", number>>;
      }[];
    }[];
  }[];
}

test("the benchmarks are listed, and an unknown one is answered with them", async () => {
  const list = await runCli(["bench", "--list"]);
  assert.equal(list.exitCode, 0);
  for (const name of ["dispatch", "panic", "termination"])
    assert.match(list.stdout, new RegExp(`^${name} `, "m"));
  const unknown = await runCli(["bench", "nosuch"]);
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.stderr, /there is no benchmark "nosuch"[\s\S]*one of .*dispatch/);
});

test("a benchmark prints its table and writes its numbers", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "numbers.json");
  // One that waits for nothing: panic, say, lets the windows of the kernel's log pass.
  const ran = await runCli(["bench", "stack-checks", "--samples", "4", "--json", file]);
  assert.equal(ran.exitCode, 0, ran.stderr);
  assert.match(ran.stdout, /^stack-checks: /m);
  assert.match(ran.stdout, /^ +median +min +max +spread +samples +ratio$/m);
  assert.match(ran.stdout, /^ +a function of 64 additions, with checks( +[\d.,]+){6}$/m);

  const numbers: Numbers = JSON.parse(await readFile(file, "utf8"));
  assert.equal(numbers.version, 1);
  assert.deepEqual(
    numbers.benchmarks.map(({ name }) => name),
    ["stack-checks"],
  );
  const tables = numbers.benchmarks[0]?.tables ?? [];
  assert.deepEqual(new Set(tables.map(({ unit }) => unit)), new Set(["instructions", "ns"]));
  const counted = tables.find(({ unit }) => unit === "instructions")?.rows ?? [];
  const medianOf = (what: string) => counted.find((row) => row.what === what)?.summary.median ?? Number.NaN;
  // Not a limit on speed: a check takes instructions, and so does every addition.
  assert.ok(
    medianOf("a function of one addition, with checks") >
      medianOf("a function of one addition, without checks"),
  );
  assert.ok(
    medianOf("a function of 64 additions, without checks") >
      medianOf("a function of one addition, without checks"),
  );
});

test("a benchmark whose kernel does not boot is an infrastructure failure, and says where the console is", async () => {
  const ran = await runCli(["bench", "panic", "--samples", "1"], { env: { REX_TEST_AGENT: "/bin/false" } });
  assert.equal(ran.exitCode, 2);
  assert.match(ran.stdout, /^panic: failed$[\s\S]*where: .*\/artifacts\/\d{8}-\d{6}-\d+\/console-1\.log$/m);
});
