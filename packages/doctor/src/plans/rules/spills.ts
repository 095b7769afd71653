import type { Fix } from "../../finding.ts";
import { numberOf, tableOf } from "../fields.ts";
import type { Plan, PlanNode, PlanRule, RuleHit } from "../types.ts";
import { sortIndex } from "./columns.ts";
import { gravityOf, kilobytes, spoken, withWorkers } from "./shape.ts";

/** Memory beyond this for one sort or hash is no advice to give: many may run at once. */
const MEMORY_MAX_MB = 256;
/** A sort in memory needs more than its tapes on disk, by experience two to three times. */
const SORT_MEMORY_FACTOR = 3;
/** Blocks of 8 kB. */
const TEMP_BLOCKS_MIN = 1_000;
const STORAGE_KB_MIN = 8_000;

export const diskSort: PlanRule = {
  id: "plan/disk-sort",
  number: 7,
  needs: "analyzed",
  find: diskSorts,
};

export const hashBatches: PlanRule = {
  id: "plan/hash-batches",
  number: 9,
  needs: "analyzed",
  find: batchedHashes,
};

export const hashAggregateSpill: PlanRule = {
  id: "plan/hash-aggregate-spill",
  number: 10,
  needs: "analyzed",
  find: spilledAggregates,
};

export const temporaryIo: PlanRule = {
  id: "plan/temporary-io",
  number: 11,
  needs: "analyzed",
  find: temporaryFiles,
};

function diskSorts(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const diskKb = node.type === "Sort" ? onDisk(node) : 0;
    if (diskKb === 0) return [];
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: `A sort of ${spoken(node.actual?.rowsTotal ?? 0)} rows did not fit in memory and went to disk`,
      evidence: [
        { label: "on disk", value: kilobytes(diskKb), unit: "bytes" },
        { label: "row width", value: node.width, unit: "bytes" },
        { label: "own time", value: node.actual?.ownMs ?? 0, unit: "ms" },
      ],
      why: "A sort larger than work_mem writes its rows to temporary files and reads them back, several times slower than in memory, and competes for the disk with everything else.",
      fix: sortFix(node, diskKb),
    };
    return [hit];
  });
}

/** Kilobytes of the leader's and the workers' sorts on disk. */
function onDisk(sort: PlanNode): number {
  const workers: unknown = sort.raw["Workers"];
  const sorts: readonly unknown[] = [
    sort.raw,
    ...(Array.isArray(workers) ? workers.slice(0, 100) : []),
  ];
  let total = 0;
  for (const it of sorts) {
    if (typeof it !== "object" || it === null) continue;
    const { "Sort Space Type": type, "Sort Space Used": used } = it as Record<string, unknown>;
    if (type === "Disk" && typeof used === "number" && used >= 0) total += used;
  }
  return total;
}

function sortFix(sort: PlanNode, diskKb: number): Fix {
  const scan = sort.children[0];
  const index = scan?.type === "Seq Scan" ? sortIndex(sort, scan) : undefined;
  const memory = memoryAdvice(diskKb * SORT_MEMORY_FACTOR);
  const fewer =
    "Sorting fewer or narrower columns helps too, and a LIMIT keeps only the first rows.";
  if (index === undefined) return { kind: "advice", text: `${memory} ${fewer}` };
  return {
    kind: "sql",
    statements: [index],
    note: `An index in the order asked for makes the sort unneeded where only some of the rows are wanted. ${memory} ${fewer}`,
  };
}

/** What to set, when it is a size that one statement may have. */
function memoryAdvice(neededKb: number): string {
  const needed = 2 ** Math.ceil(Math.log2(Math.max(neededKb / 1024, 8)));
  if (needed > MEMORY_MAX_MB) {
    return "It is too large for memory that every sort of every session could take: have it sort less.";
  }
  return `For this statement's role or transaction alone, work_mem of about ${needed} MB would do (set local work_mem = '${needed}MB'); each sort and hash of each session may take as much, so do not set it for all.`;
}

