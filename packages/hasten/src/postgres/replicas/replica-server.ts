/**
 * One replica: its pool, what is known of it, and connections that show a session enough.
 *
 * Invariants:
 * - What was learnt of a server's replay on one connection holds for another that was open then: both
 *   live as long as the server does. A connection opened later may be to one that was restarted and
 *   replays again from further back: it is asked itself.
 * - A connection that reports that its server left recovery (`in_hot_standby`, PostgreSQL 14 and later,
 *   told with the statement's own answer) is not read from, and what it has just given is not used.
 * - A lease is given out only when all that `open` was asked for holds; otherwise it is back already.
 */
import type { Clock } from "../../core/clock.ts";
import type { AcquireLimit, Connections } from "../connections.ts";
import { unavailable } from "../failures.ts";
import type { Lease } from "../lease.ts";
import { askOn, askThrough, positionOn } from "./ask.ts";
import { type Moment, thisMoment } from "./order.ts";
import { later, NOWHERE, type Position } from "./position.ts";
import type { PrimaryLog } from "./primary-log.ts";
import type { Reader, Seat } from "./reader.ts";
import type { ServerFacts } from "./server-facts.ts";
import type { ReplicaState } from "./types.ts";
import { type Limits, type Verdict, verdictOn } from "./verdict.ts";

export interface ReplicaServerOptions {
  readonly name: string;
  readonly connections: Connections;
  /** Reserved: what is asked there does not wait behind reads. */
  readonly questions: Connections;
  readonly primary: PrimaryLog;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly waitMs: number;
  readonly probeEveryMs: number;
  readonly timeoutMs: number;
  readonly onState: (server: ReplicaServer, before: ReplicaState) => void;
}

/** A connection, for as long as it is open. */
interface Line extends Seat {
  readonly instance: string;
  readonly openSince: Moment;
  /** Replayed at least this far, asked on the connection itself. */
  floor: Position;
}

export type Opened =
  | { readonly kind: "open"; readonly lease: Lease; readonly seat: Seat; left(): boolean }
  /** `session`: it does not show yet, or is not known to show, what the session has seen. */
  | { readonly kind: "not"; readonly because: "session" | "state" };

interface Learnt {
  readonly instance: string;
  /** Before it was asked. */
  readonly asked: Moment;
  readonly atMs: number;
  readonly position: Position;
}

/** A position learnt so lately is not asked for again. */
const FRESH_MS = 5;
const POLL_MS = 2;
const STARTING: Verdict = {
  state: "connecting",
  because: "it was not asked yet",
  lagMs: undefined,
  lagBytes: undefined,
};

export class ReplicaServer {
  readonly name: string;
  readonly connections: Connections;
  reads = 0;
  failed = 0;
  readonly #options: ReplicaServerOptions;
  readonly #lines = new WeakMap<object, Line>();
  /** Connections whose server said that it left recovery. */
  readonly #promoted = new WeakSet<object>();
  readonly #leases = new Set<Lease>();
  #verdict = STARTING;
  #judgedMs = Number.NEGATIVE_INFINITY;
  #learnt: Learnt | undefined;
  #misses = 0;

