/**
 * Which server and database a connection is to: names tell too little, two servers may have
 * databases of one name.
 *
 * Invariants:
 * - Two connections are to the same data if both databases have the same oid and the server was
 *   started at the same microsecond; that also tells a primary from its copies and from its successor.
 * - A replica is known by the system identifier that it shares with its primary, if both may be asked.
 * - What could not be compared is not the same.
 */
import type { Clock } from "../../core/clock.ts";
import { untraced } from "../../core/trace/index.ts";

export interface Identity {
  /** The database's oid. */
  readonly database: string;
  /** When the server was started, in seconds. */
  readonly started: string;
  /** Undefined where it was not asked for, or the role may not ask. */
  readonly system: string | undefined;
}

export const IDENTITY_COLUMNS = `(select d.oid::text from pg_catalog.pg_database d
    where d.datname = pg_catalog.current_database()) as oid,
  extract(epoch from pg_catalog.pg_postmaster_start_time())::text as started,
  pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')::text as "mayAsk"`;

/** Asked apart: the server refuses the whole statement to a role that may not call it. */
export const SYSTEM_SQL =
  "select system_identifier::text as system from pg_catalog.pg_control_system()";

type Row = Readonly<Record<string, unknown>>;
type Run = (text: string) => Promise<readonly Row[]>;

/** Asks the server whose changes are learnt. */
export async function identify(run: Run): Promise<Identity> {
  const [row] = await run(`select ${IDENTITY_COLUMNS}`);
  const system = row?.["mayAsk"] === "true" ? (await run(SYSTEM_SQL))[0] : undefined;
  return identityOf(row ?? {}, system);
}

export function identityOf(row: Row, system: Row | undefined): Identity {
  return {
    database: String(row["oid"]),
    started: String(row["started"]),
    system: system === undefined ? undefined : String(system["system"]),
  };
}

export function isSame(known: Identity, other: Identity, standby: boolean): boolean {
  if (known.database !== other.database) return false;
  if (known.started === other.started) return true;
  return standby && known.system !== undefined && known.system === other.system;
}

/** An unknown server is asked again at most this often. */
const AGAIN_MS = 250;
const WAIT_MS = 250;

/** The server whose changes are learnt, as far as it is known. */
export class KnownServer {
  readonly #identify: (() => Promise<Identity>) | undefined;
  readonly #clock: Clock;
  #identity: Identity | undefined;
  #asking: Promise<void> | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** Without `identify` databases are told apart by their names alone. */
  constructor(identify: (() => Promise<Identity>) | undefined, clock: Clock) {
    this.#identify = identify;
    this.#clock = clock;
  }

  /** When the latest answer was asked for. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** The same object until it is another one; undefined while it is not known. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  get byNameAlone(): boolean {
    return this.#identify === undefined;
  }

  /** Asks again, not too often: it may have been started anew. Resolves soon, whatever comes. */
  ask(): Promise<void> {
    if (this.#identify === undefined) return Promise.resolve();
    if (this.#asking !== undefined) return this.#soon(this.#asking);
    if (this.#clock.nowMs() - this.#askedMs < AGAIN_MS) return Promise.resolve();
    const askedMs = this.#clock.nowMs();
    this.#askedMs = askedMs;
    const ask = this.#identify;
    const asked = untraced(async () => ask()).then(
      (identity) => {
        const before = this.#identity;
        if (before === undefined || JSON.stringify(before) !== JSON.stringify(identity))
          this.#identity = identity;
        this.#sinceMs = askedMs;
      },
      () => {
        this.#identity = undefined;
      },
    );
    this.#asking = asked.finally(() => {
      this.#asking = undefined;
    });
    return this.#soon(this.#asking);
  }

  #soon(work: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.schedule(WAIT_MS, resolve);
    void work.then(() => {
      timer.cancel();
      resolve();
    });
    return promise;
  }
}
