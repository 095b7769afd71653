import { best, type Measured, POLICY_NAMES, shortfall } from "./measure.ts";
import type { SizedMeasured } from "./sized.ts";

/** One line a trace and size; the best of each line in bold. A Markdown table. */
export function hitRatioTable(measured: readonly Measured[]): string {
  const lines = measured.map((at) => {
    const most = best(at);
    const cells = POLICY_NAMES.map((name) => {
      const percent = at.hitPercent[name];
      return most > 0 && percent === most ? `**${percent.toFixed(2)}**` : percent.toFixed(2);
    });
    return row([at.trace, String(at.entriesMax), ...cells]);
  });
  return [row(["trace", "entries", ...POLICY_NAMES]), align(2), ...lines].join("\n");
}

/** One line a policy: how far it stays behind the best policy, and behind LRU. */
export function shortfallTable(measured: readonly Measured[]): string {
  const lines = POLICY_NAMES.map((name) => {
    const { mean, worst, belowLru } = shortfall(name, measured);
    return row([name, mean.toFixed(2), worst.toFixed(2), belowLru.toFixed(2)]);
  });
  const head = ["policy", "mean shortfall to the best", "worst shortfall", "most below LRU"];
  return [row(head), "|---|--:|--:|--:|", ...lines].join("\n");
}

/** LRU and hasten, both bounded by bytes. */
export function sizedTable(measured: readonly SizedMeasured[]): string {
  const lines = measured.map((at) =>
    row([
      at.trace,
      `${(at.share * 100).toFixed(1)} %`,
      at.lruPercent.toFixed(2),
      at.hastenPercent.toFixed(2),
    ]),
  );
  return [
    row(["trace", "bytes, of all keys'", "LRU", "hasten"]),
    "|---|--:|--:|--:|",
    ...lines,
  ].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function align(leading: number): string {
  const columns = [...Array(leading).fill("---"), ...POLICY_NAMES.map(() => "--:")];
  return `|${columns.join("|")}|`;
}
