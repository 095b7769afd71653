import { withoutConstants } from "../constants.ts";
import { conditionOf, labelOf, subtreeOf } from "../fields.ts";
import type { Plan, PlanNode, PlanRule, RuleHit } from "../types.ts";
import { gravityOf, processesOf, spoken } from "./shape.ts";

const LOOPS_MIN = 100;
/** A NOT IN over fewer rows is right today and only a trap for tomorrow. */
const LIST_MIN = 1_000;

export const correlatedSubplan: PlanRule = {
  id: "plan/correlated-subplan",
  number: 17,
  needs: "analyzed",
  find: repeatedSubplans,
};

export const notInSubplan: PlanRule = {
  id: "plan/not-in-subplan",
  number: 18,
  needs: "any",
  find: (plan) => notInSubplans(plan.nodes),
};

function repeatedSubplans(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    // A hashed subplan is run once, whatever it is shown with.
    const loops = (node.actual?.loops ?? 0) / processesOf(node);
    if (node.relationship !== "SubPlan" || loops <= LOOPS_MIN) return [];
    if (node.parent !== undefined && notInSubplans([node.parent]).length > 0) return [];
    const scanned = subtreeOf(node).some((it) => it.type === "Seq Scan");
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: `A subquery is run ${spoken(loops)} times, once for each row around it`,
      evidence: [
        { label: "runs", value: node.actual?.loops ?? 0, unit: "count" },
        { label: "time of all runs", value: node.actual?.totalMs ?? 0, unit: "ms" },
        { label: "subquery", value: labelOf(node) },
        ...(node.parent === undefined ? [] : [{ label: "run by", value: labelOf(node.parent) }]),
      ],
      why: "A subquery that names columns of the query around it is computed anew for each row, a loop that no hash or merge join can replace.",
      fix: {
        kind: "advice",
        text: `Write it as a join: LEFT JOIN (SELECT key, count(*) … GROUP BY key) for an aggregate, EXISTS for a test, LATERAL … LIMIT 1 for the latest row; the planner may then read the table once.${scanned ? " If it must stay, index what the subquery compares with the outer row: now each run reads a whole table." : ""}`,
      },
      scope: "subtree",
    };
    return [hit];
  });
}

const CONDITIONS = ["Filter", "Join Filter", "One-Time Filter"] as const;
/** Before 17 "NOT (hashed SubPlan 1)", since "NOT (ANY (x = (hashed SubPlan 1).col1))". */
const NOT_IN = /\bNOT \((?:ANY \([^()]*(?:\([^()]*\)[^()]*){0,20}?\(?)?(hashed )?SubPlan \d+/;

function notInSubplans(nodes: readonly PlanNode[]): readonly RuleHit[] {
  return nodes.flatMap((node) => {
    for (const field of CONDITIONS) {
      const condition = conditionOf(node, field);
      const matched = condition === undefined ? null : NOT_IN.exec(withoutConstants(condition));
      if (matched === null) continue;
      return notIn(node, condition ?? "", matched[1] !== undefined);
    }
    return [];
  });
}

function notIn(node: PlanNode, condition: string, hashed: boolean): readonly RuleHit[] {
  const list = node.children.find((child) => child.relationship === "SubPlan");
  const rows = list?.actual?.rowsTotal ?? list?.planRows ?? 0;
  const large = rows >= LIST_MIN || (!hashed && (list?.actual?.loops ?? 0) > LOOPS_MIN);
  return [
    {
      node: node.index,
      severity: large ? gravityOf(node) : "info",
      title: hashed
        ? "NOT IN over a subquery keeps its rows in a hash table and cannot become a join"
        : "NOT IN over a subquery searches its rows again for each outer row",
      evidence: [
        { label: "rows of the subquery", value: rows, unit: "rows" },
        { label: "kept in a hash table", value: hashed ? "yes" : "no" },
        { label: "condition", value: withoutConstants(condition) },
      ],
      why: "NOT IN must know of NULLs: one NULL in the subquery and no row is returned at all. So it cannot be planned as an anti join, and when its rows outgrow the memory for a hash, it is a loop in a loop.",
      fix: {
        kind: "advice",
        text: `Write NOT EXISTS (SELECT FROM … WHERE inner.key = outer.key): an anti join, by hash or index, and NULLs mean what is expected.${/ OR /.test(withoutConstants(condition)) ? " Beside an OR a NOT EXISTS is no anti join either: split the OR with UNION ALL." : ""}`,
      },
      scope: "subtree",
    },
  ];
}
