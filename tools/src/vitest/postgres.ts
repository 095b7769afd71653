/** One real PostgreSQL for the whole test run; files and processes are gone when it ends, however it ends. */
import type { TestProject } from "vitest/node";
import { type PostgresServer, removePrivateLeftovers, startPostgres } from "../postgres/index.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Administrator's URL of the run's server: make a database of your own with `freshDatabase()`. */
    postgresUrl: string;
  }
}

let server: PostgresServer | undefined;

export async function setup(project: TestProject): Promise<void> {
  server = await startPostgres({
    flags: [
      "shared_preload_libraries=pg_stat_statements",
      "wal_level=logical",
      "max_wal_senders=60",
      "max_replication_slots=60",
    ].flatMap((setting) => ["-c", setting]),
    onNotice: (sentence) => console.log(sentence),
  });
  project.provide("postgresUrl", server.url);
}

export async function teardown(): Promise<void> {
  await server?.stop();
  await removePrivateLeftovers();
}
