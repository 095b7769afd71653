import { createRequire } from "node:module";
import type { TLSSocket } from "node:tls";
import type { Pool, PoolConfig } from "pg";
import { PostgresError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";
import { typeParsers } from "./parsers.ts";

/** The part of the `pg` module that hasten uses. */
export interface PgDriver {
  readonly Pool: new (config: PoolConfig) => Pool;
  readonly Client: new (config: never) => unknown;
  readonly types: { getTypeParser(oid: number, format?: string): unknown };
}

/** One statement as the driver takes it. Always the extended protocol: one statement, parameters apart. */
export interface PgStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly queryMode: "extended";
  readonly name?: string;
}

export interface PgResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: readonly unknown[];
}

/** The part of a checked-out client that hasten uses. */
export interface PgClient {
  query(statement: PgStatement): Promise<PgResult>;
  release(destroy?: boolean): void;
  on(event: "error", listener: () => void): unknown;
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly connection?: { readonly stream?: TLSSocket };
  pipeline?: boolean;
}

/** Finds `pg`, an optional peer, when the first database is created. @throws HST_PG_DRIVER */
export function loadDriver(given: PgDriver | undefined): PgDriver {
  if (given !== undefined) return given;
  try {
    return createRequire(import.meta.url)("pg") as PgDriver;
  } catch (cause) {
    throw new PostgresError(
      "HST_PG_DRIVER",
      {
        message: "The package pg could not be loaded.",
        fix: "Run npm install pg, or pass driver: (await import('pg')).default.",
      },
      { cause },
    );
  }
}

/** Makes the pool. It connects when first asked, not here. `open` holds every client whose socket is open. */
export function createPool(options: ResolvedOptions, open: Set<PgClient>): Pool {
  const driver = loadDriver(options.driver);
  const { pool, target } = options;
  const config = {
    ...target,
    min: pool.min,
    max: pool.max,
    idleTimeoutMillis: pool.idleMs,
    connectionTimeoutMillis: pool.acquireTimeoutMs,
    maxLifetimeSeconds: Math.ceil(pool.lifetimeMs / 1_000),
    allowExitOnIdle: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: options.keepAliveMs,
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
    types: typeParsers(driver, options.parsers),
    Client: clientClass(driver, pool.connectTimeoutMs, open),
  };
  return new driver.Pool(config as unknown as PoolConfig);
}

type Connected = (error?: Error) => void;
interface DriverClient extends Omit<PgClient, "on"> {
  on(event: "error" | "end", listener: () => void): unknown;
  connect(connected: Connected): void;
}

/**
 * The driver's client with three things more: connecting has a time-out of its own (pg-pool has one
 * setting for waiting and connecting), a failed connect closes its socket (the driver leaves it open
 * when authentication fails on this side), and a lost connection never throws for want of a listener.
 */
function clientClass(driver: PgDriver, connectTimeoutMs: number, open: Set<PgClient>): unknown {
  const Client = driver.Client as unknown as new (config: object) => DriverClient;
  return class extends Client {
    constructor(config: { password?: unknown }) {
      // The pool keeps the password non-enumerable, so a spread alone would lose it.
      super({
        ...config,
        password: config.password,
        connectionTimeoutMillis: connectTimeoutMs,
      });
      open.add(this as unknown as PgClient);
      this.on("error", () => undefined);
      this.on("end", () => open.delete(this as unknown as PgClient));
    }

    override connect(connected: Connected): void {
      super.connect((error) => {
        if (error) this.connection?.stream?.destroy();
        connected(error);
      });
    }
  };
}
