// SPDX-License-Identifier: MIT
// Unit tests of the project's own TypeScript. Specs (*.spec.ts) run through `rex-test run`, which brings its own configuration.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["runner/**/*.test.ts", "qemu/**/*.test.ts", "scripts/**/*.test.ts", "fuzz/**/*.test.ts"],
    exclude: ["**/node_modules/**", "runner/cli/tests/**"],
    testTimeout: 10_000,
    passWithNoTests: false,
  },
});
