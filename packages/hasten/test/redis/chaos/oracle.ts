/**
 * Which answers were stale.
 *
 * Rules (docs/redis-chaos.md states them for readers): an answer must show at least
 * - every write of the answering process itself, for reads begun after its invalidation returned;
 * - every other write whose invalidation was acknowledged at least `boundMs` before the read began.
 *   One whose outcome was `queued` is acknowledged when the tier has nothing left to send.
 * Where a value may be served stale (grace), only deletions count: `expire` allows it. What is made of
 * other cached values has twice the bound: see `keys.ts`.
 * All instants are of the machine's monotonic clock, the same in every process. No tolerance.
 */

export interface Read {
  readonly process: string;
  readonly key: string;
  readonly version: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface Write {
  readonly process: string;
  /** How it was invalidated. */
  readonly by: string;
  /** The new version of each key that it changed. */
  readonly versions: Readonly<Record<string, number>>;
  /** It was expired only: within its grace the old value may be served. */
  readonly softly: boolean;
  /** The call returned its promise: it holds for the process itself. */
  readonly calledAtMs: number;
  /** Undefined where nobody knows that Redis has it. */
  readonly acknowledgedAtMs: number | undefined;
  /** It was queued first. */
  readonly late?: boolean | undefined;
}

export interface Stale {
  readonly read: Read;
  readonly required: number;
  readonly write: Omit<Write, "versions">;
  /** How long after the write counted the read began. */
  readonly lateMs: number;
}

/** What is promised of a key. */
export interface Promised {
  /** It may be served stale after an expiry. */
  graced(key: string): boolean;
  /** By how much its bound is multiplied. */
  slack(key: string): number;
}

interface Due {
  readonly fromMs: number;
  readonly version: number;
  readonly write: Write;
}

export class Oracle {
  readonly #boundMs: number;
  readonly #promised: Promised;
  /** For each key what is due from when on, in the order of time. */
  readonly #foreign = new Map<string, Due[]>();
  readonly #own = new Map<string, Map<string, Due[]>>();

  constructor(boundMs: number, writes: readonly Write[], promised: Promised) {
    this.#boundMs = boundMs;
    this.#promised = promised;
    for (const write of writes) this.#add(write);
    for (const dues of this.#foreign.values()) settle(dues);
    for (const keys of this.#own.values()) for (const dues of keys.values()) settle(dues);
  }

  judge(read: Read): Stale | undefined {
    const own = latest(this.#own.get(read.process)?.get(read.key), read.startedAtMs);
    const foreign = latest(this.#foreign.get(read.key), read.startedAtMs);
    const due = (own?.version ?? 0) >= (foreign?.version ?? 0) ? own : foreign;
    if (due === undefined || read.version >= due.version) return undefined;
    const { versions: _, ...write } = due.write;
    return { read, required: due.version, write, lateMs: read.startedAtMs - due.fromMs };
  }

  /** How far behind the newest acknowledged write of others an answer within the bound was. */
  lagMs(read: Read): number {
    const boundMs = this.#boundMs * this.#promised.slack(read.key);
    const due = latest(this.#foreign.get(read.key), read.startedAtMs + boundMs);
    if (due === undefined || read.version >= due.version) return 0;
    return read.startedAtMs + boundMs - due.fromMs;
  }

  #add(write: Write): void {
    let own = this.#own.get(write.process);
    if (own === undefined) {
      own = new Map();
      this.#own.set(write.process, own);
    }
    for (const [key, version] of Object.entries(write.versions)) {
      if (write.softly && this.#promised.graced(key)) continue;
      push(own, key, { fromMs: write.calledAtMs, version, write });
      if (write.acknowledgedAtMs === undefined) continue;
      push(this.#foreign, key, {
        fromMs: write.acknowledgedAtMs + this.#boundMs * this.#promised.slack(key),
        version,
        write,
      });
    }
  }
}

function push(home: Map<string, Due[]>, key: string, due: Due): void {
  const dues = home.get(key);
  if (dues === undefined) home.set(key, [due]);
  else dues.push(due);
}

/** In the order of time; each asks for the newest version of those up to it. */
function settle(dues: Due[]): void {
  dues.sort((a, b) => a.fromMs - b.fromMs);
  for (let at = 1; at < dues.length; at++) {
    const [before, one] = [dues[at - 1]!, dues[at]!];
    if (before.version > one.version) dues[at] = { ...before, fromMs: one.fromMs };
  }
}

/** The last that was due at that time. */
function latest(dues: readonly Due[] | undefined, atMs: number): Due | undefined {
  if (dues === undefined) return undefined;
  let low = 0;
  let high = dues.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (dues[middle]!.fromMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return dues[low - 1];
}
