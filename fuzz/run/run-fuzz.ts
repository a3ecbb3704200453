// SPDX-License-Identifier: MIT
// Campaigns from beginning to end: one for each kernel, one after the other.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { RexTestError } from "../../runner/support/errors.ts";
import type { Progress } from "../../runner/support/progress.ts";
import { artifactsRoot, openArtifactsFolder } from "../../runner/test/engine/artifacts-folder.ts";
import { type Prepared, type PrepareSettings, prepare } from "../../runner/test/engine/prepare.ts";
import { chooseProvider } from "../../runner/test/guests/choose-provider.ts";
import type { Compiler } from "../../runner/test/programs/compiler.ts";
import type { CompilableSource, ProgramSource } from "../../runner/test/programs/source.ts";
import { Campaign } from "./campaign.ts";
import { canarySource } from "./canary.ts";
import { Corpus } from "./corpus.ts";
import { watchCrate } from "./crate-watching.ts";
import type { GuestSource } from "./fuzz-guest.ts";
import { Guidance } from "./guidance.ts";
import type { Compile } from "./object.ts";
import type { Shard } from "./state.ts";
import type { Target } from "./target.ts";
import type { Oracle } from "./trial.ts";

export interface FuzzSettings extends Omit<PrepareSettings, "kernel" | "config"> {
  readonly target: Target;
  readonly seed: number;
  readonly shard: Shard;
  /** Of all campaigns together. */
  readonly timeMs: number;
  readonly corpus: string;
  readonly findingsAtMost: number;
  readonly batchesAtMost?: number | undefined;
  readonly oracles?: readonly Oracle[] | undefined;
  /** One campaign for each. */
  readonly kernels: readonly [KernelWish, ...KernelWish[]];
}

export interface KernelWish {
  readonly kernel?: string | undefined;
  readonly config?: string | undefined;
  /** Boot this instead of the kernel's own image: a mutant of it. */
  readonly image?: string | undefined;
  /** What that is called. */
  readonly name?: string | undefined;
}

/** Who tells the reader. */
export interface FuzzReporter {
  /** A line that stays. */
  say(line: string): void;
  onStart(campaign: Campaign): void;
  onBatch(campaign: Campaign): void;
  onEnd(campaign: Campaign): void;
}

export interface FuzzResult {
  /** Specs of the findings, those of earlier parts of the campaigns among them. */
  readonly files: readonly string[];
  /** Of the last kernel. */
  readonly kernelFolder: string;
}

export async function runFuzz(
  settings: FuzzSettings,
  reporter: FuzzReporter,
  progress: Progress,
): Promise<FuzzResult> {
  const files: string[] = [];
  let kernelFolder = "";
  for (const wish of settings.kernels) {
    const timeMs = settings.timeMs / settings.kernels.length;
    const { kernel, config } = wish;
    const prepared = withImage(await prepare({ ...settings, kernel, config }, [], progress), wish);
    const found = await runCampaign({ ...settings, timeMs }, wish, prepared, reporter, progress);
    files.push(...found);
    kernelFolder = prepared.kernel.path;
  }
  return { files, kernelFolder };
}

async function runCampaign(
  settings: FuzzSettings,
  wish: KernelWish,
  prepared: Prepared,
  reporter: FuzzReporter,
  progress: Progress,
): Promise<string[]> {
  const { target, seed, shard, signal, kernels } = settings;
  const config = wish.config ?? (kernels.length > 1 && wish.kernel ? basename(wish.kernel) : "default");
  const kernel = wish.name ?? prepared.kernel.name;
  const corpus = await Corpus.open(settings.corpus, { target: target.name, seed, shard, config }, kernel);
  const say = (line: string) => reporter.say(line);
  const part = shard.count === 1 ? "" : `, shard ${shard.index} of ${shard.count}`;
  const going = corpus.state.elapsedMs === 0 ? "" : `, going on at batch ${corpus.state.nextBatch}`;
  say(`fuzzing ${target.name}: kernel ${kernel}; ${prepared.machine}; seed ${seed}${part}${going}`);
  await using artifacts = await openArtifactsFolder(artifactsRoot(settings.cwd));
  await using provider = chooseProvider(
    { guests: "fork", jobs: settings.jobs, signal },
    prepared.guests,
    say,
  );
  const guests: GuestSource = {
    prepared,
    provider,
    signal,
    canary: await compiled(prepared, canarySource),
    nextConsoleFile: consoleFiles(artifacts.path),
  };
  const crate = target.runsTheCrate ? await watchCrate(prepared, corpus.state, { signal, say }) : undefined;
  const guidance = await Guidance.open(prepared.kernel, corpus.state, crate);
  progress.clear();
  await using campaign = new Campaign({
    corpus,
    timeMs: settings.timeMs,
    findingsAtMost: settings.findingsAtMost,
    batchesAtMost: settings.batchesAtMost,
    oracles: settings.oracles,
    signal,
    say,
    guidance,
    onBatch: () => reporter.onBatch(campaign),
  });
  reporter.onStart(campaign);
  try {
    const lab = { campaign, guests, guidance, compile: compileOf(prepared.compiler) };
    await together(
      campaign,
      Array.from({ length: settings.jobs }, () => target.work(lab)),
    );
  } finally {
    await campaign.tally();
    reporter.onEnd(campaign);
  }
  return corpus.state.findings.map(({ file }) => corpus.pathOf(file));
}

/** When one fails, the others come to the end of what they do first: they have guests. */
async function together(campaign: Campaign, work: readonly Promise<void>[]): Promise<void> {
  for (const one of work) one.catch(() => campaign.stop());
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function compileOf(compiler: Compiler): Compile {
  return Object.assign((source: CompilableSource) => compiler.compile(source), {
    discard: (source: CompilableSource) => compiler.discard(source),
  });
}

function withImage(prepared: Prepared, { image }: KernelWish): Prepared {
  return image === undefined ? prepared : { ...prepared, guests: { ...prepared.guests, kernel: image } };
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
