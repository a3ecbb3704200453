// SPDX-License-Identifier: MIT
// A campaign from beginning to end.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RexTestError } from "../../runner/support/errors.ts";
import type { Progress } from "../../runner/support/progress.ts";
import { artifactsRoot, openArtifactsFolder } from "../../runner/test/engine/artifacts-folder.ts";
import { type Prepared, type PrepareSettings, prepare } from "../../runner/test/engine/prepare.ts";
import { chooseProvider } from "../../runner/test/guests/choose-provider.ts";
import type { ProgramSource } from "../../runner/test/programs/source.ts";
import { Campaign } from "./campaign.ts";
import { canarySource } from "./canary.ts";
import { Corpus } from "./corpus.ts";
import type { GuestSource } from "./fuzz-guest.ts";
import { LoaderTarget } from "./loader-target.ts";
import type { Compile } from "./object.ts";
import { ProgramsTarget } from "./programs-target.ts";

export const targets = ["programs", "loader"] as const;
export type TargetName = (typeof targets)[number];

export interface FuzzSettings extends PrepareSettings {
  readonly target: TargetName;
  readonly seed: number;
  readonly timeMs: number;
  readonly corpus: string;
  readonly findingsAtMost: number;
  readonly say: (line: string) => void;
  /** Boot this instead of the kernel's own image: a mutant of it. */
  readonly image?: string | undefined;
  /** What that is called. */
  readonly kernelName?: string | undefined;
}

export interface FuzzResult {
  /** Specs of the findings in the corpus, those of earlier campaigns with this seed among them. */
  readonly files: readonly string[];
  readonly kernelFolder: string;
}

export async function runFuzz(settings: FuzzSettings, progress: Progress): Promise<FuzzResult> {
  const { target, seed, timeMs, findingsAtMost, signal, say } = settings;
  const usual = await prepare(settings, [], progress);
  const { image = usual.guests.kernel } = settings;
  const prepared = { ...usual, guests: { ...usual.guests, kernel: image } };
  const corpus = await Corpus.open(settings.corpus, target, seed);
  const from = corpus.progress.nextBatch === 0 ? "" : `, going on at batch ${corpus.progress.nextBatch}`;
  say(
    `fuzzing ${target}: kernel ${settings.kernelName ?? prepared.kernel.name}; ${prepared.machine}; seed ${seed}${from}`,
  );
  await using artifacts = await openArtifactsFolder(artifactsRoot(settings.cwd));
  await using provider = chooseProvider(
    { guests: "clone", jobs: settings.jobs, signal },
    prepared.guests,
    say,
  );
  const compile: Compile = (source) => prepared.compiler.compile(source);
  const guests: GuestSource = {
    prepared,
    provider,
    signal,
    canary: await compiled(prepared, canarySource),
    nextConsoleFile: consoleFiles(artifacts.path),
  };
  const kernel = settings.kernelName ?? prepared.kernel.name;
  const campaign = new Campaign({
    corpus,
    seed,
    kernel,
    timeMs,
    findingsAtMost,
    signal,
    say,
    onStep: (what) => progress.update({ what }),
    onStepsDone: () => progress.done(),
  });
  const Target = target === "programs" ? ProgramsTarget : LoaderTarget;
  const workers = Array.from({ length: settings.jobs }, () => new Target(campaign, guests, compile));
  await Promise.all(workers.map((worker) => worker.work()));
  await campaign.save();
  campaign.show(true);
  const files = corpus.progress.findings.map(({ file }) => file);
  return { files, kernelFolder: prepared.kernel.path };
}

function consoleFiles(folder: string): () => string {
  let count = 0;
  return () => {
    count += 1;
    return join(folder, `console-${count}.log`);
  };
}

async function compiled(prepared: Prepared, source: ProgramSource): Promise<string> {
  if (source.kind === "object") return source.base64;
  const result = await prepared.compiler.compile(source);
  if (result.ok) return await readFile(result.object, "base64");
  throw new RexTestError(`the program ${source.name} does not compile`, { detail: result.rendered });
}
