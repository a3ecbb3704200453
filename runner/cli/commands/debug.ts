// SPDX-License-Identifier: MIT
// `rex-test debug`: runs a test that failed again, on a guest that stands still under gdb when the test begins.
import { Command } from "commander";
import { DebugProvider } from "../../debug/debug-provider.ts";
import { requireGdb } from "../../debug/gdb.ts";
import { findFailure } from "../../test/engine/failures.ts";
import { reportRun } from "../report-run.ts";
import { settingsOfRerun } from "./rerun.ts";

interface DebugFlags {
  readonly icount?: boolean;
}

export const command = new Command("debug")
  .description("run a test that failed again, on a guest that stands still under gdb when the test begins")
  .argument("<id>", "of the failure, as the report prints it, or its beginning; `rex-test rerun` lists them")
  .option(
    "--icount",
    "count the guest's instructions as its clock, so that timing is the same every time (TCG)",
  )
  .action(async (id: string, { icount = false }: DebugFlags) => {
    await requireGdb();
    const settings = await settingsOfRerun(await findFailure(process.cwd(), id));
    // Ctrl-C is for gdb to stop the guest with, not for us to end.
    process.removeAllListeners("SIGINT").on("SIGINT", () => undefined);
    await reportRun(
      {
        ...settings,
        accelerator: icount ? "tcg" : settings.accelerator,
        debugging: true,
        provider: (prepared) => new DebugProvider(prepared, { countsInstructions: icount }),
      },
      // Without a line that is redrawn: gdb has the terminal.
      [{ name: "dot" }],
    );
  });
