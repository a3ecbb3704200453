// SPDX-License-Identifier: MIT
// Statements that have no other statements in them, and after which the next one follows if they do not end the program.
import type { ByteSource, Stmt } from "../model/ast.ts";
import { fieldOf } from "../model/headers.ts";
import { type IntName, wrap } from "../model/types.ts";
import { type Bytes, bytesOf, checkRange, convertBack, headerAt, replaced, withChecksum } from "./bytes.ts";
import { Panic, Stop } from "./ending.ts";
import { asUsize, checkIndex, type Evaluator, known, type Value, type Variables } from "./evaluate.ts";
import { arithmetic } from "./integers.ts";
import { type Account, changed, type State } from "./state.ts";

const others = [
  "if",
  "for",
  "while",
  "break",
  "continue",
  "return",
  "hold",
  "crowd",
  "lock",
  "record",
  "noisy",
] as const;
type Effect = Exclude<Stmt, { kind: (typeof others)[number] }>;

export function isEffect(stmt: Stmt): stmt is Effect {
  return !(others as readonly string[]).includes(stmt.kind);
}

/** What a function has: its variables, and what was mixed so far. */
interface Frame {
  readonly variables: Variables;
  mixed: bigint;
}

export class Effects {
  readonly #state: State;
  readonly #evaluator: Evaluator;

  constructor(state: State, evaluator: Evaluator) {
    this.#state = state;
    this.#evaluator = evaluator;
  }

  run(stmt: Effect, frame: Frame): void {
    const { variables } = frame;
    const [state, evaluator] = [this.#state, this.#evaluator];
    switch (stmt.kind) {
      case "let":
        variables.set(stmt.name, evaluator.value(stmt.init, variables));
        break;
      case "assign":
        variables.set(stmt.name, evaluator.value(stmt.value, variables));
        break;
      case "mix":
        mix(frame, BigInt(evaluator.value(stmt.value, variables) as bigint | boolean));
        break;
      case "compound": {
        const by = evaluator.int(stmt.value, variables);
        const before = known(variables, stmt.name) as bigint;
        variables.set(stmt.name, arithmetic(stmt.op, "panic", stmt.type.int, before, by));
        break;
      }
      case "assignIndex": {
        const value = evaluator.int(stmt.value, variables);
        const index = asUsize(evaluator.int(stmt.index, variables));
        setItem(stmt.array, checkIndex(stmt.of.length, index), value, variables);
        break;
      }
      case "assignField":
        setItem(stmt.value, stmt.field, evaluator.int(stmt.to, variables), variables);
        break;
      case "byteSet":
      case "byteFill":
      case "convertSet":
        this.#changeBytes(stmt, variables);
        break;
      case "headerSet":
      case "adjust":
      case "checksum":
        this.#changePacket(stmt, frame);
        break;
      case "mapSet": {
        const key = evaluator.int(stmt.key, variables);
        state.set(stmt.map, key, evaluator.int(stmt.value, variables));
        break;
      }
      case "mapDelete":
        state.delete(evaluator.int(stmt.key, variables));
        break;
      case "mapAdd": {
        const key = evaluator.int(stmt.key, variables);
        const by = evaluator.int(stmt.value, variables);
        state.set("array", key, wrap("u64", state.get("array", key) + by));
        break;
      }
      case "vaultSet": {
        const key = evaluator.int(stmt.key, variables);
        mix(frame, state.vaultSet(key, evaluator.int(stmt.value, variables)));
        break;
      }
      case "vaultDelete":
        mix(frame, state.vaultDelete(evaluator.int(stmt.key, variables)));
        break;
      case "lockedSet": {
        const total = evaluator.int(stmt.value, variables);
        variables.set(stmt.name, changed(known(variables, stmt.name) as Account, total));
        break;
      }
      case "output":
        state.output(stmt.bytes.map((byte) => evaluator.int(byte, variables)));
        break;
      case "panic": {
        const args = stmt.args.map((arg) => evaluator.value(arg, variables));
        throw new Panic([stmt.message, ...args.map(String)].join(" "));
      }
      case "bomb":
        evaluator.int(stmt.value, variables);
        throw new Stop("nested");
      case "spin":
        throw new Stop("timeout");
    }
  }

  #changeBytes(
    stmt: Extract<Stmt, { kind: "byteSet" | "byteFill" | "convertSet" }>,
    variables: Variables,
  ): void {
    const usize = (of: Extract<Stmt, { kind: "byteFill" }>["from"]) =>
      asUsize(this.#evaluator.int(of, variables));
    const { source } = stmt;
    const at = usize(stmt.kind === "byteSet" ? stmt.index : stmt.from);
    const to = stmt.kind === "byteFill" ? usize(stmt.to) : 0n;
    const value = this.#evaluator.int(stmt.value, variables);
    const bytes = this.#evaluator.bytes(source, variables);
    switch (stmt.kind) {
      case "byteSet":
        this.#set(source, replaced(bytes, checkIndex(bytes.length, at), [value]), variables);
        break;
      case "byteFill": {
        checkRange(bytes.length, at, to);
        const filled = Array.from({ length: Number(to - at) }, () => value);
        this.#set(source, replaced(bytes, Number(at), filled), variables);
        break;
      }
      case "convertSet":
        this.#set(source, convertBack(bytes, at, stmt.type.int as IntName, value), variables);
        break;
    }
  }

  #set(source: ByteSource, bytes: Bytes, variables: Variables): void {
    if (source.kind === "packet") this.#state.packet.bytes = bytes;
    else variables.set(source.name, bytes);
  }

  #changePacket(stmt: Extract<Stmt, { kind: "headerSet" | "adjust" | "checksum" }>, frame: Frame): void {
    const { packet } = this.#state;
    switch (stmt.kind) {
      case "headerSet": {
        const value = this.#evaluator.int(stmt.value, frame.variables);
        const offset = fieldOf(stmt.header, stmt.field)?.offset ?? 0;
        const at = headerAt(packet.bytes, stmt.header) + offset;
        packet.bytes = replaced(packet.bytes, at, bytesOf(stmt.type.int, value));
        break;
      }
      case "adjust": {
        const by = this.#evaluator.int(stmt.by, frame.variables);
        mix(frame, stmt.end === "head" ? packet.adjustHead(by) : packet.adjustTail(by));
        break;
      }
      case "checksum":
        packet.bytes = withChecksum(packet.bytes);
        break;
    }
  }
}

function setItem(name: string, at: number, value: bigint, variables: Variables): void {
  const items: Value = known(variables, name);
  // Values are copied when they change: others may have the old one.
  variables.set(name, replaced(items as readonly bigint[], at, [value]));
}

function mix(frame: Frame, value: bigint): void {
  frame.mixed = rotateLeft7(frame.mixed) ^ wrap("u64", value);
}

function rotateLeft7(value: bigint): bigint {
  return wrap("u64", value << 7n) | (value >> 57n);
}
