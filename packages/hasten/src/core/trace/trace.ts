/**
 * What one request (or one load of a cached value) read.
 *
 * Invariants:
 * - The capture (`seq` and the two clocks) is taken when the trace opens, before anything is read.
 * - Tracked means: at least one tagged read, and no read that is not understood. Nothing else is.
 * - A trace is settled when no operation is under way. What begins after `close()` voids what was
 *   stored from it: `onLate` is called, once.
 * - Bounded: tags collapse to tables, causes are at most CAUSES_MAX.
 */
import { type Clock, systemClock } from "../clock.ts";
import { sequence } from "../sequence.ts";
import { tableOfTag } from "../sql-tag.ts";
import type { Trust } from "../trust.ts";
import { DEPENDENCY_TAGS_MAX, type Dependency } from "./dependency.ts";
import { tellOpened } from "./opened.ts";
import { QueryLog } from "./query-log.ts";

const CAUSES_MAX = 16;
const TAGS_GATHERED_MAX = 1_000;

export const NOTHING_READ = "nothing was read";
export const TOO_MANY_TAGS = "too many tables";

let adrift = 0;
let adriftCause = "";

/**
 * A read that no trace can be named for: it may be on its way into any answer that is being made,
 * so every trace open now is untracked.
 */
export function readAdrift(cause: string): void {
  adrift += 1;
  adriftCause = cause;
}

export class Trace {
  readonly seq: number = sequence.now();
  readonly startedMs: number;
  readonly startedWallMs: number;
  /** What the request timing middleware keeps beside it. */
  timing: unknown = undefined;
  /** Statements that ended in it, for reports. */
  statements = 0;
  statementsMs = 0;
  // Made when first needed: most requests are hits, which read nothing.
  #queries: QueryLog | undefined = undefined;
  readonly #within: Trace | undefined;
  #name: string | undefined = undefined;
  #namer: (() => string | undefined) | undefined = undefined;
  #tags: Set<string> | undefined = undefined;
  #trusts: Set<Trust> | undefined = undefined;
  #causes: Set<string> | undefined = undefined;
  #personal: Set<string> | undefined = undefined;
  #capturedMs: number;
  #capturedWallMs: number;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #tagged = false;
  #passing = false;
  readonly #adrift: number = adrift;
  #pending = 0;
  #closed = false;
  #onLate: (() => void) | undefined = undefined;
  #settled: PromiseWithResolvers<void> | undefined = undefined;

  /** @param within whose work it is part of: its statements are listed there */
  constructor(clock: Clock = systemClock, within?: Trace) {
    this.#within = within;
    this.startedMs = clock.nowMs();
    this.startedWallMs = clock.wallMs();
    this.#capturedMs = this.startedMs;
    this.#capturedWallMs = this.startedWallMs;
    if (within === undefined) tellOpened(this);
  }

  /** The route or job that it is of, or is part of, once that is known: never a URL. */
  get name(): string | undefined {
    return this.#name ?? this.#namer?.() ?? this.#within?.name;
  }

  set name(name: string | undefined) {
    this.#name = name;
    this.#namer = undefined;
  }

  /** Who tells the name until it is set: a request's route is known once its handler runs. */
  namedBy(namer: () => string | undefined): void {
    this.#namer = namer;
  }

  /** The request or job that this is, or is part of. */
  get root(): Trace {
    return this.#within === undefined ? this : this.#within.root;
  }

  /** The statements of the request or job that this is, or is part of. */
  get queries(): QueryLog {
    if (this.#within !== undefined) return this.#within.queries;
    this.#queries ??= new QueryLog();
    return this.#queries;
  }

  /** Like `queries`, but makes none. */
  get queriesSoFar(): QueryLog | undefined {
    return this.#within === undefined ? this.#queries : this.#within.queriesSoFar;
  }

  /** An operation begins: a query, or the analysis of one. Call `ended` once for each. */
  began(): void {
    this.#pending += 1;
    if (this.#closed) this.#late();
  }

  ended(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    this.#settled?.resolve();
    this.#settled = undefined;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Resolves when no operation is under way; at once if none is. */
  settled(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    this.#settled ??= Promise.withResolvers<void>();
    return this.#settled.promise;
  }

  /** A read that is understood: it is dropped by these tags, and trusted as long as this holds. */
  read(tags: readonly string[], trust: Trust | undefined): void {
    if (trust !== undefined) this.#trustIn(trust);
    if (tags.length === 0) return;
    this.#tagged = true;
    this.#tags ??= new Set();
    for (const tag of tags) this.#tags.add(tag);
    if (this.#tags.size > TAGS_GATHERED_MAX) this.#tags = collapsed(this.#tags);
  }

  /** A cached value was used: what it depends on, this depends on. */
  include(dependency: Dependency): void {
    this.read(dependency.tags, undefined);
    for (const trust of dependency.trusts) this.#trustIn(trust);
    for (const cause of dependency.untracked) this.untracked(cause);
    this.#passing ||= dependency.passing === true;
    for (const cause of dependency.personal ?? NONE) this.personal(cause);
    this.#capturedMs = Math.min(this.#capturedMs, dependency.capturedMs);
    this.#capturedWallMs = Math.min(this.#capturedWallMs, dependency.capturedWallMs);
    this.#expiresAtMs = Math.min(this.#expiresAtMs, dependency.expiresAtMs);
  }

  /**
   * Something was read that is not understood: `cause` names it for its author. A passing one (a
   * connection lost, a statement seen for the first time) will have gone with the next reads.
   */
  untracked(cause: string, lasts: "lasting" | "passing" = "lasting"): void {
    if (lasts === "passing") this.#passing = true;
    this.#causes ??= new Set();
    if (this.#causes.size < CAUSES_MAX) this.#causes.add(cause);
    if (this.#closed) this.#late();
  }

  /**
   * What was read depends on who asks, by something no key tells: session settings, row security.
   * Says nothing about tracked or not.
   */
  personal(cause: string): void {
    this.#personal ??= new Set();
    if (this.#personal.size < CAUSES_MAX) this.#personal.add(cause);
  }

  /** What it depends on so far. */
  dependency(): Dependency {
    let tags = this.#tags ?? NONE;
    if (tags.size > DEPENDENCY_TAGS_MAX) tags = collapsed(tags);
    const tooMany = tags.size > DEPENDENCY_TAGS_MAX;
    const causes = [...(this.#causes ?? NONE)];
    if (tooMany) causes.push(TOO_MANY_TAGS);
    if (this.#adrift !== adrift) causes.push(adriftCause);
    if (!this.#tagged && causes.length === 0) causes.push(NOTHING_READ);
    return {
      tags: tooMany ? [] : [...tags],
      trusts: this.#trusts === undefined ? [] : [...this.#trusts],
      seq: this.seq,
      capturedMs: this.#capturedMs,
      capturedWallMs: this.#capturedWallMs,
      expiresAtMs: this.#expiresAtMs,
      untracked: causes,
      passing: this.#passing,
      personal: this.#personal === undefined ? undefined : [...this.#personal],
    };
  }

  /** Its value is stored now; `onLate` is called if it turns out to have read more. */
  close(onLate?: () => void): void {
    this.#closed = true;
    this.#onLate = onLate;
  }

  #late(): void {
    const onLate = this.#onLate;
    this.#onLate = undefined;
    onLate?.();
  }

  #trustIn(trust: Trust): void {
    this.#trusts ??= new Set();
    this.#trusts.add(trust);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Tables instead of rows: dropped by more, never by less. */
function collapsed(tags: ReadonlySet<string>): Set<string> {
  return new Set([...tags].map(tableOfTag));
}
