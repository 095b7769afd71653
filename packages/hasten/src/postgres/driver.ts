import { createRequire } from "node:module";
import type { TLSSocket } from "node:tls";
import type { Pool, PoolConfig } from "pg";
import { PostgresError } from "./errors.ts";

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
  /** The error that ended it while nothing ran, where there was one. */
  readonly lostBecause?: unknown;
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