  constructor(options: ReplicaServerOptions) {
    this.name = options.name;
    this.connections = options.connections;
    this.#options = options;
    options.connections.pool.on("connect", (client) => {
      const { connection } = client as unknown as { connection?: NodeJS.EventEmitter };
      connection?.on(
        "parameterStatus",
        (told: { parameterName: string; parameterValue: string }) => {
          if (told.parameterName !== "in_hot_standby") return;
          if (told.parameterValue === "off") this.#promoted.add(client);
        },
      );
    });
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /**
   * Whether reads may go there now. A verdict grows old with what it was about: when probes are late (a
   * process that stood still, a machine that is busy), the replica may have fallen behind meanwhile.
   */
  get isReady(): boolean {
    const { clock, limits, probeEveryMs } = this.#options;
    const { state, lagMs = 0 } = this.#verdict;
    const ageMs = clock.nowMs() - this.#judgedMs;
    return state === "ready" && lagMs + ageMs <= limits.maxLagMs + probeEveryMs;
  }

  get replayed(): Position | undefined {
    return this.#learnt?.position;
  }

  /** Share of its connections that is taken, and more for each that waits. */
  get load(): number {
    const { active, waiting, max } = this.connections.stats();
    return (active + waiting) / max;
  }

  /** Whether it may be read by a session, as far as is known without asking: `maybe` after a question. */
  mayShow(reader: Reader): "yes" | "maybe" | "no" {
    if (!this.isReady || this.#learnt === undefined) return "no";
    const { instance, position } = this.#learnt;
    const need = reader.needOn({ instance, openSince: 0 }, this.#options.primary.samples);
    if (need === undefined) return "no";
    return position >= need ? "yes" : "maybe";
  }

  /** Asks how it is. Never rejects. */
  async probe(): Promise<void> {
    const { questions, timeoutMs } = this.#options;
    try {
      const asked = thisMoment();
      const facts = await askThrough(questions, timeoutMs, (lease) => askOn(lease, timeoutMs));
      this.#misses = 0;
      this.#learn(facts, asked);
      this.#judge(this.#verdictOn(facts));
    } catch {
      this.#misses += 1;
      this.lose(this.#misses > 1);
    }
  }

  /** It does not answer; what runs there is given up when that is certain. */
  lose(certain: boolean): void {
    this.#judge({ ...STARTING, state: "unreachable", because: "it does not answer" });
    if (!certain) return;
    for (const lease of this.#leases)
      lease.abandon(unavailable("a replica went silent", undefined, false));
  }

  /** A connection that shows what this session must see. Rejects where none can be had. */
  async open(reader: Reader, limit: AcquireLimit): Promise<Opened> {
    const lease = await this.connections.acquire(limit);
    try {
      const client = await clientOf(lease);
      const line = this.#lines.get(client) ?? (await this.#meet(lease, client));
      const because = await this.#refuses(lease, line, reader);
      const left = (): boolean => this.#promoted.has(client);
      if (because === undefined && !left()) {
        this.#leases.add(lease);
        return { kind: "open", lease, seat: line, left };
      }
      if (left()) this.left();
      lease.release("clean");
      return { kind: "not", because: because ?? "state" };
    } catch (error) {
      lease.release("broken");
      throw error;
    }
  }

  /** The lease that `open` gave is back. */
  done(lease: Lease): void {
    this.#leases.delete(lease);
  }

  /** A connection told that its server is in recovery no longer. */
  left(): void {
    this.#judge({
      ...STARTING,
      state: "promoted",
      because: "it is in recovery no longer: another primary",
    });
  }

  async #meet(lease: Lease, client: object): Promise<Line> {
    const { timeoutMs } = this.#options;
    const openSince = thisMoment();
    const facts = await askOn(lease, timeoutMs);
    const verdict = this.#verdictOn(facts);
    const line = { instance: facts.instance, openSince, floor: facts.position ?? NOWHERE };
    // Behind one name there may be several servers: each is judged by itself.
    if (verdict.state === "ready") this.#lines.set(client, line);
    else if (facts.instance === this.#learnt?.instance) this.#judge(verdict);
    if (verdict.state === "promoted") this.#promoted.add(client);
    if (facts.instance === this.#learnt?.instance) this.#learn(facts, openSince);
    return verdict.state === "ready" ? line : { ...line, instance: "" };
  }

  /** Why the session may not be read to from here, if so. */
  async #refuses(
    lease: Lease,
    line: Line,
    reader: Reader,
  ): Promise<"session" | "state" | undefined> {
    const { primary, clock, waitMs, timeoutMs } = this.#options;
    if (line.instance === "") return "state";
    const need = reader.needOn(line, primary.samples);
    if (need === undefined) return "session";
    const other = line.instance !== this.#learnt?.instance;
    if (!other && this.#shown(line) >= need) return undefined;
    if (!other && waitMs === 0 && clock.nowMs() - this.#learnt!.atMs < FRESH_MS) return "session";
    const untilMs = clock.nowMs() + waitMs;
    for (;;) {
      const asked = thisMoment();
      const facts = await positionOn(lease, timeoutMs);
      if (!facts.standby) return "state";
      line.floor = later(line.floor, facts.position ?? NOWHERE);
      if (!other) this.#learn(facts, asked);
      else if (this.#verdictOn(facts).state !== "ready") return "state";
      if (line.floor >= need) return undefined;
      if (clock.nowMs() >= untilMs) return "session";
      await new Promise<void>((resolve) => clock.schedule(POLL_MS, resolve));
    }
  }

  #shown(line: Line): Position {
    const learnt = this.#learnt;
    const applies = learnt?.instance === line.instance && learnt.asked > line.openSince;
    return applies ? later(line.floor, learnt.position) : line.floor;
  }

  #learn(facts: ServerFacts, asked: Moment): void {
    const { instance, position } = facts;
    if (!facts.standby || position === undefined) return;
    this.#learnt = { instance, asked, atMs: this.#options.clock.nowMs(), position };
  }

  #verdictOn(facts: ServerFacts): Verdict {
    const { primary, clock, limits, probeEveryMs } = this.#options;
    const known = {
      primary: primary.facts,
      samples: primary.samples,
      primaryAnswers: primary.answeredWithin(3 * probeEveryMs),
      nowMs: clock.nowMs(),
    };
    return verdictOn(facts, known, limits);
  }

  #judge(verdict: Verdict): void {
    const before = this.#verdict.state;
    this.#verdict = verdict;
    this.#judgedMs = this.#options.clock.nowMs();
    if (before !== verdict.state) this.#options.onState(this, before);
  }
}

function clientOf(lease: Lease): Promise<object> {
  const onTimeout = () => unavailable("a connection was not given in time", undefined, false);
  return lease.use((client) => Promise.resolve(client), { timeoutMs: 1_000, onTimeout });
}
