import { quoteIdentifier, quoteQualified } from "hasten/postgres";
import { definitionOf, indexName } from "../candidates/definition.ts";
import type { Candidate } from "../candidates/types.ts";
import type { Catalog, Index, Relation } from "../catalog/types.ts";
import { readable } from "./readable.ts";

/** Statements to be run one by one, outside a transaction. */
export interface Ddl {
  readonly ddl: readonly string[];
  /** Undoes it. */
  readonly rollback: readonly string[];
  /** Removes what an interrupted build left behind. */
  readonly cleanup: readonly string[];
  readonly caveats: readonly string[];
}

/** Partitions that DDL is written out for; more need a script of the user's own. */
const PARTITIONS_MAX = 500;

/** Creates the candidate's index without blocking writes, and drops what it replaces afterwards. */
export function createDdl(
  candidate: Candidate,
  relation: Relation,
  catalog: Catalog,
  replaces: readonly Index[] = [],
): Ddl {
  const extension = extensionDdl(candidate, catalog);
  const made =
    relation.kind === "partitioned"
      ? partitionedDdl(candidate, relation, catalog)
      : plainDdl(candidate, relation);
  const analyze = candidate.keys.some(({ column }) => column === undefined)
    ? // Only then does the planner know how many rows an expression's value has.
      [`analyze ${quoteQualified([relation.schema, relation.name])};`]
    : [];
  const drops = replaces.map((index) => dropDdl(index, relation));
  return {
    ddl: [...extension, ...made.ddl, ...analyze]
      .map(readable)
      .concat(drops.flatMap(({ ddl }) => ddl)),
    rollback: drops.flatMap(({ rollback }) => rollback).concat(made.rollback.map(readable)),
    cleanup: made.cleanup.map(readable),
    caveats: made.caveats,
  };
}

/** Drops an index that no constraint needs, without blocking, and says how to make it again. */
export function dropDdl(index: Index, relation: Relation): Ddl {
  const name = quoteQualified([relation.schema, index.name]);
  return {
    ddl: [readable(`drop index concurrently ${name};`)],
    rollback: [
      `${index.definition.replace(/^CREATE (UNIQUE )?INDEX /i, "create $1index concurrently ").replace("UNIQUE ", "unique ")};`,
    ],
    cleanup: [readable(`drop index concurrently if exists ${name};`)],
    caveats: [],
  };
}

function extensionDdl(candidate: Candidate, catalog: Catalog): readonly string[] {
  if (candidate.extension === undefined || catalog.extensions.has(candidate.extension)) return [];
  return [`create extension if not exists ${quoteIdentifier(candidate.extension)};`];
}

/** A b-tree is what CREATE INDEX makes when nothing is said. */
function textOf(candidate: Candidate, relation: Relation): { table: string; body: string } {
  const { table, body } = definitionOf(candidate, relation);
  return { table, body: body.replace(/^using btree /, "") };
}

function plainDdl(candidate: Candidate, relation: Relation): Ddl {
  const { table, body } = textOf(candidate, relation);
  const plain = indexName(candidate, relation);
  const name = quoteQualified([relation.schema, plain]);
  return {
    ddl: [`create index concurrently ${quoteIdentifier(plain)} on ${table} ${body};`],
    rollback: [`drop index concurrently if exists ${name};`],
    cleanup: [`drop index concurrently if exists ${name};`],
    caveats: [],
  };
}

/**
 * PostgreSQL refuses CONCURRENTLY on a partitioned table: the parent's index is made alone, which
 * reads no rows, then each partition's concurrently, and these are attached. The parent's becomes
 * valid with the last one.
 */
function partitionedDdl(candidate: Candidate, root: Relation, catalog: Catalog): Ddl {
  const ddl: string[] = [];
  const cleanup: string[] = [];
  const foreign: string[] = [];
  let count = 0;
  const visit = (relation: Relation, parent: Relation | undefined): void => {
    count += 1;
    if (relation.kind === "foreign") {
      foreign.push(relation.name);
      return;
    }
    if (count > PARTITIONS_MAX) return;
    const { table, body } = textOf(candidate, relation);
    const plain = indexName(candidate, relation);
    const name = quoteQualified([relation.schema, plain]);
    if (relation.kind === "partitioned") {
      ddl.push(`create index ${quoteIdentifier(plain)} on only ${table} ${body};`);
    } else {
      ddl.push(`create index concurrently ${quoteIdentifier(plain)} on ${table} ${body};`);
      cleanup.push(`drop index concurrently if exists ${name};`);
    }
    for (const child of partitionsOf(relation, catalog)) visit(child, relation);
    if (parent !== undefined) {
      const above = quoteQualified([parent.schema, indexName(candidate, parent)]);
      ddl.push(`alter index ${above} attach partition ${name};`);
    }
  };
  visit(root, undefined);
  const rootName = quoteQualified([root.schema, indexName(candidate, root)]);
  // An attached partition's index goes with the parent's; one that is not attached yet stays.
  const drop = `drop index if exists ${rootName};`;
  return {
    ddl,
    rollback: [drop],
    cleanup: [drop, ...cleanup],
    caveats: [
      "Dropping the index of a partitioned table locks the table for a moment: set lock_timeout first.",
      ...(foreign.length === 0
        ? []
        : [`Foreign partitions (${foreign.slice(0, 5).join(", ")}) cannot have it.`]),
      ...(count <= PARTITIONS_MAX
        ? []
        : [
            `Only ${PARTITIONS_MAX} of ${count} partitions are written out: repeat the last two statements for each of the others.`,
          ]),
    ],
  };
}

/** Direct partitions, in the order of their names. */
export function partitionsOf(relation: Relation, catalog: Catalog): readonly Relation[] {
  return catalog.relations
    .filter((it) => it.isPartition && it.parents.includes(relation.oid))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
