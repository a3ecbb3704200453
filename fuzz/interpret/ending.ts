// SPDX-License-Identifier: MIT
// The ways in which a program ends that does not return.

/** Thrown by the interpreter: the program panics with this message. Where, is known to whoever runs the statement. */
export class Panic {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Thrown by the interpreter: it goes no further. */
export class Stop {
  readonly why: "nested" | "timeout" | "overflow" | "resources" | "undecided";

  constructor(why: Stop["why"]) {
    this.why = why;
  }
}
