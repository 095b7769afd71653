/**
 * Changes of a database as every process learns them when one leader reads them: from Redis.
 *
 * Invariants:
 * - What is confirmed here is the instant at which Redis was last asked before the leader announced
 *   the beat that it has confirmed. No clock is compared: the question came before the announcement,
 *   the announcement before the beat, and what was acknowledged before the beat is in the log of
 *   Redis, all of which has been applied here when its word is heard.
 * - A trust belongs to one term, and its name in Redis tells which: what was cached under another is
 *   known to nobody.
 * - A term is adopted only after the catalog was looked at since the term was heard of: statements
 *   understood before mean nothing in it.
 * - An own write that was not passed in the term it was made in suspends every trust whose values may
 *   still be served, and those to come: Redis may hold what others read before the write.
 */
import type { SourceWord } from "../../cache/shared/port.ts";
import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import { untraced } from "../../core/trace/index.ts";
import { type Instant, instant, type Trust } from "../../core/trust.ts";
import type { Audience } from "../coherence/reaching.ts";
import type { ChangeSource, CommittedWrite, DropTags } from "../coherence/source.ts";
import { Trusts } from "../stream/trusts.ts";
import { Barriers } from "./barriers.ts";
import { laterPosition, NO_POSITION } from "./position.ts";
import { decodeRecord, type LeaderRecord } from "./record.ts";
import { tunnelled } from "./tunnel.ts";
import type { LeaderMutant, SourceTier } from "./types.ts";

export interface FollowerOptions {
  readonly tier: SourceTier;
  /** What the source is called in the tier. */
  readonly source: string;
  /** This process among those that write barriers. */
  readonly node: string;
  readonly boundMs: number;
  readonly maxLagMs: number;
  readonly clock: Clock;
  readonly audience: Audience;
  readonly drop: DropTags;
  /** Looks for changed meanings: gives the tags to drop. */
  readonly poll: () => Promise<readonly string[]>;
  readonly emit: (content: string) => Promise<void>;
  /** Told of every word, after it was taken in here. */
  readonly onWord: (word: HeardWord) => void;
  /** Of the latest change that was dropped here as it was read, where this process reads them. */
  readonly dropped?: (() => string) | undefined;
  readonly onTerm?: ((term: string | undefined) => void) | undefined;
  readonly mutant?: LeaderMutant | undefined;
}

export interface HeardWord {
  readonly raw: string | undefined;
  readonly record: LeaderRecord | undefined;
  readonly over: boolean;
  readonly askedMs: number;
}

interface Asked {
  readonly at: Instant;
  readonly term: string;
  readonly begun: number;
}

const SETTLE_MS = 250;
const NOWHERE = { term: undefined, position: NO_POSITION };
const ASKED_MAX = 256;

export class Follower implements ChangeSource {
  readonly promise = "stream";
  /** A change of what nobody reads is told as well: late statements miss nothing. */
  readonly unmappedSeq = 0;
  readonly log: InvalidationLog;
  readonly #options: FollowerOptions;
  readonly #trusts: Trusts;
  readonly #barriers: Barriers;
  readonly #stops: (() => void)[] = [];
  #detach: (() => void) | undefined;
  /** What Redis was asked and what it said then, the latest last. */
  #asked: Asked[] = [];
  #record: LeaderRecord | undefined;
  /** The latest that was heard of in a term: an heir may begin further back. */
  #position: { readonly term: string | undefined; readonly position: string } = NOWHERE;
  #term: string | undefined;
  #adopting: string | undefined;
  #logTrust: Trust;
  /** When this process last wrote something that was not passed. */
  #suspendedAt: Instant | undefined;
  #closed = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#trusts = new Trusts({ boundMs: options.boundMs, clock: options.clock });
    this.#barriers = new Barriers(options.node, options.emit);
    const { tier, source, drop } = options;
    this.log = tunnelled(tier.log);
    this.#logTrust = tier.log.trust;
    this.#stops.push(
      tier.log.subscribe(({ how, tags }) => {
        if (how === "deleted") drop(tags, "a change told by the leader");
      }),
      tier.attach(source, { trust: () => undefined, heard: (word) => this.#hear(word) }),
    );
  }

  get trust(): Trust {
    return this.#trusts.current;
  }

