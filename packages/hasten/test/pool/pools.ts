/** Pools of every kind, watched. */
import { readFileSync } from "node:fs";
import type { PoolWatchEvent } from "hasten/postgres";
import type { TestDatabase } from "hasten-tools/vitest";
import knex, { type Knex } from "knex";
import pg from "pg";
import { Sequelize } from "sequelize";

export const poolOf = (target: TestDatabase, options: pg.PoolConfig = {}): pg.Pool => {
  const pool = new pg.Pool({ connectionString: target.url, max: 2, ...options });
  pool.on("error", () => undefined);
  return pool;
};

export const sequelizeOf = (target: TestDatabase, max = 2): Sequelize =>
  new Sequelize(target.url, { logging: false, pool: { max, acquire: 1_000 } });

export const knexOf = (target: TestDatabase, max = 2): Knex =>
  knex({
    client: "pg",
    connection: target.url,
    pool: { min: 0, max },
    acquireConnectionTimeout: 1_000,
    log: { warn: () => undefined },
  });

/** The line of a test file that holds the mark, counted from 1. */
export function lineWith(url: string, mark: string): number {
  const lines = readFileSync(new URL(url), "utf8").split("\n");
  return lines.findIndex((line) => line.includes(`// ${mark}`)) + 1;
}

type Told<Kind> = PoolWatchEvent extends infer Event
  ? Event extends { kind: infer Kinds }
    ? Kind extends Kinds
      ? Event
      : never
    : never
  : never;

/** Gathers events, and waits for the next one of a kind. */
export class Events {
  readonly all: PoolWatchEvent[] = [];
  readonly listen = (event: PoolWatchEvent): void => {
    this.all.push(event);
  };

  of<Kind extends PoolWatchEvent["kind"]>(kind: Kind): Told<Kind>[] {
    return this.all.filter((event) => event.kind === kind) as never;
  }
}

/** Sockets and timers that keep the process alive. */
export function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo())
    if (name === "TCPSocketWrap" || name === "Timeout") counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
