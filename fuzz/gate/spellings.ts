// SPDX-License-Identifier: MIT
// Other ways to write the words that are looked for. Some mean the same to the compiler, some nothing at all.
import type { Piece } from "./piece.ts";

export interface Spelling {
  readonly name: string;
  spell(text: string): string;
}

const words =
  /\b(?:unsafe|asm|naked|naked_asm|global_asm|link_section|no_mangle|export_name|link_name|forget|ManuallyDrop|MaybeUninit|TypeId|extern|static|transmute)\b/g;

const behind = (name: string, text: string): Spelling => ({
  name: `${name} behind a word`,
  spell: (code) => code.replaceAll(words, (word) => `${word}${text}`),
});

const lookAlike = (name: string, from: string, to: string): Spelling => ({
  name,
  spell: (code) => code.replaceAll(words, (word) => word.replace(from, to)),
});

const attribute = /#\[(unsafe\([^\]]*?\))\]/g;

export const spellings: readonly Spelling[] = [
  behind("a comment", "/**/"),
  behind("a nested comment", '/*/*"*/*/'),
  behind("a comment to the end of the line", '//"\n'),
  behind("a new line", "\n"),
  behind("a carriage return", "\r\n"),
  behind("a form feed", "\f"),
  behind("a vertical tab", "\v"),
  behind("NEL", "\u0085"),
  behind("LRM", "\u200e"),
  behind("RLM", "\u200f"),
  behind("LS", "\u2028"),
  behind("PS", "\u2029"),
  behind("a zero-width joiner", "\u200d"),
  behind("a combining mark", "\u0301"),
  lookAlike("a Cyrillic a", "a", "\u0430"),
  lookAlike("a fullwidth e", "e", "\uff45"),
  lookAlike("a Kelvin sign", "k", "\u212a"),
  lookAlike("a soft hyphen", "n", "n\u00ad"),
  lookAlike("an escape", "a", "\\u{61}"),
  {
    name: "raw words",
    spell: (code) =>
      code.replaceAll(words, (word) => (word === "extern" || word === "static" ? word : `r#${word}`)),
  },
  {
    name: "attributes on a condition",
    spell: (code) => code.replaceAll(attribute, "#[cfg_attr(all(), $1)]"),
  },
  {
    name: "attributes on two conditions",
    spell: (code) => code.replaceAll(attribute, "#[cfg_attr(not(clippy), cfg_attr(not(test), $1))]"),
  },
  {
    name: "attributes of older editions",
    spell: (code) => code.replaceAll(/#\[unsafe\(([^\]]*?)\)\]/g, "#[$1]"),
  },
  {
    name: "core from the root",
    spell: (code) => code.replaceAll(/(?<![\w:])core::/g, "::core::"),
  },
];

/** The piece with its code written so. */
export function spelled({ attributes, items, value }: Piece, spelling: Spelling): Piece {
  return { attributes, items: spelling.spell(items), value: spelling.spell(value) };
}
