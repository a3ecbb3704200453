// SPDX-License-Identifier: MIT
// Tries mutants one after the other: while the specs of one run, the kernel of the next is built. A test that notices is asked
// what it says of the whole kernel, too.
import { join, relative } from "node:path";
import { buildKernel } from "../kernel/build.ts";
import { repositoryRoot } from "../kernel/repository.ts";
import { describeError } from "../support/errors.ts";
import type { Progress } from "../support/progress.ts";
import { findSpecs } from "../test/collect/find-specs.ts";
import { readSpecs } from "../test/engine/collect.ts";
import { type Prepared, prepare } from "../test/engine/prepare.ts";
import { outOfTime } from "../test/outcome/outcome.ts";
import type { TestReport } from "../test/reporters/reporter.ts";
import { Baseline } from "./baseline.ts";
import type { Mutant } from "./mutant.ts";
import { type Observation, observe } from "./observe.ts";
import { errorTrial, judge, type Trial } from "./trial.ts";
import { type MutantKernel, Workshop } from "./workshop.ts";

export interface CampaignOptions {
  /** Guests at a time, and compilers. */
  readonly jobs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onTrial: (trial: Trial) => void;
}

/** Of a test that does not say its own, as for `run`; when it is missed although the guest is well, a second try has more. */
const timeoutMs = 30_000;
const generousTimeoutMs = 90_000;
const bootLimitMs = 30_000;

interface Candidate {
  readonly mutant: Mutant;
  /** For the reader: "3 of 9 leftover-kept". */
  readonly title: string;
  /** The patched runtime. */
  readonly runtime: string;
  /** Spec files, relative to the repository. */
  readonly files: readonly string[];
}

export async function runCampaign(mutants: readonly Mutant[], options: CampaignOptions): Promise<void> {
  await using workshop = await Workshop.open(options);
  const candidates: Candidate[] = [];
  options.progress.update({ what: "applying the patches" });
  for (const [index, mutant] of mutants.entries()) {
    const title = `${index + 1} of ${mutants.length} ${mutant.name}`;
    try {
      const paths = mutant.specs.map((spec) => join("specs", spec));
      const files = (await findSpecs(paths, repositoryRoot)).map((file) => relative(repositoryRoot, file));
      candidates.push({ mutant, title, runtime: await workshop.patch(mutant), files });
    } catch (error) {
      options.signal.throwIfAborted();
      options.onTrial(errorTrial(mutant, describeError(error)));
    }
  }
  for (const config of new Set(candidates.map(({ mutant }) => mutant.config))) {
    const ofConfig = candidates.filter(({ mutant }) => mutant.config === config);
    await new Trials(workshop, config, options).run(ofConfig);
  }
}

/** The trials of the mutants of one config. */
class Trials {
  readonly #workshop: Workshop;
  readonly #config: string;
  readonly #options: CampaignOptions;

  constructor(workshop: Workshop, config: string, options: CampaignOptions) {
    this.#workshop = workshop;
    this.#config = config;
    this.#options = options;
  }

  async run(candidates: readonly Candidate[]): Promise<void> {
    const { progress, signal, jobs } = this.#options;
    const { kernel } = await buildKernel({ config: this.#config, progress, signal, jobs });
    const files = [...new Set(candidates.flatMap((candidate) => candidate.files))].sort();
    const prepared = await this.#prepare(kernel.path, files);
    const baseline = await Baseline.open(kernel, ({ file, name }) =>
      this.#observe(prepared, [file], "asking the whole kernel", name),
    );
    await this.#pipeline(candidates, prepared, baseline);
  }

  async #pipeline(candidates: readonly Candidate[], prepared: Prepared, baseline: Baseline): Promise<void> {
    let next = this.#build(candidates[0]);
    for (const [index, candidate] of candidates.entries()) {
      this.#options.progress.update({ what: `${candidate.title}: building` });
      const built = await next;
      this.#options.signal.throwIfAborted();
      // Begun while the specs of this one run.
      next = this.#build(candidates[index + 1]);
      try {
        this.#options.onTrial(await this.#try(candidate, built, prepared, baseline));
      } catch (error) {
        // The build that is under way ends before the folder that it works in goes.
        await next;
        throw error;
      } finally {
        if (built.ok) await built.kernel[Symbol.asyncDispose]();
      }
    }
  }

  async #build(candidate: Candidate | undefined): Promise<Built> {
    const startedAt = performance.now();
    const ms = () => Math.round(performance.now() - startedAt);
    if (candidate === undefined) return { ok: false, why: "", ms: 0 };
    try {
      const kernel = await this.#workshop.build(candidate.mutant, candidate.runtime);
      return { ok: true, kernel, ms: ms() };
    } catch (error) {
      return { ok: false, why: describeError(error), ms: ms() };
    }
  }

  async #try(
    { mutant, title, files }: Candidate,
    built: Built,
    whole: Prepared,
    baseline: Baseline,
  ): Promise<Trial> {
    if (!built.ok) return errorTrial(mutant, built.why, { buildMs: built.ms });
    const startedAt = performance.now();
    const prepared: Prepared = {
      ...whole,
      kernel: { ...whole.kernel, name: built.kernel.name, image: built.kernel.image },
      guests: { ...whole.guests, kernel: built.kernel.image },
    };
    let seen = await this.#observe(prepared, files, title);
    // On a busy machine any test can take too long: that alone is no verdict.
    if (seen.noticed[0] && ranOutOfTime(seen.noticed[0]))
      seen = await this.#observe(prepared, files, title, undefined, generousTimeoutMs);
    const { name, promise, config } = mutant;
    const times = { buildMs: built.ms, specsMs: Math.round(performance.now() - startedAt) };
    const [killer] = seen.noticed;
    const complaint = killer && (await baseline.complaint(killer));
    if (complaint !== undefined) return errorTrial(mutant, complaint, times);
    return { mutant: name, promise, config, ...judge(seen), ...times };
  }

  async #observe(
    prepared: Prepared,
    paths: readonly string[],
    title: string,
    test?: string,
    limitMs = timeoutMs,
  ): Promise<Observation> {
    const { progress, signal, jobs } = this.#options;
    const what = `${title}: running specs`;
    progress.update({ what });
    const onTest = ({ file, name }: TestReport) => progress.update({ what, item: `${file} > ${name}` });
    const artifacts = join(this.#workshop.scratch, "artifacts");
    return await observe({ prepared, paths, test, jobs, signal, artifacts, timeoutMs: limitMs, onTest });
  }

  async #prepare(kernel: string, files: readonly string[]): Promise<Prepared> {
    const { programs } = await readSpecs(
      files.map((file) => join(repositoryRoot, file)),
      repositoryRoot,
    );
    const { jobs, signal, progress } = this.#options;
    const settings = { paths: files, cwd: repositoryRoot, kernel, config: undefined };
    const limits = { accelerator: "auto", guests: "fork", timeoutMs, bootLimitMs } as const;
    return await prepare({ ...settings, ...limits, jobs, signal }, programs, progress);
  }
}

function ranOutOfTime({ verdict: { outcome } }: TestReport): boolean {
  return outcome.kind === "failed" && outcome.reason.startsWith(outOfTime);
}

type Built =
  | { readonly ok: true; readonly kernel: MutantKernel; readonly ms: number }
  | { readonly ok: false; readonly why: string; readonly ms: number };
