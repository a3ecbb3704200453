// SPDX-License-Identifier: MIT
// The reference interpreter: runs a program as the Rust reference says it runs, and so knows what it returns, what it leaves in its maps,
// and how it ends.
import type { Fn, HoldKind, Program, Stmt } from "../model/ast.ts";
import { packetOf } from "../model/packets.ts";
import { wrap } from "../model/types.ts";
import type { Bytes } from "./bytes.ts";
import { Effects, isEffect } from "./effects.ts";
import { Panic, Stop } from "./ending.ts";
import { Evaluator, known, type Variables } from "./evaluate.ts";
import type { Ending, Prediction, RunPrediction } from "./prediction.ts";
import { type Account, releasedAs, State } from "./state.ts";

/**
 * What becomes of a program that is run with each of the inputs, one after the other. Undefined when nothing can be said: it takes too many
 * steps, or whether its stack suffices is up to the compiler.
 */
export function predict(program: Program, inputs: readonly bigint[]): Prediction | undefined {
  const interpreter = new Interpreter(program);
  const runs: RunPrediction[] = [];
  for (const input of inputs) {
    const run = interpreter.run(input);
    if (run === undefined) return undefined;
    runs.push(run);
    // How far it got before is up to the compiler, too.
    if (run.kind === "overflow") return { runs };
  }
  return { runs, left: interpreter.state.left };
}

/** What a statement leads to. */
type Flow = "next" | "break" | "continue" | { readonly returns: bigint };

/** Of functions: what is surely used, and what is at most used where there is no array of the program's own. */
const frames = { body: 2_500, fn: 1_200, dive: 700 } as const;
const noisyKey = 7n;
/** Of a loop that calls itself, for each round. */
const roundBytes = 300;
/** Of an array, for what is held there. */
const heldBytes = 64;

export interface Frame {
  readonly variables: Variables;
  mixed: bigint;
}

class Interpreter {
  readonly state = new State();
  readonly #program: Program;
  readonly #evaluator: Evaluator;
  readonly #effects: Effects;
  /** What is being run: where a panic would be. */
  #spot: object;

