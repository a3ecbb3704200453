// SPDX-License-Identifier: MIT
// Statements without a body as Rust, each on one line.
import type { Stmt } from "./ast.ts";
import { exprText, headerText, sourceText } from "./print-expr.ts";
import { typeText } from "./types.ts";

/** What has no body. */
type SimpleStmt = Exclude<
  Stmt,
  { kind: "if" | "for" | "while" | "hold" | "crowd" | "lock" | "record" | "noisy" }
>;

export function simpleText(stmt: SimpleStmt): string {
  switch (stmt.kind) {
    case "let":
      return `let ${stmt.mutable ? "mut " : ""}${stmt.name}: ${typeText(stmt.type)} = ${exprText(stmt.init)};`;
    case "assign":
      return `${stmt.name} = ${exprText(stmt.value)};`;
    case "compound":
      return `${stmt.name} ${stmt.op}= ${exprText(stmt.value)};`;
    case "assignIndex":
      return `${stmt.array}[${exprText(stmt.index)} as usize] = ${exprText(stmt.value)};`;
    case "assignField":
      return `${stmt.value}.f${stmt.field} = ${exprText(stmt.to)};`;
    case "mix":
      return mixed(`(${exprText(stmt.value)} as u64)`);
    case "break":
    case "continue":
      return `${stmt.kind};`;
    case "return":
      return `return ${exprText(stmt.value)};`;
    case "mapSet":
      return `${stmt.map}_set(P, ${exprText(stmt.key)}, ${exprText(stmt.value)});`;
    case "mapDelete":
      return `hash_delete(P, ${exprText(stmt.key)});`;
    case "mapAdd":
      return `array_add(P, ${exprText(stmt.key)}, ${exprText(stmt.value)});`;
    case "lockedSet":
      return `${stmt.name}.total = ${exprText(stmt.value)}; ${stmt.name}.count = ${stmt.name}.count.wrapping_add(1);`;
    case "vaultSet":
      return mixed(`vault_set(P, ${exprText(stmt.key)}, ${exprText(stmt.value)})`);
    case "vaultDelete":
      return mixed(`vault_delete(P, ${exprText(stmt.key)})`);
    case "byteSet": {
      const { source, index, value } = stmt;
      return `{ let at = (${exprText(index)}) as usize; let value: u8 = ${exprText(value)}; ${sourceText(source)}[at] = value; }`;
    }
    case "byteFill": {
      const { source, from, to, value } = stmt;
      const range = `let from = (${exprText(from)}) as usize; let to = (${exprText(to)}) as usize;`;
      return `{ ${range} let value: u8 = ${exprText(value)}; ${sourceText(source)}[from..to].fill(value); }`;
    }
    case "convertSet": {
      const { source, from, type, value } = stmt;
      const parts = `let at = (${exprText(from)}) as usize; let value: ${type.int} = ${exprText(value)};`;
      return `{ ${parts} *convert_slice_to_struct_mut::<${type.int}>(&mut ${sourceText(source)}[at..]) = value; }`;
    }
    case "output":
      return `output_record(P, [${stmt.bytes.map(exprText).join(", ")}]);`;
    case "headerSet": {
      const { header, field, type, value } = stmt;
      return `{ let value: ${type.int} = ${exprText(value)}; ${headerText(header)}.${field} = value; }`;
    }
    case "adjust":
      return `{ let by: i32 = ${exprText(stmt.by)}; ${mixed(`adjust_${stmt.end}(hook, ctx, by)`)} }`;
    case "checksum":
      return "{ let ip = hook.ip_header(ctx); ip.check = compute_ip_checksum(ip); }";
    case "panic":
      return `panic!("${[stmt.message, ...stmt.args.map(() => "{}")].join(" ")}"${stmt.args.map((arg) => `, ${exprText(arg)}`).join("")});`;
    case "bomb":
      return `bomb(${exprText(stmt.value)});`;
    case "spin":
      return `spin_${stmt.how}(P);`;
  }
}

function mixed(text: string): string {
  return `acc = acc.rotate_left(7) ^ ${text};`;
}
