/** What a write makes untrue, as far as its text and the foreign keys tell. */

import { broadTag } from "../../core/sql-tag.ts";
import type { Registry } from "../catalog/registry.ts";
import type { RelationFacts } from "../catalog/relation.ts";
import type { Item } from "../catalog/shelf.ts";
import type { WriteAnalysis } from "./analysis.ts";
import { readNames } from "./name-rules.ts";
import { resolveNames } from "./resolve-names.ts";
import type { Reading } from "./understand.ts";
import type { Target, Uses } from "./uses.ts";

const AFFECTED_MAX = 5_000;

/** DDL, and what else may change what is read without naming it. */
export const SCHEMA_WRITE: WriteAnalysis = {
  kind: "write",
  tags: [],
  complete: false,
  changesSchema: true,
};

export async function understandWrite(uses: Uses, reading: Reading): Promise<WriteAnalysis> {
  const { registry, path, since } = reading;
  const { namespaces } = path.facts;
  const names = await readNames(uses, { registry, namespaces, since });
  const resolved = await resolveNames(
    uses.targets.map(({ name }) => name),
    { registry, namespaces },
  );
  const affected = new Map<number, Item<RelationFacts>>();
  let complete = uses.refusal === undefined && !names.refusals.some(({ mayWrite }) => mayWrite);
  for (const [at, target] of uses.targets.entries()) {
    const oid = resolved.oids[at];
    if (oid === undefined) complete = false;
    else await addAffected(affected, { registry, since, target }, oid);
  }
  const tags: string[] = [];
  for (const { facts } of affected.values()) {
    if (facts.firesMore || (facts.kind !== "r" && facts.kind !== "p")) complete = false;
    const tag = registry.tableTag(facts);
    tags.push(tag, broadTag(tag));
  }
  return { kind: "write", tags, complete, changesSchema: false };
}

interface Writing {
  readonly registry: Registry;
  readonly since: string | undefined;
  readonly target: Target;
}

/** The relation, what is above and below it, and what foreign keys change with it. */
async function addAffected(
  all: Map<number, Item<RelationFacts>>,
  { registry, since, target }: Writing,
  oid: number,
): Promise<void> {
  // What another target added was not followed in the way of this one.
  const seen = new Set<number>();
  let next: readonly number[] = [oid];
  while (next.length > 0) {
    for (const it of next) seen.add(it);
    const loaded = await registry.load(next, since);
    for (const [it, item] of loaded) all.set(it, item);
    if (all.size > AFFECTED_MAX) throw new RangeError("a write with too many tables behind it");
    const related = [...loaded.values()].flatMap(({ facts }) => relatedOf(facts, target));
    next = [...new Set(related)].filter((it) => !seen.has(it));
  }
}

function relatedOf(facts: RelationFacts, { how, cascades }: Target): readonly number[] {
  const family = [...facts.parents, ...facts.children];
  if (how === "insert" || how === "copy") return family;
  if (how === "truncate") return cascades ? [...family, ...facts.referencedBy] : family;
  return [...family, ...facts.referencing];
}
