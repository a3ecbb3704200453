// SPDX-License-Identifier: MIT
// Whether a panic says what was predicted. Which of the things wrong with a range is told has changed between versions of Rust.

const ofRanges = [
  /^range start index \d+ out of range for slice of length \d+$/,
  /^range end index \d+ out of range for slice of length \d+$/,
  /^slice index starts at \d+ but ends at \d+$/,
];

export function sameMessage(wanted: string, got: string | undefined): boolean {
  if (got === undefined) return false;
  return wanted === got || (isOfRange(wanted) && isOfRange(got));
}

function isOfRange(message: string): boolean {
  return ofRanges.some((pattern) => pattern.test(message));
}
