import { formatShare, oneLine, plural } from "./format.ts";
import type { Report, WorkloadReport } from "./types.ts";

/** How the advice came to be, and every note of the parts. */
export function methodOf(report: Report): readonly string[] {
  const { indexes, workload, notes } = report;
  return [
    ...(indexes === undefined ? [] : [considered(indexes)]),
    ...(workload.source === "none" ? [] : [workloadText(workload)]),
    ...[...(indexes?.notes ?? []), ...workload.notes, ...notes].map(oneLine),
  ];
}

function considered({
  considered: seen,
  calibration,
  uncovered,
}: NonNullable<Report["indexes"]>): string {
  const counted = `${plural(seen.candidates, "candidate")} for ${plural(seen.statements, "statement")} were compared in ${plural(seen.plans, "plan")}.`;
  const compared =
    calibration.compared === 0
      ? " No cost could be compared with the server's own."
      : ` The model's costs are within 10 % of the server's own for ${calibration.within10Percent} of ${calibration.compared} statements compared.`;
  const left =
    uncovered.length === 0
      ? ""
      : ` For ${plural(uncovered.length, "statement")} nothing could be proven.`;
  return counted + compared + left;
}

function workloadText({ statements, shareSeen, unreadable }: WorkloadReport): string {
  const hidden = unreadable === 0 ? "" : `; ${plural(unreadable, "statement")} could not be read`;
  return `${plural(statements.length, "statement")}, ${formatShare(shareSeen)} of the workload's time${hidden}.`;
}
