/**
 * Judges answers against what had been written.
 *
 * Every row carries a version that only grows, in the order in which the database committed it. An
 * answer is stale if, for some row that it is about, the version it shows is older than the newest
 * one that had to be visible when the read was *sent*:
 * - writes of the process that answers: from the moment their promise resolved in that process;
 * - every other write: from `boundMs` after its commit was acknowledged.
 *
 * Invariants:
 * - A row that a list does not show counts as seen in any state that kept it off the list, from the
 *   version that had to be visible on; if there is none, the answer is stale.
 * - A write whose outcome nobody knows obliges nobody, and excuses what it could explain.
 * - An asynchronous commit obliges only if the server did not crash shortly after it: it may be lost.
 * - Instants are milliseconds of one monotonic clock, shared by all processes of the machine.
 */

/** `state` tells which lists show the row: a team, or null for a row that does not exist. */
export interface Change {
  readonly row: string;
  /** Undefined where the answer of the server was lost. */
  readonly version: number | undefined;
  readonly state: string | null;
}

export interface Write {
  /** The process that wrote, by incarnation: one that was started again is another. */
  readonly process: string;
  readonly startedAtMs: number;
  /** When the writer's promise resolved; undefined if the outcome is not known. */
  readonly resolvedAtMs: number | undefined;
  /** When its reader was given a token that shows it to replicas; undefined: never. */
  readonly toldAtMs?: number | undefined;
  /** Committed with `synchronous_commit = off`. */
  readonly asynchronous: boolean;
  readonly changes: readonly Change[];
}

/** What was asked, as far as rows can be missing from the answer. */
export type Question =
  | { readonly kind: "row"; readonly row: string }
  | { readonly kind: "list"; readonly state: string }
  | { readonly kind: "sum"; readonly rows: readonly string[] };

export interface Read {
  readonly process: string;
  readonly path: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly question: Question;
  /** Rows of the answer with their versions. */
  readonly rows: readonly (readonly [row: string, version: number])[];
  /** For `sum`: of the versions. */
  readonly sum?: number | undefined;
  /** The answer said itself that it lives by its time to live only. */
  readonly untracked?: boolean | undefined;
  readonly hit?: boolean | undefined;
  /** Made for this request, by its own handler: nothing that was kept is in it. */
  readonly loaded?: boolean | undefined;
  /** The Cache-Status of the answer. */
  readonly said?: string | undefined;
}

export interface Stale {
  readonly read: Read;
  readonly row: string;
  readonly seen: number | "absent";
  readonly required: number;
  /** Age of the write that had to be visible, when the read was sent. */
  readonly writtenAgoMs: number;
  readonly ownWrite: boolean;
}

interface Known {
  readonly resolvedAtMs: number;
  readonly startedAtMs: number;
  readonly process: string;
  readonly version: number;
  readonly state: string | null;
  /** Of this and everything resolved before it. */
  readonly newest: number;
}

interface Row {
  readonly known: readonly Known[];
  readonly possible: readonly (Change & { readonly startedAtMs: number })[];
}

interface Required {
  readonly version: number;
  readonly resolvedAtMs: number;
  readonly ownWrite: boolean;
}

/** How long an asynchronous commit may take to reach the disk: three rounds of the WAL writer. */
const FLUSHED_AFTER_MS = 1_000;
const NOTHING: Required = { version: 0, resolvedAtMs: Number.NEGATIVE_INFINITY, ownWrite: false };

export class Oracle {
  readonly boundMs: number;
  readonly #rows = new Map<string, Row>();

  constructor(boundMs: number, writes: readonly Write[], crashesAtMs: readonly number[] = []) {
    this.boundMs = boundMs;
    const gathered = new Map<
      string,
      { known: Omit<Known, "newest">[]; possible: PossibleChange[] }
    >();
    for (const write of writes) {
      const obliges = write.resolvedAtMs !== undefined && !mayBeLost(write, crashesAtMs);
      for (const change of write.changes) {
        const row = gathered.get(change.row) ?? { known: [], possible: [] };
        gathered.set(change.row, row);
        row.possible.push({ ...change, startedAtMs: write.startedAtMs });
        if (!obliges || change.version === undefined) continue;
        row.known.push({ ...write, resolvedAtMs: write.resolvedAtMs, ...withVersion(change) });
      }
    }
    for (const [name, { known, possible }] of gathered) {
      this.#rows.set(name, { known: withNewest(known), possible });
    }
  }

