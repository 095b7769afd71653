/**
 * The replicas of a database: asked how they are every so often, read from where that is right.
 *
 * Invariants:
 * - Each round asks the primary first: what a replica has replayed is compared with a position that
 *   the primary had before.
 * - A replica that is skipped is asked like any other, and read from again when it is fit: nothing
 *   has to be done for it.
 * - Nothing here rejects for a replica's sake. Closing leaves no timer and no connection.
 */
import type { Pool } from "pg";
import { channels } from "../../core/channels.ts";
import type { Timer } from "../../core/clock.ts";
import { untraced } from "../../core/trace/index.ts";
import { type Connections, createConnections } from "../connections.ts";
import type { PgResult } from "../driver.ts";
import type { PoolEvent } from "../establish.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Surroundings } from "../session.ts";
import type { Statement } from "../sql.ts";
import { watchedPools } from "../watch/watched-pools.ts";
import { noticing, whenOver } from "./noticing.ts";
import { formatPosition } from "./position.ts";
import { PrimaryLog } from "./primary-log.ts";
import { ReadableTexts } from "./readable.ts";
import type { ReadFrom, ReplicaReads } from "./reads.ts";
import { ReplicaServer } from "./replica-server.ts";
import { resolveReads, resolveReplicas } from "./resolve.ts";
import { chooseFor, openOn, type ReadOptions, type RouteParts, readOn } from "./route.ts";
import { Sessions } from "./sessions.ts";
import type { ReplicaState, ReplicasStats } from "./types.ts";

/** What the caller says about one read. */
interface Wish {
  readonly read?: ReadFrom | undefined;
  readonly fills?: boolean | undefined;
}

interface Counts {
  noneReady: number;
  session: number;
  failed: number;
  notReadable: number;
  primary: number;
}

/** A server that does not answer for this long is skipped. */
const ANSWER_MS = 1_000;

