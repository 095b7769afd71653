import type { Pool, PoolConfig } from "pg";
import { loadDriver, type PgClient, type PgDriver } from "./driver.ts";
import type { ResolvedOptions } from "./options.ts";
import { typeParsers } from "./parsers.ts";
import { clientThrough, poolThrough } from "./pooler/client.ts";
import type { Pooler } from "./pooler/pooler.ts";

/** Makes the pool. It connects when first asked, not here. `open` holds every client whose socket is open. */
export function createPool(
  options: ResolvedOptions,
  { open, pooler }: { readonly open: Set<PgClient>; readonly pooler: Pooler },
): Pool {
  const driver = loadDriver(options.driver);
  const { pool, target } = options;
  const limits = {
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
  };
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
    ...limits,
    types: typeParsers(driver, options.parsers),
    Client: clientThrough(clientClass(driver, pool.connectTimeoutMs, open), {
      pooler,
      askMs: pool.connectTimeoutMs,
      limits,
    }),
  };
  return new (poolThrough(driver.Pool))(config as unknown as PoolConfig);
}

type Connected = (error?: Error) => void;
interface DriverClient extends Omit<PgClient, "on" | "lostBecause"> {
  on(event: "error" | "end", listener: (error: unknown) => void): unknown;
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
    /** What the server said when it ended the session unasked; the driver's next error does not know. */
    lostBecause: unknown;

    constructor(config: { password?: unknown }) {
      // The pool keeps the password non-enumerable, so a spread alone would lose it.
      super({
        ...config,
        password: config.password,
        connectionTimeoutMillis: connectTimeoutMs,
      });
      open.add(this as unknown as PgClient);
      this.on("error", (error) => {
        this.lostBecause ??= error;
      });
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
