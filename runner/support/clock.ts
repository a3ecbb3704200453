// SPDX-License-Identifier: MIT

/** ms since the epoch, on a clock that is never set back: stamps of all threads of a process can be compared. */
export function timestamp(): number {
  return Math.round(performance.timeOrigin + performance.now());
}
