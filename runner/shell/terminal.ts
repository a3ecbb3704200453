// SPDX-License-Identifier: MIT
// A person's terminal and the guest's serial console, connected. Every key goes to the guest, Ctrl-C too; only Ctrl-] stays here.
import type { Duplex } from "node:stream";

/** Ctrl-], as telnet has it: for a guest that does not answer any more. */
const escapeKey = 0x1d;
const endOfInput = Buffer.from([0x04]);

export interface Connection extends Disposable {
  /** Settles when the person wants out. */
  readonly escaped: Promise<void>;
}

/** What the guest says when somebody listens to its terminal: keys before that would be lost, and lines before it are the set-up's. */
export const readyMark = "[[rex-test shell]]";

export function connectTerminal(
  console: Duplex,
  input: NodeJS.ReadStream,
  output: NodeJS.WritableStream,
): Connection {
  const { promise: escaped, resolve } = Promise.withResolvers<void>();
  const wasRaw = input.isTTY && input.isRaw;
  const onKeys = (keys: Buffer) => {
    if (input.isTTY && keys.includes(escapeKey)) resolve();
    else console.write(keys);
  };
  // Of a file or a pipe: what Ctrl-D is on a terminal.
  const onEnd = () => void console.write(endOfInput);
  const listen = () => input.on("data", onKeys).once("end", onEnd);
  const stop = forwardFromMark(console, output, listen);
  if (input.isTTY) input.setRawMode(true);
  return {
    escaped,
    [Symbol.dispose]() {
      stop();
      input.off("data", onKeys).off("end", onEnd).pause();
      if (input.isTTY) input.setRawMode(wasRaw);
      // A terminal that nobody reads must not keep the process alive.
      input.unref?.();
    },
  };
}

/** Passes on what comes behind the mark's line; `onMark` is called when it is seen. */
function forwardFromMark(console: Duplex, output: NodeJS.WritableStream, onMark: () => void): () => void {
  let before: string | undefined = "";
  const onOutput = (bytes: Buffer) => {
    if (before === undefined) {
      output.write(bytes);
      return;
    }
    before += bytes.toString("latin1");
    const at = before.indexOf(`${readyMark}\r\n`);
    if (at < 0) return;
    const rest = Buffer.from(before.slice(at + readyMark.length + 2), "latin1");
    before = undefined;
    if (rest.length > 0) output.write(rest);
    onMark();
  };
  console.on("data", onOutput);
  return () => console.off("data", onOutput);
}
