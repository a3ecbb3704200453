// SPDX-License-Identifier: MIT
// `rex-test debug`: runs a test that failed again, on a guest that stands still under gdb when the test begins.
import { Command } from "commander";
import { DebugProvider } from "../../debug/debug-provider.ts";
import { requireGdb } from "../../debug/gdb.ts";
import { Recorder, recordingPatience } from "../../debug/recorder.ts";
import { exitCodes, RexTestError } from "../../support/errors.ts";
import { findFailure } from "../../test/engine/failures.ts";
import type { Prepared } from "../../test/engine/prepare.ts";
import type { RunSettings } from "../../test/engine/settings.ts";
import { reportRun } from "../report-run.ts";
import { settingsOfRerun } from "./rerun.ts";

interface DebugFlags {
  readonly icount?: boolean;
  readonly replay?: boolean;
}

/** Limits are hours. */
const livePatience = 1_000;

export const command = new Command("debug")
  .description("run a test that failed again, on a guest that stands still under gdb when the test begins")
  .argument("<id>", "of the failure, as the report prints it, or its beginning; `rex-test rerun` lists them")
  .option(
    "--icount",
    "count the guest's instructions as its clock, so that timing is the same every time (TCG)",
  )
  .option("--replay", "record the test as it runs, and have gdb on the recording, where it can go back (TCG)")
  .action(async (id: string, { icount = false, replay = false }: DebugFlags) => {
    if (icount && replay)
      throw new RexTestError(
        "--icount and --replay exclude each other: a recorded guest counts instructions anyway",
      );
    await requireGdb();
    const settings = await settingsOfRerun(await findFailure(process.cwd(), id));
    if (replay) await debugRecording(settings);
    else await debugLive(settings, icount);
  });

async function debugLive(settings: RunSettings, icount: boolean): Promise<void> {
  leaveCtrlCToGdb();
  await reportRun(
    {
      ...settings,
      accelerator: icount ? "tcg" : settings.accelerator,
      patience: livePatience,
      provider: (prepared) => new DebugProvider(prepared, { countsInstructions: icount }),
    },
    reporters,
  );
}

async function debugRecording(settings: RunSettings): Promise<void> {
  await using recorder = new Recorder();
  const provider = (prepared: Prepared) => recorder.provider(prepared);
  await reportRun({ ...settings, accelerator: "tcg", patience: recordingPatience, provider }, reporters);
  if (settings.signal.aborted) return;
  if (process.exitCode === exitCodes.passed)
    console.error("The test passed this time; so it does in the recording.");
  console.error("Replaying the boot, up to the beginning of the test …");
  leaveCtrlCToGdb();
  await recorder.replay(settings.signal);
}

/** Without a line that is redrawn: gdb has the terminal. */
const reporters = [{ name: "dot" }] as const;

/** For gdb to stop the guest with, not for us to end. */
function leaveCtrlCToGdb(): void {
  process.removeAllListeners("SIGINT").on("SIGINT", () => undefined);
}
