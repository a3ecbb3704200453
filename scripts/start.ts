// SPDX-License-Identifier: MIT
// `npm start`: the main job. A kernel with Rex in it, the programs, the specs on real guests, the summary. Everything that was
// done before is found in the cache.
import { fileURLToPath } from "node:url";
import { $, chalk } from "zx";

const rexTest = fileURLToPath(new URL("../runner/cli/rex-test.js", import.meta.url));

// The children draw on the terminal themselves, and get its Ctrl-C themselves.
$.nothrow = true;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

const steps: readonly (readonly [string, readonly string[]])[] = [
  ["the kernel", ["kernel", "build"]],
  ["the specs", ["run", "specs"]],
];

for (const [title, args] of steps) {
  console.error(chalk.bold(`── ${title}`));
  // The kernel's folder on standard output is for scripts.
  const stdout = args[0] === "kernel" ? "ignore" : "inherit";
  const finished = await $({ stdio: ["inherit", stdout, "inherit"] })`node ${rexTest} ${args}`;
  if (finished.exitCode !== 0) process.exit(finished.exitCode ?? 2);
}
