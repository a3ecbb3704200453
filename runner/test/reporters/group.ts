// SPDX-License-Identifier: MIT
// Several reporters as one. Whatever goes wrong with one of them is kept from the others, and told when all have had their say.
import { messageOf } from "../../support/errors.ts";
import type { Reporter } from "./reporter.ts";

export interface NamedReporter {
  readonly name: string;
  readonly reporter: Reporter;
}

export interface ReporterTrouble {
  readonly name: string;
  readonly error: unknown;
}

type Hook = Exclude<keyof Reporter, "onEnd">;

export class ReporterGroup implements Required<Reporter> {
  readonly #members: Set<NamedReporter>;
  readonly #troubles: ReporterTrouble[] = [];

  constructor(members: readonly NamedReporter[]) {
    this.#members = new Set(members);
  }

  /** Of the reporters that failed and were told nothing more. */
  get troubles(): readonly ReporterTrouble[] {
    return this.#troubles;
  }

  readonly onStart = this.#toAll("onStart");
  readonly onActivity = this.#toAll("onActivity");
  readonly onNotice = this.#toAll("onNotice");
  readonly onConsole = this.#toAll("onConsole");
  readonly onTest = this.#toAll("onTest");
  readonly onIgnored = this.#toAll("onIgnored");
  readonly onBrokenFile = this.#toAll("onBrokenFile");
  readonly onFatal = this.#toAll("onFatal");

  /** They end one after the other. */
  async onEnd(...args: Parameters<Required<Reporter>["onEnd"]>): Promise<void> {
    for (const member of [...this.#members]) {
      try {
        await member.reporter.onEnd?.(...args);
      } catch (error) {
        this.#drop(member, error);
      }
    }
  }

  #toAll<H extends Hook>(hook: H): Required<Reporter>[H] {
    const tell = (argument: never) => {
      for (const member of [...this.#members]) {
        try {
          const method: ((argument: never) => void) | undefined = member.reporter[hook];
          method?.call(member.reporter, argument);
        } catch (error) {
          this.#drop(member, error);
        }
      }
    };
    return tell as Required<Reporter>[H];
  }

  #drop(member: NamedReporter, error: unknown): void {
    this.#members.delete(member);
    this.#troubles.push({ name: member.name, error });
  }
}

export function troubleText({ name, error }: ReporterTrouble): string {
  return `the ${name} reporter failed: ${messageOf(error)}`;
}
