/**
 * What one connection has become by the statements that ran on it, in their order.
 *
 * Invariants:
 * - Applied in the order of execution, one statement after the other, none left out.
 * - What is not known counts as changed: nothing read on such a connection is tracked.
 * - The server's word (transaction status, command tags, reported settings) goes before the text's.
 */
import type {
  Isolation,
  SessionEffect,
  SessionFacts,
  SessionSetting,
} from "../statements/analysis.ts";
import { CAUSES } from "./causes.ts";
import { type Facts, SHOWN } from "./facts.ts";
import { type Identity, isSame, type KnownServer } from "./identity.ts";
import { PoolerSessions } from "./pooled.ts";
import type { Run } from "./run.ts";

interface Transaction {
  readonly begunMs: number;
  readonly begunSeq: number;
  isolation: Isolation | string | undefined;
  wrote: boolean;
}

/** One pool's (or client's) connections: they must show values alike. */
export interface Family {
  /** What the first of them that was read from shows values by. */
  display: string | undefined;
  /** The pool runs what prepares a connection for nobody in particular. */
  readonly ofPool: boolean;
}

/** How values are shown: a driver or pool may set it on a new connection, the same on each. */
const DISPLAY_SETTINGS: ReadonlySet<string> = new Set([
  "bytea_output",
  "client_encoding",
  "datestyle",
  "extra_float_digits",
  "intervalstyle",
  "standard_conforming_strings",
  "timezone",
]);

/** Catalog reads of a new connection that are taken for its preparation. */
const LOOKS_MAX = 4;
const LOOK = /^the system table |^SHOW\b/;

const UNKNOWN: SessionFacts = { searchPath: '"$user", public', role: "" };

export class SessionState {
  /** Behind a pooler each transaction may run on another session. */
  readonly pooler: PoolerSessions = new PoolerSessions();
  readonly #family: Family;
  readonly #reported = new Map<string, string>();
  readonly #settings = new Map<string, string>();
  /** Nothing but settings ran on it so far. */
  #young = true;
  /** Something else than the catalog was read or written. */
  #served = false;
  #looks = 0;
  #display = "";
  #facts: Facts | undefined;
  #unknown: string | undefined = CAUSES.noFacts;
  #changed: string | undefined;
  #changedLocally: string | undefined;
  #transaction: Transaction | undefined;
  #standby: boolean | undefined;
  #login: string | undefined;
  #learnedMs = 0;
  #system: string | undefined;
  #compared: { with: Identity; standby: boolean; same: boolean } | undefined;
  #toldAtLogin: ReadonlyMap<string, string> | undefined;

  constructor(family: Family) {
    this.#family = family;
  }

  get facts(): Facts | undefined {
    return this.#facts;
  }

  /** The same object until it means something else. */
  get session(): SessionFacts {
    return this.#facts?.session ?? UNKNOWN;
  }

  get inTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  get standby(): boolean {
    return this.#standby ?? this.#facts?.standby ?? false;
  }

  learn(facts: Facts, { asFound, nowMs }: { asFound: boolean; nowMs: number }): void {
    this.#facts = facts;
    this.#compared = undefined;
    this.#learnedMs = nowMs;
    this.#unknown = undefined;
    this.#login = this.#reported.get("session_authorization");
    for (const [name, value] of facts.shown) this.#reported.set(name, value);
    this.#show();
    if (asFound) this.#changed = facts.changed;
  }

  /** What was reported before anything was asked. */
  get toldAtLogin(): ReadonlyMap<string, string> {
    this.#toldAtLogin ??= new Map(this.#reported);
    return this.#toldAtLogin;
  }

  /** The system that a replica copies. */
  copies(system: string | undefined): void {
    this.#system = system;
    this.#compared = undefined;
  }