export class Replicas {
  readonly sessions: Sessions;
  /** Of the primary: they tell sessions what was done there. */
  readonly connections: Connections;
  readonly #reads: Required<ReplicaReads>;
  readonly #options: ResolvedOptions;
  readonly #database: string;
  readonly #servers: readonly ReplicaServer[];
  readonly #primary: PrimaryLog;
  readonly #opened: readonly Connections[];
  readonly #parts: RouteParts;
  readonly #counts: Counts = { noneReady: 0, session: 0, failed: 0, notReadable: 0, primary: 0 };
  #timer: Timer | undefined;
  #round: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ResolvedOptions, own: Connections, parts: ReplicasParts) {
    const { database, around } = parts;
    this.#options = options;
    this.#database = database;
    this.#reads = resolveReads(options.replicaReads);
    this.#parts = { texts: new ReadableTexts(), around };
    const { clock } = options;
    const timeoutMs = ANSWER_MS;
    const opened: Connections[] = [];
    const open = (given: ResolvedOptions): Connections => {
      const made = createConnections(given, database);
      opened.push(made);
      return made;
    };
    this.#primary = new PrimaryLog({ connections: open(reserved(options)), clock, timeoutMs });
    const shared = {
      ...this.#reads,
      primary: this.#primary,
      clock,
      limits: this.#reads,
      timeoutMs,
    };
    this.#servers = resolveReplicas(options).map(
      (one) =>
        new ReplicaServer({
          ...shared,
          name: one.name,
          connections: open(one.options),
          questions: open(reserved(one.options)),
          onState: (server, before) => this.#tell(server, before),
        }),
    );
    this.#opened = opened;
    this.sessions = new Sessions(this.#primary);
    this.connections = noticing(own, () => this.#begun());
    this.#round = this.#probe();
  }

  /** The pools that reads go to, for whoever watches them. */
  get pools(): readonly Pool[] {
    return this.#servers.map(({ connections }) => connections.pool);
  }

  /** Answers where a replica may and can; undefined: the primary has to. */
  async read(statement: Statement, options: ReadOptions & Wish): Promise<PgResult | undefined> {
    if (!this.#mayRead(statement.text, options)) {
      this.#counts.notReadable += 1;
      return undefined;
    }
    const reader = this.sessions.current();
    const { timeoutMs, signal } = options;
    const server = chooseFor(this.#servers, reader);
    if (typeof server === "string") return this.#toPrimary(server);
    const { clock } = this.#options;
    const untilMs = clock.nowMs() + timeoutMs;
    const opened = await openOn(server, reader, { timeoutMs, signal, use: "query" });
    if (opened.kind === "failed") return this.#toPrimary("failed");
    if (opened.kind === "not")
      return this.#toPrimary(opened.because === "session" ? "session" : "noneReady");
    const leftMs = Math.max(1, untilMs - clock.nowMs());
    const what = { statement, options: { ...options, timeoutMs: leftMs }, reader };
    const routed = await readOn(server, opened, what, this.#parts);
    return routed.kind === "answered" ? routed.result : this.#toPrimary(routed.because);
  }

  /** For one reading transaction: the first connection asked for is a replica's where that can be. */
  forReading(): Connections {
    let first = true;
    return {
      ...this.connections,
      acquire: async (limit) => {
        const lease = first ? await this.#lease(limit) : undefined;
        first = false;
        return lease ?? this.connections.acquire(limit);
      },
    };
  }

  async warm(): Promise<void> {
    await Promise.all(this.#servers.map(({ connections }) => connections.warm()));
  }

  stats(): ReplicasStats {
    const { primary, ...reads } = this.#counts;
    const all = this.#servers.reduce((sum, { reads: some }) => sum + some, primary);
    const replicas = this.#servers.map((server) => ({
      name: server.name,
      ...server.verdict,
      replayed: server.replayed === undefined ? undefined : formatPosition(server.replayed),
      reads: server.reads,
      share: all === 0 ? 0 : server.reads / all,
      failed: server.failed,
      pool: server.connections.stats(),
    }));
    return { replicas, primary: reads };
  }

  /** Resolves when every server was asked once more. */
  async probed(): Promise<void> {
    await this.#round;
    await this.#ask();
  }

  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#primary.close();
    await Promise.all(this.#opened.map((one) => one.close(timeoutMs)));
    await this.#round;
  }

  #mayRead(text: string, { read: asked, fills }: Wish): boolean {
    if ((asked ?? this.#reads.default) === "primary") return false;
    // Kept for others, rows of the past would outlive the lag: whoever watches the pool prevents that.
    if (
      fills === true &&
      asked !== "replica" &&
      !this.pools.every((pool) => watchedPools.has(pool))
    )
      return false;
    const readable = this.#parts.texts.of(text);
    return readable === "plain" || (readable === "local" && asked === "replica");
  }

  #toPrimary(because: "noneReady" | "session" | "failed"): undefined {
    this.#counts[because] += 1;
    this.#counts.primary += 1;
    return undefined;
  }

  async #lease(limit: Parameters<Connections["acquire"]>[0]) {
    const reader = this.sessions.current();
    const server = chooseFor(this.#servers, reader);
    if (typeof server === "string") return this.#toPrimary(server);
    const opened = await openOn(server, reader, limit);
    if (opened.kind !== "open") return this.#toPrimary("failed");
    return whenOver(opened.lease, () => {
      server.done(opened.lease);
      server.reads += 1;
      reader.usedReplica(opened.seat);
    });
  }

  /** Something is done on the primary: whose it is, is told when it is over. */
  #begun(): () => void {
    const reader = this.sessions.current();
    return () => {
      reader.usedPrimary();
      this.#primary.want();
    };
  }

  #probe(): Promise<void> {
    return untraced(async () => {
      await this.#ask();
      if (this.#closed) return;
      this.#timer = this.#options.clock.schedule(this.#reads.probeEveryMs, () => {
        this.#round = this.#probe();
      });
    });
  }

  async #ask(): Promise<void> {
    const asked = this.#primary.ask().catch(() => undefined);
    // A primary that is silent must not hide how the replicas are.
    if (
      this.#primary.facts === undefined ||
      this.#primary.answeredWithin(2 * this.#reads.probeEveryMs)
    )
      await asked;
    await Promise.all(this.#servers.map((server) => server.probe()));
  }

  #tell(server: ReplicaServer, before: ReplicaState): void {
    if (!channels.poolEvent.hasSubscribers) return;
    const { state, because } = server.verdict;
    const why = because === undefined ? "" : `: ${because}`;
    const event: PoolEvent = {
      kind: "replica",
      database: this.#database,
      because: `${server.name}: ${before} -> ${state}${why}`,
    };
    channels.poolEvent.publish(event);
  }
}

export interface ReplicasParts {
  readonly database: string;
  readonly around: Surroundings;
}

/** One connection, apart from those that serve. */
function reserved(options: ResolvedOptions): ResolvedOptions {
  const target = options.directTarget ?? options.target;
  const pool = { ...options.pool, min: 0, max: 1 };
  return { ...options, target, pool, poolWatch: false };
}
