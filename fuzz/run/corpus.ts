// SPDX-License-Identifier: MIT
// What campaigns keep. One folder for any number of campaigns of a target; `rex-test fuzz merge` makes one of several.
//
//   <corpus>/campaign-<seed>[-<i>of<n>][-<kernel>].json  how far a campaign has come, see state.ts
//   <corpus>/findings/<name>.spec.ts                     a test that fails by itself
//   <corpus>/inputs/<hash>.json                          an input that raised coverage or was a finding, see inputs.ts
//   <corpus>/refused/<hash>.rs                           a program that should compile and does not
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { publishFile } from "../../runner/support/cache.ts";
import { errnoOf, RexTestError } from "../../runner/support/errors.ts";
import { type CampaignState, freshState, type Shard } from "./state.ts";

export interface CampaignName {
  readonly target: string;
  readonly seed: number;
  readonly shard: Shard;
  /** The config of the kernel under test; "default" is not part of the name. */
  readonly config: string;
}

export class Corpus {
  readonly folder: string;
  readonly state: CampaignState;
  readonly #file: string;

  private constructor(folder: string, file: string, state: CampaignState) {
    this.folder = folder;
    this.#file = file;
    this.state = state;
  }

  /** Goes on where a campaign of the same name stopped. */
  static async open(folder: string, name: CampaignName, kernel: string): Promise<Corpus> {
    await mkdir(join(folder, "findings"), { recursive: true });
    const file = join(folder, stateFileOf(name));
    const { target, seed, shard } = name;
    const state = (await readState(file)) ?? freshState({ target, seed, shard, kernel });
    if (state.target === target) return new Corpus(folder, file, state);
    throw new RexTestError(`the corpus is of another target, ${state.target}`, {
      where: file,
      hint: "--corpus <another folder>",
    });
  }

  pathOf(file: string): string {
    return join(this.folder, file);
  }

  /** Inputs that are kept. */
  get kept(): number {
    return 0;
  }

  /** In one step: whoever is killed meanwhile leaves the old one. */
  async save(): Promise<void> {
    await publishFile(this.#file, `${JSON.stringify(this.state, null, 1)}\n`);
  }

  /** Returns the spec's path, relative to the corpus. */
  async keepFinding(key: string, make: (path: string) => string): Promise<string> {
    const file = join("findings", `${fileNameOf(key)}.spec.ts`);
    const path = join(this.folder, file);
    await publishFile(path, make(path));
    return file;
  }

  async keepRefused(source: string, rendered: string): Promise<string> {
    const text = `${source}\n/*\n${rendered.replaceAll("*/", "* /")}\n*/\n`;
    return await publishFile(join(this.folder, "refused", `${shortHash(source)}.rs`), text);
  }
}

/** undefined when there is none. */
export async function readState(file: string): Promise<CampaignState | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const hint = "--corpus <another folder>, or another --seed";
  let state: Partial<CampaignState>;
  try {
    state = JSON.parse(text) as Partial<CampaignState>;
  } catch (cause) {
    throw new RexTestError("the state of a campaign is not JSON", { where: file, hint, cause });
  }
  if (state.version === 2) return state as CampaignState;
  throw new RexTestError("the campaign is of another version of rex-test", { where: file, hint });
}

export function stateFileOf({ seed, shard, config }: CampaignName): string {
  const part = shard.count === 1 ? "" : `-${shard.index}of${shard.count}`;
  const kernel = config === "default" ? "" : `-${config.replaceAll(/[^a-z0-9_-]+/gi, "+")}`;
  return `campaign-${seed}${part}${kernel}.json`;
}

function fileNameOf(key: string): string {
  const words = key
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 60)
    .replace(/^-|-$/g, "");
  return `${words}-${shortHash(key)}`;
}

export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
