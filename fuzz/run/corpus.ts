// SPDX-License-Identifier: MIT
// What campaigns keep. One folder for any number of campaigns of a target; `rex-test fuzz merge` makes one of several.
//
//   <corpus>/campaign-<seed>[-<i>of<n>][-<kernel>].json  how far a campaign has come, see state.ts
//   <corpus>/findings/<name>.spec.ts                     a test that fails by itself
//   <corpus>/inputs/<hash>.json                          an input that raised coverage or was a finding, see inputs.ts
//   <corpus>/refused/<hash>.rs                           a program that should compile and does not
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { publishFile } from "../../runner/support/cache.ts";
import { errnoOf, RexTestError } from "../../runner/support/errors.ts";
import { shortHash } from "./hash.ts";
import { KeptInputs } from "./inputs.ts";
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
  readonly inputs: KeptInputs;
  readonly #file: string;

  private constructor(folder: string, file: string, state: CampaignState, inputs: KeptInputs) {
    this.folder = folder;
    this.inputs = inputs;
    this.#file = file;
    this.state = state;
  }

  /** Goes on where a campaign of the same name stopped. */
  static async open(folder: string, name: CampaignName, kernel: string): Promise<Corpus> {
    await mkdir(join(folder, "findings"), { recursive: true });
    const file = join(folder, stateFileOf(name));
    const { target, seed, shard } = name;
    const state = (await readState(file)) ?? freshState({ target, seed, shard, kernel });
    if (state.target === target) return new Corpus(folder, file, state, await KeptInputs.open(folder));
    throw new RexTestError(`the corpus is of another target, ${state.target}`, {
      where: file,
      hint: "--corpus <another folder>",
    });
  }

  pathOf(file: string): string {
    return join(this.folder, file);
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

  /** What can't be brought about again, with all that was seen of it. Returns the file's path. */
  async keepUnconfirmed(key: string, detail: string): Promise<string> {
    const name = `${fileNameOf(key)}-${shortHash(detail)}.txt`;
    return await publishFile(join(this.folder, "unconfirmed", name), `${key}\n\n${detail}\n`);
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

/** Of all campaigns in a corpus, by the names of their files. */
export async function readStates(folder: string): Promise<Map<string, CampaignState>> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new RexTestError("there is no such corpus", { where: folder, cause });
  });
  const states = new Map<string, CampaignState>();
  for (const name of names.filter((file) => /^campaign-.*\.json$/.test(file)).sort()) {
    const state = await readState(join(folder, name));
    if (state !== undefined) states.set(name, state);
  }
  return states;
}

/** The corpora in a folder: itself, if it is one, else those right below it. */
export async function corporaIn(folder: string): Promise<string[]> {
  if ((await readStates(folder)).size > 0) return [folder];
  const found: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const path of entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name)))
    if ((await readStates(path)).size > 0) found.push(path);
  if (found.length > 0) return found.sort();
  throw new RexTestError("there is no campaign in this folder", {
    where: folder,
    hint: "name one that --corpus of `rex-test fuzz` named, or a folder with such folders in it",
  });
}

export function stateFileOf({ seed, shard, config }: CampaignName): string {
  const part = shard.count === 1 ? "" : `-${shard.index}of${shard.count}`;
  const kernel = config === "default" ? "" : `-${config.replaceAll(/[^a-z0-9_.-]+/gi, "+")}`;
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
