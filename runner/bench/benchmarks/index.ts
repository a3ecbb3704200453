// SPDX-License-Identifier: MIT
// All benchmarks, in the order in which they run.
import type { Benchmark } from "../benchmark.ts";
import { dispatch } from "./dispatch.ts";
import { guestStart } from "./guest-start.ts";
import { load } from "./load.ts";
import { memory } from "./memory.ts";
import { panic } from "./panic.ts";
import { stack } from "./stack.ts";
import { stackChecks } from "./stack-checks.ts";
import { termination } from "./termination.ts";
import { throughput } from "./throughput.ts";
import { xdp } from "./xdp.ts";

export const benchmarks: readonly Benchmark[] = [
  dispatch,
  xdp,
  panic,
  termination,
  stack,
  stackChecks,
  load,
  guestStart,
  throughput,
  memory,
];
