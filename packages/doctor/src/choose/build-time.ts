import type { Candidate } from "../candidates/types.ts";
import type { Relation } from "../catalog/types.ts";
import { BLOCK_BYTES } from "../model/files.ts";

/** A table is read at about this rate. */
const READ_BYTES_PER_MS = 300_000;
/** CONCURRENTLY reads the table twice. */
const PASSES = 2;
/** Sorting and writing one row's entry, in microseconds, as ordinary machines show. */
const ROW_US: Readonly<Record<Candidate["method"], number>> = {
  btree: 1,
  gin: 10,
  gist: 15,
  brin: 0.1,
};
const TEXT_FACTOR = 2;
const TRIGRAM_FACTOR = 4;

/**
 * Rough time of CREATE INDEX CONCURRENTLY on an idle server, in milliseconds: two readings of the
 * table and the sort. A busy server takes several times as long, and it waits for transactions
 * that are older than itself.
 */
export function estimateBuildMs(candidate: Candidate, relation: Relation, rows: number): number {
  const read = (PASSES * relation.pages * BLOCK_BYTES) / READ_BYTES_PER_MS;
  const textual = candidate.keys.some(({ column }) =>
    relation.columns.some(({ name, category }) => name === column && category === "S"),
  );
  const factor = candidate.extension === "pg_trgm" ? TRIGRAM_FACTOR : textual ? TEXT_FACTOR : 1;
  return Math.round(read + (rows * ROW_US[candidate.method] * factor) / 1_000);
}
