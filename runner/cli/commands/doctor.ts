// SPDX-License-Identifier: MIT
// `rex-test doctor`: what this machine needs, what it has, and with --fix what it lacks gets installed.
import { Command } from "commander";
import { fix } from "../../doctor/fix.ts";
import { type Distribution, findDistribution } from "../../doctor/machine.ts";
import { wanted } from "../../doctor/plan.ts";
import { type Finding, probeAll } from "../../doctor/probe.ts";
import { packagesOf, requirements } from "../../doctor/requirements.ts";
import { exitCodes, RexTestError } from "../../support/errors.ts";
import { formatTable, plural } from "../../support/format.ts";
import { interruption } from "../../support/interruption.ts";
import { Progress } from "../../support/progress.ts";
import { styled } from "../../support/style.ts";

interface DoctorOptions {
  readonly fix?: boolean;
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly withoutTests?: boolean;
  readonly onlyNeeded?: boolean;
}

export const command = new Command("doctor")
  .description("list what this machine needs, with its state and version")
  .option("--fix", "install what is missing, saying first what that is")
  .option("--dry-run", "with --fix: only say what would be done")
  .option("--quiet", "say nothing when nothing is missing")
  .option("--json", "the list as JSON")
  .option("--without-tests", "leave out what only `npm test` needs")
  .option("--only-needed", "leave out what only the checks and tests of rex-test itself need")
  .action(doctor);

async function doctor(options: DoctorOptions): Promise<void> {
  const asked = requirements.filter(({ level }) => {
    if (options.onlyNeeded) return level === "needed";
    return level !== "test" || !options.withoutTests;
  });
  const distribution = await findDistribution();
  let findings = await probeAll(asked, interruption);
  if (options.fix && findings.some((finding) => wanted(finding) && isPackaged(finding, distribution))) {
    using progress = new Progress();
    const say = (line: string) => progress.note(line);
    const fixed = await fix(findings, {
      distribution,
      progress,
      signal: interruption,
      dryRun: options.dryRun === true,
      say,
    });
    if (!fixed) return;
    findings = await probeAll(asked, interruption);
  }
  const lacking = findings.filter((finding) => wanted(finding) && finding.requirement.level === "needed");
  if (options.json) console.log(JSON.stringify(findings.map(asRecord), null, 2));
  else if (!options.quiet || lacking.length > 0) console.log(render(findings));
  if (lacking.length === 0) return;
  if (options.fix) {
    throw new RexTestError(
      `still missing after the installation: ${lacking.map((finding) => finding.requirement.id).join(", ")}`,
      {
        hint: "the log of the installation is in the cache, logs/doctor.log",
      },
    );
  }
  process.exitCode = exitCodes.infrastructure;
}

/** What only tests want and no package brings is no reason to ask apt, each time anew. */
function isPackaged({ requirement }: Finding, distribution: Distribution): boolean {
  return requirement.level !== "test" || packagesOf(requirement, distribution).length > 0;
}

function render(findings: readonly Finding[]): string {
  const rows = findings.map((finding) => {
    const { requirement, state } = finding;
    const version = state.kind === "missing" ? "" : state.version;
    return [word(finding), requirement.id, version, requirement.purpose, remark(finding)];
  });
  const table = formatTable(rows).replace(/^(ok|missing|too old|absent)/gm, (state) =>
    styled(colours[state] ?? "dim", state),
  );
  const lacking = findings.filter(
    (finding) => wanted(finding) && finding.requirement.level === "needed",
  ).length;
  const verdict =
    lacking === 0
      ? styled("green", "ready")
      : styled("red", `${plural(lacking, "requirement")} missing: rex-test doctor --fix`);
  return `${table}\n\n${verdict}`;
}

const colours: Readonly<Record<string, "green" | "red" | "dim">> = {
  ok: "green",
  missing: "red",
  "too old": "red",
  absent: "dim",
};

function word({ requirement, state }: Finding): string {
  if (state.kind === "present") return "ok";
  if (state.kind === "tooOld") return "too old";
  return requirement.level === "optional" ? "absent" : "missing";
}

function remark({ requirement, state }: Finding): string {
  if (state.kind === "tooOld") return `needs ${state.minimum}`;
  if (state.kind === "missing") return requirement.level === "needed" ? "" : requirement.level;
  return state.note ?? "";
}

function asRecord({ requirement, state }: Finding): Record<string, unknown> {
  return { id: requirement.id, purpose: requirement.purpose, level: requirement.level, ...state };
}
