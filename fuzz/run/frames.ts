// SPDX-License-Identifier: MIT
// The functions in which a splat came about: those that findings with the same title are told apart by.

const framesAtMost = 3;
/** "[    1.2]  rex_load+0x12/0x340", "RIP: 0010:rex_load+0x12/0x340"; a "?" before it is a guess of the unwinder's. */
const frame = /^(?:.*\bRIP: [0-9a-f]+:|[\s[\]\d.TC@]*)([A-Za-z_][\w.]*)\+0x[0-9a-f]+\/0x[0-9a-f]+/;
/** How the kernel comes to complain, not about what; and names that are different in each guest. */
const noise =
  /^(?:dump_stack|show_|print_|report_|panic$|die|oops_|__?warn|exc_|asm_|do_error_trap|handle_bug|kasan_|__asan_|check_|kfence_|__die|page_fault|bad_area|no_context|__schedule_bug|lockdep_|debug_)/;

export function topFrames(lines: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const line of lines) {
    const name = frame.exec(line)?.[1]?.replace(/\.(?:isra|part|constprop|cold|llvm).*$/, "");
    if (name === undefined || noise.test(name) || found.at(-1) === name) continue;
    if (/\d{3,}/.test(name)) continue;
    found.push(name);
    if (found.length === framesAtMost) break;
  }
  return found;
}
