// SPDX-License-Identifier: MIT
// Further arguments come from a workflow as one text. It is split as a shell would, and never given to one.
import { RexTestError } from "../support/errors.ts";

/** Words between blanks; quotes keep blanks together, and `\` the next character as it is. Nothing is expanded. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "\\" && quote !== "'" && at + 1 < text.length) {
      at += 1;
      word = (word ?? "") + text.charAt(at);
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== "") throw new RexTestError(`a quote (${quote}) is not closed`, { where: text });
  return word === undefined ? words : [...words, word];
}