  get position(): string {
    const { term, position } = this.#position;
    if (term === undefined || position === NO_POSITION) return NO_POSITION;
    return laterPosition(position, this.#options.dropped?.() ?? NO_POSITION);
  }

  /** What the latest word said; undefined where there is none. */
  get record(): LeaderRecord | undefined {
    return this.#record;
  }

  status(): "live" | "late" | "lost" {
    if (this.trust.confirmed) return "live";
    return this.trust.ended || this.trust.ageMs() > this.#options.maxLagMs ? "lost" : "late";
  }

  settle(write: CommittedWrite): Promise<"applied" | "queued"> {
    const { clock } = this.#options;
    const at = instant(clock);
    const term = this.#term;
    return untraced(async () => {
      // Nobody answers now: waiting for it would only make every write slow.
      const asks = term !== undefined && this.trust.confirmed;
      if (asks && (await this.#passes(term, write.changesSchema))) {
        this.#trusts.suspendRetired(at);
        return "applied";
      }
      this.#suspend(at);
      return "queued";
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#leaveTerm();
    this.#closed = true;
    // Own writes are told to something else from now on: what lives on by its bound is not fresh.
    this.#suspend(instant(this.#options.clock));
    for (const stop of this.#stops) stop();
  }

  #suspend(at: Instant): void {
    if (this.#suspendedAt === undefined || at.monotonicMs > this.#suspendedAt.monotonicMs)
      this.#suspendedAt = at;
    this.#trusts.suspend(at);
  }

  async #passes(term: string, schema: boolean): Promise<boolean> {
    const enough = Promise.withResolvers<boolean>();
    const timer = this.#options.clock.schedule(SETTLE_MS, () => enough.resolve(false));
    const passed = this.#barriers.pass(term, schema).catch(() => false);
    const applied = await Promise.race([passed, enough.promise]);
    timer.cancel();
    return applied && this.#term === term;
  }

  #hear(word: SourceWord): void {
    if (this.#closed) return;
    const { tier, clock, onWord, mutant } = this.#options;
    const record = decodeRecord(word.record);
    this.#record = record;
    if (tier.log.trust !== this.#logTrust) {
      // Invalidations may have been missed: what was cached under this trust is void.
      this.#logTrust = tier.log.trust;
      this.#asked = [];
      this.#leaveTerm();
    }
    const term = record === undefined || record.term === "" ? undefined : record.term;
    if (this.#term !== undefined && this.#term !== term) this.#leaveTerm();
    if (term !== undefined && this.#term === undefined) void this.#adopt(term);
    if (record !== undefined && this.#term === term && term !== undefined) {
      const at = mutant === "confirmAtReceipt" ? instant(clock) : this.#confirmedBy(record);
      if (at !== undefined) this.trust.confirm(at);
    }
    const known = this.#position.term === term ? this.#position.position : NO_POSITION;
    this.#position = { term, position: laterPosition(known, record?.position ?? NO_POSITION) };
    this.#asked.push({ at: word.askedAt, term: term ?? "", begun: record?.begun ?? 0 });
    if (this.#asked.length > ASKED_MAX) this.#asked = this.#asked.slice(-ASKED_MAX / 2);
    this.#barriers.heard(this.#term ?? "", record?.passed ?? {});
    const askedMs = word.askedAt.monotonicMs;
    onWord({ raw: word.record, record, over: word.over, askedMs });
  }

  /** When Redis was last asked before the beat was announced that is confirmed. */
  #confirmedBy({ term, confirmed }: LeaderRecord): Instant | undefined {
    return this.#asked.findLast((asked) => asked.term !== term || asked.begun < confirmed)?.at;
  }

  async #adopt(term: string): Promise<void> {
    if (this.#adopting === term) return;
    this.#adopting = term;
    const { poll, drop, tier, source, audience, onTerm } = this.#options;
    const logTrust = this.#logTrust;
    try {
      // Twice: what was being looked up while the first was sent is not among what that one asks for.
      for (let look = 0; look < 2; look++) drop(await poll(), "a changed table, view or function");
    } catch {
      // The database does not answer: tried again with the next word.
      if (this.#adopting === term) this.#adopting = undefined;
      return;
    }
    if (this.#adopting !== term) return;
    this.#adopting = undefined;
    if (this.#closed || this.#record?.term !== term || this.#logTrust !== logTrust) return;
    this.#term = term;
    this.#trusts.renew();
    const trust = this.trust;
    // What another process read under this term may be from before a write of this one.
    if (this.#suspendedAt !== undefined) trust.suspend(this.#suspendedAt);
    trust.audience = audience;
    trust.shared = `${source}@${term}`;
    this.#detach = tier.attach(trust.shared, { trust: () => trust });
    onTerm?.(term);
  }

  #leaveTerm(): void {
    this.#adopting = undefined;
    if (this.#term === undefined) return;
    this.#term = undefined;
    this.#trusts.end();
    this.#detach?.();
    this.#detach = undefined;
    this.#barriers.heard("", {});
    this.#options.onTerm?.(undefined);
  }
}