  /** What is stale about the answer; undefined if nothing. */
  judge(read: Read): Stale | undefined {
    const shown = new Map(read.rows);
    for (const [name, version] of shown) {
      const required = this.#required(name, read);
      if (version < required.version) return staleOf(read, name, version, required);
    }
    if (read.question.kind === "sum") return this.#judgeSum(read, read.question.rows);
    for (const name of this.#asked(read.question)) {
      if (shown.has(name)) continue;
      const required = this.#required(name, read);
      if (this.#mayBeAbsent(name, read, required.version)) continue;
      return staleOf(read, name, "absent", required);
    }
    return undefined;
  }

  /** How old the oldest write was that the answer does not show, in milliseconds; 0 if it shows all. */
  lagMs(read: Read): number {
    let lagMs = 0;
    for (const [name, version] of read.rows) {
      const missed = this.#rows.get(name)?.known.find((write) => write.version > version);
      if (missed !== undefined) lagMs = Math.max(lagMs, read.startedAtMs - missed.resolvedAtMs);
    }
    return lagMs;
  }

  #judgeSum(read: Read, rows: readonly string[]): Stale | undefined {
    let required = 0;
    let newest = NOTHING;
    for (const name of rows) {
      const one = this.#required(name, read);
      required += one.version;
      if (one.resolvedAtMs > newest.resolvedAtMs) newest = one;
    }
    const seen = read.sum ?? 0;
    return seen < required
      ? staleOf(read, "sum", seen, { ...newest, version: required })
      : undefined;
  }

  #asked(question: Question): Iterable<string> {
    if (question.kind === "row") return [question.row];
    return this.#rows.keys();
  }

  /** Whether some state, not older than the required one, keeps the row out of the answer. */
  #mayBeAbsent(name: string, read: Read, required: number): boolean {
    const row = this.#rows.get(name);
    if (row === undefined) return true;
    const { question } = read;
    return row.possible.some(
      ({ version, state, startedAtMs }) =>
        (version === undefined || version >= required) &&
        startedAtMs <= read.endedAtMs &&
        !(question.kind === "list" ? state === question.state : state !== null),
    );
  }

  /** The newest version of the row that the read had to see. */
  #required(name: string, read: Read): Required {
    const known = this.#rows.get(name)?.known ?? [];
    const everyone = before(known, read.startedAtMs - this.boundMs);
    const last = known[everyone - 1];
    let required: Required =
      last === undefined
        ? NOTHING
        : { version: last.newest, resolvedAtMs: last.resolvedAtMs, ownWrite: false };
    for (let at = everyone; at < known.length; at++) {
      const write = known[at]!;
      if (write.resolvedAtMs > read.startedAtMs) break;
      if (write.process !== read.process || write.version <= required.version) continue;
      required = { version: write.version, resolvedAtMs: write.resolvedAtMs, ownWrite: true };
    }
    return required;
  }
}

type PossibleChange = Change & { readonly startedAtMs: number };

function mayBeLost(write: Write, crashesAtMs: readonly number[]): boolean {
  const { asynchronous, resolvedAtMs = 0 } = write;
  if (!asynchronous) return false;
  return crashesAtMs.some((at) => at >= resolvedAtMs && at <= resolvedAtMs + FLUSHED_AFTER_MS);
}

function withVersion(change: Change): { version: number; state: string | null } {
  return { version: change.version ?? 0, state: change.state };
}

function withNewest(known: readonly Omit<Known, "newest">[]): Known[] {
  let newest = 0;
  return [...known]
    .sort((one, other) => one.resolvedAtMs - other.resolvedAtMs)
    .map((write) => {
      newest = Math.max(newest, write.version);
      return { ...write, newest };
    });
}

/** How many of the writes, in order, were resolved at or before `atMs`. */
function before(known: readonly Known[], atMs: number): number {
  let low = 0;
  let high = known.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (known[middle]!.resolvedAtMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function staleOf(
  read: Read,
  row: string,
  seen: number | "absent",
  { version, resolvedAtMs, ownWrite }: Required,
): Stale {
  const writtenAgoMs = read.startedAtMs - resolvedAtMs;
  return { read, row, seen, required: version, writtenAgoMs, ownWrite };
}
