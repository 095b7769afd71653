/**
 * What a leader leaves in Redis for everybody.
 *
 * Invariants:
 * - It is replaced only by who has read it as it is (compare and set), so a leader that was replaced
 *   writes nothing any more, however long it slept.
 * - It lives in Redis beside the clock of one epoch and goes with it.
 * - A term is one unbroken reading of the changes under one meaning of the catalog: whatever was
 *   acknowledged since it began is told. What was read under another term is void.
 */

export interface LeaderRecord {
  /** Unique; empty while nothing is read: then nothing is trusted. */
  readonly term: string;
  /** The process that leads. */
  readonly leader: string;
  /** Number of the latest beat that was announced; counted on from leader to leader. */
  readonly begun: number;
  /** Of the latest beat that is done: what was acknowledged before it was announced has been told. */
  readonly confirmed: number;
  /** Names the catalog's meaning in this term. */
  readonly schema: string;
  /** At or past all changes that were told, as a place in the WAL: said before they are told. */
  readonly position: string;
  /** The number of the latest barrier of each process that everything before was told of. */
  readonly passed: Readonly<Record<string, number>>;
  /** It wants to be replaced. */
  readonly leaving: boolean;
  /** Who prepares to replace it. */
  readonly heir: string | undefined;
}

/** Of a leader that reads nothing yet. */
export function firstRecord(leader: string): LeaderRecord {
  return {
    term: "",
    leader,
    begun: 0,
    confirmed: 0,
    schema: "",
    position: "0/0",
    passed: {},
    leaving: false,
    heir: undefined,
  };
}

export function encodeRecord(record: LeaderRecord): string {
  return JSON.stringify(record);
}

/** What is not one of ours is undefined. */
export function decodeRecord(text: string | undefined): LeaderRecord | undefined {
  if (text === undefined) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof said !== "object" || said === null) return undefined;
  const it = said as Record<keyof LeaderRecord, unknown>;
  const { term, leader, begun, confirmed, schema, position, leaving, heir } = it;
  const texts = [term, leader, schema, position];
  if (texts.some((value) => typeof value !== "string")) return undefined;
  if (!isCount(begun) || !isCount(confirmed) || confirmed > begun) return undefined;
  return {
    term: term as string,
    leader: leader as string,
    begun,
    confirmed,
    schema: schema as string,
    position: position as string,
    passed: countsOf(it.passed),
    leaving: leaving === true,
    heir: typeof heir === "string" ? heir : undefined,
  };
}

const PASSED_MAX = 256;

/** With one more barrier passed; those of processes that are long gone make room. */
export function withPassed(
  passed: Readonly<Record<string, number>>,
  news: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const all = new Map(Object.entries(passed));
  for (const [node, number] of news) {
    const known = all.get(node) ?? 0;
    all.delete(node);
    all.set(node, Math.max(known, number));
  }
  return Object.fromEntries([...all].slice(-PASSED_MAX));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function countsOf(value: unknown): Readonly<Record<string, number>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, count]) => isCount(count)));
}
