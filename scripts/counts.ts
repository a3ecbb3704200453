// SPDX-License-Identifier: MIT
// Reads how many tests passed and failed from what each test runner leaves behind. A runner that failed without counting a
// failure (a file that does not load) counts as one; one that ran nothing is a failure too.

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** vitest --reporter=json */
export function countVitest(json: string): Counts {
  const report: unknown = JSON.parse(json);
  const number = (key: string): number => {
    const value: unknown =
      typeof report === "object" && report !== null ? Reflect.get(report, key) : undefined;
    return typeof value === "number" ? value : 0;
  };
  return { passed: number("numPassedTests"), failed: number("numFailedTests") };
}

/** cargo test: a "test result" line for each binary. */
export function countCargo(output: string): Counts {
  let passed = 0;
  let failed = 0;
  for (const match of output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm)) {
    passed += Number(match[1]);
    failed += Number(match[2]);
  }
  return { passed, failed };
}

/** node --test --test-reporter=tap: totals as comments at the end; cancelled and "todo" are not passes. */
export function countTap(tap: string): Counts {
  const total = (name: string) => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  return { passed: total("pass"), failed: total("fail") + total("cancelled") };
}

/** JUnit: every test case without a failure, error or skipped inside is a pass. */
export function countJunit(xml: string): Counts {
  let passed = 0;
  let failed = 0;
  for (const match of xml.matchAll(/<testcase\b[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const body = match[1] ?? "";
    if (/<(failure|error)\b/.test(body)) failed += 1;
    else if (!/<skipped\b/.test(body)) passed += 1;
  }
  return { passed, failed };
}

/** rex-test mutants --json: a mutant that was killed is a pass, anything else a failure. */
export function countMutants(json: string): Counts {
  const report: unknown = JSON.parse(json);
  const counts: unknown =
    typeof report === "object" && report !== null ? Reflect.get(report, "counts") : undefined;
  const number = (key: string): number => {
    const value: unknown =
      typeof counts === "object" && counts !== null ? Reflect.get(counts, key) : undefined;
    return typeof value === "number" ? value : 0;
  };
  return { passed: number("killed"), failed: number("survived") + number("error") };
}

/** What a part of the test run counts for, given how its process ended. */
export function settle(counts: Counts, exitCode: number): Counts & { readonly remark?: string } {
  if (exitCode !== 0 && counts.failed === 0)
    return { ...counts, failed: 1, remark: `ended with exit code ${exitCode}` };
  if (counts.passed + counts.failed === 0) return { passed: 0, failed: 1, remark: "no test ran" };
  return counts;
}

/** Hides the runners' own totals: the summary line is to be the only one of its kind. */
export function withoutTotals(log: string): string {
  return log
    .split("\n")
    .filter((line) => !/^\s*\d+ passed, \d+ failed/.test(line))
    .join("\n");
}