  /** Why what is read here may be another database's than the one whose changes are known. */
  serverBecause(server: KnownServer): string | undefined {
    if (server.byNameAlone) return undefined;
    const { identity } = server;
    if (identity !== undefined && this.#isOf(identity)) return undefined;
    void server.ask();
    if (identity === undefined || this.#facts === undefined) return CAUSES.unidentified;
    // One of them may have been started anew since.
    if (server.sinceMs < this.#learnedMs) return CAUSES.unidentified;
    const asked = identity.system !== undefined && this.#system !== undefined;
    return this.standby && !asked ? CAUSES.noSystem : CAUSES.otherDatabase;
  }

  #isOf(identity: Identity): boolean {
    const { standby } = this;
    if (this.#compared?.with === identity && this.#compared.standby === standby)
      return this.#compared.same;
    if (this.#facts === undefined) return false;
    const mine = { ...this.#facts.identity, system: this.#system };
    this.#compared = { with: identity, standby, same: isSame(identity, mine, standby) };
    return this.#compared.same;
  }

  /**
   * Whether this only prepares a new connection, as an ORM does that asks for the types of the
   * database: a few looks at the catalog before anything else was read.
   */
  isPreparing({ analysis }: Run): boolean {
    if (this.#served || this.#looks >= LOOKS_MAX) return false;
    return analysis?.kind === "opaque" && !analysis.mayWrite && LOOK.test(analysis.because);
  }

  /** Nothing is known of it any more, until it is asked or reset. */
  lose(cause: string): void {
    this.#unknown = cause;
  }

  /** A transaction may be open of which nothing is known. */
  joinTransaction(): void {
    this.#transaction = {
      begunMs: Number.NEGATIVE_INFINITY,
      begunSeq: 0,
      isolation: undefined,
      wrote: true,
    };
  }

  /** The server reports a setting. */
  reported(name: string, value: string): void {
    this.#reported.set(name, value);
    if (name === "in_hot_standby") this.#standby = value === "on";
    if (SHOWN.includes(name)) this.#show();
  }

  /** Why what is read here depends on more than its text and parameters. */
  changedBecause(): string | undefined {
    const reported = this.#reported;
    const path = reported.get("search_path");
    if (this.#changed !== undefined) return this.#changed;
    if (this.#changedLocally !== undefined) return this.#changedLocally;
    if (this.#facts === undefined) return undefined;
    if (path !== undefined && path !== this.#facts.session.searchPath) return CAUSES.searchPath;
    if (reported.get("session_authorization") !== this.#login) return CAUSES.role;
    if (reported.get("standard_conforming_strings") === "off") return CAUSES.backslashes;
    this.#family.display ??= this.#display;
    return this.#family.display === this.#display ? undefined : CAUSES.display;
  }

  get unknownBecause(): string | undefined {
    return this.#unknown;
  }

  /** Why a read of this trace did not see what is committed, and only that. */
  snapshotBecause(run: Run): string | undefined {
    const transaction = this.#transaction;
    if (transaction === undefined) return undefined;
    if (transaction.wrote) return CAUSES.afterWrite;
    const isolation = transaction.isolation ?? this.#facts?.isolation;
    if (isolation === "read committed" || isolation === "read uncommitted") return undefined;
    const { trace } = run;
    const fresh =
      trace !== undefined &&
      transaction.begunSeq >= trace.seq &&
      transaction.begunMs >= trace.startedMs;
    return fresh ? undefined : CAUSES.oldSnapshot;
  }

  /** Applies a statement that ended. */
  apply(run: Run): void {
    const { analysis, outcome } = run;
    if (outcome === "unsent") return;
    if (outcome === "lost") this.lose(CAUSES.timedOut);
    if (analysis?.kind === "opaque" && analysis.stateful && outcome !== "refused")
      this.#change(analysis.because, analysis.local === true);
    if (analysis?.kind === "session" && outcome === "answered") this.#effect(analysis.effect, run);
    if (analysis?.kind !== "session") this.#young = false;
    if (this.isPreparing(run)) this.#looks += 1;
    else if (analysis?.kind !== "session") this.#served = true;
    this.#follow(run);
  }

  /** A statement wrote, or may have, in the open transaction. */
  wrote(): void {
    if (this.#transaction !== undefined) this.#transaction.wrote = true;
  }

  #effect(effect: SessionEffect, run: Run): void {
    if (effect.kind === "stateful" && !this.#prepares(effect.settings, run)) {
      const { settings } = effect;
      const locally = settings?.every(({ local }) => local) ?? false;
      this.#change(effect.because, locally);
    }
    if (effect.kind === "discard-all") {
      this.#changed = undefined;
      this.#changedLocally = undefined;
      if (this.#facts !== undefined) this.#unknown = undefined;
    }
    if (effect.kind === "isolation" && this.#transaction !== undefined)
      this.#transaction.isolation = effect.isolation;
  }

  /** Whether this only prepares a new connection, as it does every other. */
  #prepares(settings: readonly SessionSetting[] | undefined, { trace }: Run): boolean {
    if (settings === undefined || !this.#young || this.#facts === undefined) return false;
    const path = this.#reported.get("search_path");
    const known = settings.every(
      ({ name, local }) =>
        !local &&
        (DISPLAY_SETTINGS.has(name) ||
          (name === "search_path" && trace === undefined && path !== undefined)),
    );
    if (!known) return false;
    for (const { name, value } of settings) this.#settings.set(name, value);
    const { session } = this.#facts;
    if (path !== undefined && trace === undefined && path !== session.searchPath) {
      this.#facts = { ...this.#facts, session: { ...session, searchPath: path } };
    }
    this.#show();
    return true;
  }

  #show(): void {
    const reported = SHOWN.map((name) => this.#reported.get(name));
    const set = [...DISPLAY_SETTINGS].map((name) => this.#settings.get(name));
    this.#display = [...reported, ...set].join("\n");
  }

  #change(because: string, locally: boolean): void {
    if (locally) this.#changedLocally ??= because;
    else this.#changed ??= because;
  }

  /** The server's word on the transaction. */
  #follow(run: Run): void {
    const { status } = run;
    if (status === "I") {
      this.#transaction = undefined;
      this.#changedLocally = undefined;
    }
    if (status !== "T" && status !== "E") return;
    if (this.#transaction !== undefined && !run.committed) return;
    const { analysis } = run;
    const begin =
      analysis?.kind === "session" && analysis.effect.kind === "begin"
        ? analysis.effect.isolation
        : this.#transaction?.isolation;
    this.#transaction = {
      begunMs: run.calledMs,
      begunSeq: run.calledSeq,
      isolation: begin,
      wrote: analysis?.kind === "write" || analysis?.kind === "opaque",
    };
    if (run.committed) this.#changedLocally = undefined;
  }
}
