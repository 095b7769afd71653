/** Databases for tests, on the run's server. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

// The type of inject("postgresUrl").
import type {} from "./postgres.ts";

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly name: string;
  /** Ends its sessions and drops it. */
  drop(): Promise<void>;
}

/** An empty database of its own for one test or one file: `await using db = await freshDatabase()`. */
export async function freshDatabase(options: { template?: string } = {}): Promise<TestDatabase> {
  const adminUrl = inject("postgresUrl");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const template = pg.escapeIdentifier(options.template ?? "template0");
  await administer(adminUrl, `create database ${name} template ${template}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const drop = (): Promise<void> =>
    administer(adminUrl, `drop database if exists ${name} with (force)`);
  return { url: url.href, name, drop, [Symbol.asyncDispose]: drop };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
