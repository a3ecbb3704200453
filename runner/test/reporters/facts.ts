// SPDX-License-Identifier: MIT
// What reporters are told and the HTML page is given alike. Nothing is imported here that needs Node's types.

/** Of a run that has ended. */
export interface RunFacts {
  readonly exitCode: number;
  readonly durationMs: number;
  readonly interrupted: boolean;
  /** Why the run ended before all tests had run (`--fail-fast`); absent when it did not. */
  readonly stopped?: string | undefined;
  readonly shuffleSeed?: number | undefined;
}

/** Of a test that has ended. */
export interface TestFacts {
  /** Names this failure: `rex-test rerun <id>` runs the test again as it was run. Absent when nothing went wrong. */
  readonly id?: string | undefined;
  /** Where the spec registers the test. */
  readonly line?: number | undefined;
  /** Relative to the folder that the run was started in. */
  readonly file: string;
  readonly name: string;
  /** It passed, but not at the first attempt. */
  readonly flaky?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
}