  constructor(program: Program) {
    this.#program = program;
    this.#spot = program;
    this.#evaluator = new Evaluator({
      state: this.state,
      fn: (index, args) => this.#call(this.#fn(index), args),
      dive: (index, depth, argument) => this.#dive(this.#fn(index), depth, argument),
      op: (index) => {
        const op = program.ops[index];
        if (op === undefined) throw new Error(`there is no Op${index}`);
        return op;
      },
      at: (spot, run) => this.#at(spot, run),
    });
    this.#effects = new Effects(this.state, this.#evaluator);
  }

  run(input: bigint): RunPrediction | undefined {
    const { packet } = this.#program;
    this.state.begin(packet !== undefined ? [...packetOf(input, packet)].map(BigInt) : []);
    this.#spot = this.#program;
    const run = this.#end(input);
    if (run === undefined || run.kind === "overflow") return run;
    if (!this.state.fits) return undefined;
    return packet ? { ...run, packet: this.state.packet.bytes } : run;
  }

  #end(input: bigint): Ending | undefined {
    const frame: Frame = { variables: new Map([["input", input]]), mixed: 0n };
    try {
      const flow = this.state.withFrame(0, frames.body, () => this.#block(this.#program.body, frame));
      return { kind: "returns", value: typeof flow === "object" ? flow.returns : frame.mixed };
    } catch (thrown) {
      const { released } = this.state;
      if (thrown instanceof Panic)
        return { kind: "panics", message: thrown.message, spot: this.#spot, released };
      if (!(thrown instanceof Stop)) throw thrown;
      switch (thrown.why) {
        case "undecided":
          return undefined;
        case "overflow":
          return { kind: "overflow" };
        default:
          return { kind: thrown.why, released };
      }
    }
  }

  #fn(index: number): Fn {
    const fn = this.#program.fns[index];
    if (fn === undefined) throw new Error(`there is no fn${index}`);
    return fn;
  }

  #call(fn: Fn, args: readonly bigint[]): bigint {
    const frame: Frame = {
      variables: new Map(fn.params.map(({ name }, at) => [name, args[at] ?? 0n])),
      mixed: 0n,
    };
    return this.#at(fn, () =>
      this.state.withFrame(0, frames.fn, () => {
        const flow = this.#block(fn.body, frame);
        if (typeof flow === "object") return flow.returns;
        this.#spot = fn;
        const result = this.#evaluator.int(fn.result, frame.variables);
        return wrap(fn.type.int, result ^ wrap(fn.type.int, frame.mixed));
      }),
    );
  }

  #dive(fn: Fn, depth: number, x: bigint): bigint {
    const bytes = 8 * (fn.frameWords ?? 0);
    const frame: Frame = {
      variables: new Map([
        ["depth", BigInt(depth)],
        ["x", x],
      ]),
      mixed: x,
    };
    return this.#at(fn, () =>
      this.state.withFrame(bytes, bytes + frames.dive, () => {
        const flow = this.#block(fn.body, frame);
        if (typeof flow === "object") return flow.returns;
        this.#spot = fn;
        const below = depth === 0 ? 0n : this.#dive(fn, depth - 1, frame.mixed);
        frame.variables.set("below", below);
        return this.#evaluator.int(fn.result, frame.variables) ^ frame.mixed ^ x;
      }),
    );
  }

  #at<T>(spot: object, run: () => T): T {
    const before = this.#spot;
    this.#spot = spot;
    const result = run();
    this.#spot = before;
    return result;
  }

  #block(stmts: readonly Stmt[], frame: Frame): Flow {
    for (const stmt of stmts) {
      this.#spot = stmt;
      this.state.step();
      const flow = this.#stmt(stmt, frame);
      if (flow !== "next") return flow;
    }
    return "next";
  }

  #stmt(stmt: Stmt, frame: Frame): Flow {
    if (isEffect(stmt)) {
      this.#effects.run(stmt, frame);
      return "next";
    }
    const { variables } = frame;
    switch (stmt.kind) {
      case "if":
        return this.#block(this.#evaluator.bool(stmt.condition, variables) ? stmt.yes : stmt.no, frame);
      case "for": {
        const rounds = stmt.recursive ? Math.max(0, stmt.to - stmt.from) : 0;
        return this.state.withFrame(0, rounds * roundBytes, () => this.#for(stmt, frame));
      }
      case "while":
        return this.#while(stmt, frame);
      case "break":
      case "continue":
        return stmt.kind;
      case "return":
        return { returns: this.#evaluator.int(stmt.value, variables) };
      case "hold":
        return this.#hold(stmt, frame);
      case "noisy":
        return this.#noisy(stmt, frame);
      case "crowd":
        return this.#crowd(stmt, frame);
      case "lock":
        return this.#lock(stmt, frame);
      case "record":
        return this.#record(stmt, frame);
    }
  }

  #for(stmt: Extract<Stmt, { kind: "for" }>, frame: Frame): Flow {
    const count = Math.max(0, stmt.to - stmt.from);
    for (let round = 0; round < count; round += 1) {
      const at = stmt.reversed ? stmt.to - 1 - round : stmt.from + round;
      frame.variables.set(stmt.name, BigInt(at));
      const flow = this.#block(stmt.body, frame);
      if (flow === "break") break;
      if (typeof flow === "object") return flow;
    }
    return "next";
  }

  #while(stmt: Extract<Stmt, { kind: "while" }>, frame: Frame): Flow {
    for (let fuel = stmt.fuel; fuel > 0; fuel -= 1) {
      this.#spot = stmt;
      if (!this.#evaluator.bool(stmt.condition, frame.variables)) break;
      const flow = this.#block(stmt.body, frame);
      if (flow === "break") break;
      if (typeof flow === "object") return flow;
    }
    return "next";
  }

  #hold(stmt: Extract<Stmt, { kind: "hold" }>, frame: Frame): Flow {
    this.#acquire(stmt.what);
    const flow = this.#block(stmt.body, frame);
    this.state.held.pop();
    return flow;
  }

  #acquire(what: HoldKind): void {
    if (what === "record") this.state.reserve();
    else this.state.hold(releasedAs[what]);
  }

  #crowd({ what, count, body }: Extract<Stmt, { kind: "crowd" }>, frame: Frame): Flow {
    return this.state.withFrame(0, count * heldBytes, () => {
      for (let held = 0; held < count; held += 1) this.#acquire(what);
      const flow = this.#block(body, frame);
      this.state.held.splice(-count, count);
      return flow;
    });
  }

  #lock({ map, key, name, body }: Extract<Stmt, { kind: "lock" }>, frame: Frame): Flow {
    const at = this.#evaluator.int(key, frame.variables);
    const account = this.state.lock(map, at);
    if (account === undefined) return "next";
    frame.variables.set(name, account);
    const flow = this.#block(body, frame);
    this.state.unlock(map, at, known(frame.variables, name) as Account);
    return flow;
  }

  #record({ name, size, end, body }: Extract<Stmt, { kind: "record" }>, frame: Frame): Flow {
    const at = this.state.reserve();
    frame.variables.set(
      name,
      Array.from({ length: size }, () => 0n),
    );
    const flow = this.#block(body, frame);
    this.state.held.pop();
    if (flow === "next" && end === "submit") this.state.submit(at, known(frame.variables, name) as Bytes);
    return flow;
  }

  #noisy(stmt: Extract<Stmt, { kind: "noisy" }>, frame: Frame): Flow {
    const value = this.#evaluator.int(stmt.value, frame.variables);
    const flow = this.#block(stmt.body, frame);
    this.#spot = this.#program;
    if (value % 5n === 0n) throw new Panic(`dropped ${value}`);
    const before = this.state.get("array", noisyKey);
    this.state.set("array", noisyKey, wrap("u64", before * 31n + value));
    return flow;
  }
}
