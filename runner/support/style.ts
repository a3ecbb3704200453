// SPDX-License-Identifier: MIT
// Colours, where the reader's terminal wants them: none under NO_COLOR, none in a pipe unless FORCE_COLOR asks.
import { styleText } from "node:util";

export function wantsColour(
  stream: { readonly isTTY?: boolean } = process.stdout,
  env = process.env,
): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== "0") return true;
  return stream.isTTY === true && env.TERM !== "dumb";
}

export type Style = "green" | "red" | "yellow" | "dim" | "bold" | "cyan";

/** Styles text for one destination, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

export function painter(colour: boolean): Paint {
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}

export function styled(
  style: Style,
  text: string,
  stream: { readonly isTTY?: boolean } = process.stdout,
): string {
  return wantsColour(stream) ? styleText(style, text, { validateStream: false }) : text;
}
