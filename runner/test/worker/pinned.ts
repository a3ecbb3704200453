// SPDX-License-Identifier: MIT
// `t.guest.pinned`: what has a name in the guest's BPF file system, whoever gave it that name. What a test opens is let go of at its
// end, what it pins is not unpinned.
import type { Codec } from "./codecs.ts";
import type { GuestApi } from "./guest-api.ts";
import type { GuestCalls } from "./guest-calls.ts";
import { RexMap } from "./map.ts";
import { Link, Program } from "./program.ts";

/** Where the guest's BPF file system is. */
export const bpfFolder = "/sys/fs/bpf";

export class PinnedApi {
  readonly #calls: GuestCalls;
  readonly #guest: GuestApi;

  constructor(calls: GuestCalls, guest: GuestApi) {
    this.#calls = calls;
    this.#guest = guest;
  }

  /** Opens a program. It has no maps to ask for: pin those, too. `unload()` lets go of it, and unpins nothing. */
  async program(path: string): Promise<Program> {
    const loaded = await this.#calls.call("pinnedProgram", { path });
    const program = new Program(this.#calls, this.#guest, path, loaded);
    this.#guest.hold(() => program.unload());
    return program;
  }

  /** Opens a map. */
  async map<K, V>(
    path: string,
    codecs: { readonly key: Codec<K>; readonly value: Codec<V> },
  ): Promise<RexMap<K, V>> {
    const { object, maps } = await this.#calls.call("pinnedMap", { path });
    this.#guest.hold(async () => {
      await this.#calls.call("unload", { object });
    });
    const [info] = maps;
    if (info === undefined) throw new Error(`the agent gave no map for ${path}`);
    return new RexMap(this.#calls, info, codecs.key, codecs.value);
  }

  /** Opens a link. `detach()` lets go of it; it stays attached while it is pinned. */
  async link(path: string): Promise<Link> {
    const link = new Link(this.#calls, await this.#calls.call("pinnedLink", { path }));
    this.#guest.hold(() => link.detach());
    return link;
  }

  /** Removes a name. What nothing else holds is then freed. */
  async remove(path: string): Promise<void> {
    await this.#calls.call("unpin", { path });
  }
}