function batchedHashes(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const batches = numberOf(node, "Hash Batches") ?? 1;
    const planned = numberOf(node, "Original Hash Batches") ?? batches;
    if (node.type !== "Hash" || (batches <= 1 && batches <= planned)) return [];
    const peakKb = numberOf(node, "Peak Memory Usage") ?? 0;
    const grew = batches > planned;
    const text = `${memoryAdvice(peakKb * batches)} hash_mem_multiplier raises it for hashes alone.`;
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: grew
        ? `A hash join was planned in ${spoken(planned)} and needed ${spoken(batches)} batches on disk`
        : `A hash join did not fit in memory and was done in ${spoken(batches)} batches on disk`,
      evidence: [
        { label: "batches", value: batches, unit: "count" },
        { label: "batches planned", value: planned, unit: "count" },
        { label: "memory of one batch", value: kilobytes(peakKb), unit: "bytes" },
        { label: "rows hashed", value: node.actual?.rowsTotal ?? 0, unit: "rows" },
      ],
      why: "Both sides of the join are written to temporary files, batch by batch, and read back, instead of each row being read once.",
      fix: {
        kind: "advice",
        text: grew
          ? `More rows came than were expected: bring the estimate of the hashed side right first (ANALYZE, CREATE STATISTICS), so that the smaller side is hashed. ${text}`
          : `Hash fewer rows or columns: select only the columns needed and filter before the join. ${text}`,
      },
      scope: { ms: (node.actual?.ownMs ?? 0) + (node.parent?.actual?.ownMs ?? 0) },
    };
    return [hit];
  });
}

function spilledAggregates(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const diskKb = node.type === "Aggregate" ? withWorkers(node, "Disk Usage") : 0;
    if (diskKb === 0) return [];
    const groups = node.actual?.rowsTotal ?? 0;
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: `Grouping into ${spoken(groups)} groups did not fit in memory and went to disk`,
      evidence: [
        { label: "on disk", value: kilobytes(diskKb), unit: "bytes" },
        { label: "batches", value: withWorkers(node, "HashAgg Batches"), unit: "count" },
        { label: "groups expected", value: node.planRows, unit: "rows" },
        { label: "groups found", value: groups, unit: "rows" },
      ],
      why: "Rows of groups that no longer fit in memory are written to temporary files and grouped later, once for each batch.",
      fix: {
        kind: "advice",
        text: `${memoryAdvice(diskKb + withWorkers(node, "Peak Memory Usage"))} hash_mem_multiplier raises it for hashes alone. An index on the grouped columns lets rows come in groups already, with no memory at all. If far fewer groups were expected, ANALYZE, and CREATE STATISTICS (ndistinct) on the grouped columns.`,
      },
    };
    return [hit];
  });
}

/** Nodes whose temporary files have rules of their own. */
const SPILLERS: ReadonlySet<string> = new Set([
  "Sort",
  "Incremental Sort",
  "Hash",
  "Hash Join",
  "Aggregate",
]);

function temporaryFiles(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    if (SPILLERS.has(node.type) || node.actual === undefined) return [];
    const written = node.actual.blocks?.tempWritten ?? 0;
    const stored = node.raw["Storage"] === "Disk" ? (numberOf(node, "Maximum Storage") ?? 0) : 0;
    if (written <= TEMP_BLOCKS_MIN && stored <= STORAGE_KB_MIN) return [];
    const what = node.relation === undefined ? node.type : `${node.type} on ${tableOf(node)}`;
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: `${what} keeps ${spoken(node.actual.rowsTotal)} rows in temporary files`,
      evidence: [
        { label: "temporary blocks written", value: written, unit: "pages" },
        { label: "temporary blocks read", value: node.actual.blocks?.tempRead ?? 0, unit: "pages" },
        ...(stored === 0
          ? []
          : ([{ label: "largest on disk", value: kilobytes(stored), unit: "bytes" }] as const)),
      ],
      why: "Rows that are kept to be read again (a CTE, a window, the inner side of a join) are written to disk as soon as they exceed work_mem.",
      fix: {
        kind: "advice",
        text: `${keptLess(node.type)} ${memoryAdvice(Math.max(stored, written * 8))}`,
      },
    };
    return [hit];
  });
}

function keptLess(type: string): string {
  switch (type) {
    case "CTE Scan":
      return "Let the CTE bring only the rows and columns that are read from it, or write AS NOT MATERIALIZED so that conditions outside reach into it.";
    case "WindowAgg":
      return "Filter before the window function and leave wide columns out until after it (join them back by key).";
    case "Function Scan":
      return "A set-returning function in FROM is stored whole before its first row is read: have it return less, or write it in SQL so that it can be inlined.";
    default:
      return "Have it keep fewer rows and fewer columns: filter earlier and select only what is needed.";
  }
}
