/**
 * Fills a database with the demo's rows.
 *
 * Invariants:
 * - one chunk is in memory at a time, however many rows are asked for;
 * - rows and the count of rows done are committed together, so a killed seed goes on where it was and a row that
 *   somebody has deleted since does not come back.
 */
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import {
  DEMO_PASSWORD,
  DEMO_ROLES,
  DOMAINS,
  domainRow,
  metricRow,
  OBJECTIVES,
  objectiveRow,
  type SeedRow,
  USERS,
  userRow,
} from "./rows.ts";

export interface SeedOptions {
  readonly url: string;
  /** Metrics that exist afterwards. */
  readonly metrics: number;
  /** Whether the demo's accounts are made: in the embedded server only. */
  readonly demoUsers: boolean;
  readonly hashPassword: (password: string) => Promise<string>;
  /** Called after each chunk. */
  readonly onProgress?: (progress: SeedProgress) => void;
  readonly signal?: AbortSignal;
}

export interface SeedProgress {
  readonly kind: string;
  readonly done: number;
  readonly of: number;
}

interface Kind {
  readonly table: string;
  readonly rows: number;
  readonly row: (at: number) => SeedRow;
  readonly demo?: boolean;
}

const ROWS_PER_CHUNK = 1_000;
const VACUUMS_MAX = 5;
const VACUUM_AGAIN_MS = 300;

/** Resolves with the number of rows made now. */
export async function seed(options: SeedOptions): Promise<number> {
  if (options.metrics === 0 && !options.demoUsers) return 0;
  const client = new pg.Client({
    connectionString: options.url,
    application_name: "metrics-api seed",
  });
  await client.connect();
  try {
    await client.query("set synchronous_commit = off");
    let made = 0;
    for (const kind of kindsOf(options)) made += await seedKind(client, kind, options);
    if (options.demoUsers) await demoPasswords(client, options.hashPassword);
    if (made > 0) await tidy(client);
    return made;
  } finally {
    await client.end();
  }
}

function kindsOf({ metrics, demoUsers }: SeedOptions): readonly Kind[] {
  const all: readonly (Kind & { readonly wanted: boolean })[] = [
    { table: "domains", rows: DOMAINS, row: domainRow, wanted: metrics > 0 },
    { table: "users", rows: USERS, row: userRow, wanted: demoUsers, demo: true },
    { table: "objectives", rows: OBJECTIVES, row: objectiveRow, wanted: metrics > 0 },
    { table: "metrics", rows: metrics, row: metricRow, wanted: metrics > 0 },
  ];
  return all.filter((it) => it.wanted);
}

async function seedKind(client: pg.Client, kind: Kind, options: SeedOptions): Promise<number> {
  await client.query("insert into metrics_api.seed values ($1, 0) on conflict do nothing", [
    kind.table,
  ]);
  let made = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const chunk = await seedChunk(client, kind);
    if (chunk.made === 0) return made;
    made += chunk.made;
    options.onProgress?.({ kind: kind.table, done: chunk.done, of: kind.rows });
  }
}

async function seedChunk(client: pg.Client, kind: Kind): Promise<{ made: number; done: number }> {
  await client.query("begin");
  try {
    const { rows } = await client.query<{ rows_done: string }>(
      "select rows_done from metrics_api.seed where kind = $1 for update",
      [kind.table],
    );
    const from = Number(rows[0]?.rows_done ?? 0);
    const to = Math.min(from + ROWS_PER_CHUNK, kind.rows);
    if (to <= from) {
      await client.query("rollback");
      return { made: 0, done: from };
    }
    await insert(client, kind, { from, to });
    await client.query("update metrics_api.seed set rows_done = $2 where kind = $1", [
      kind.table,
      to,
    ]);
    await client.query("commit");
    return { made: to - from, done: to };
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

async function insert(
  client: pg.Client,
  kind: Kind,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const rows = Array.from({ length: to - from }, (_, at) => kind.row(from + at));
  const [column, value] = kind.demo ? [", demo", ", true"] : ["", ""];
  await client.query(
    `insert into ${kind.table} (id, document, created_at, updated_at${column})
     select id, document, created_at, updated_at${value}
     from unnest($1::uuid[], $2::jsonb[], $3::timestamptz[], $4::timestamptz[])
       as row (id, document, created_at, updated_at)
     on conflict do nothing`,
    [
      rows.map((row) => row.id),
      rows.map((row) => JSON.stringify(row.document)),
      rows.map((row) => row.createdAt),
      rows.map((row) => row.updatedAt),
    ],
  );
}

/**
 * Vacuum marks a page as visible to everyone, which spares index scans the table, only once its commits are on disk
 * and nobody has an older snapshot; nothing would mark these pages later, as they do not change.
 */
async function tidy(client: pg.Client): Promise<void> {
  await client.query("set synchronous_commit = on");
  await client.query("update metrics_api.seed set rows_done = rows_done");
  for (let attempt = 0; attempt < VACUUMS_MAX; attempt++) {
    if (attempt > 0) await delay(VACUUM_AGAIN_MS);
    await client.query("vacuum (analyze) metrics, domains, objectives, users");
    const { rows } = await client.query<{ done: boolean }>(
      "select relallvisible >= relpages as done from pg_class where oid = 'metrics'::regclass",
    );
    if (rows[0]?.done === true) return;
  }
}

async function demoPasswords(
  client: pg.Client,
  hashPassword: SeedOptions["hashPassword"],
): Promise<void> {
  for (const [at] of DEMO_ROLES.entries()) {
    const { id } = userRow(at);
    const missing = await client.query(
      `select 1 from users where id = $1 and demo
         and not exists (select 1 from user_credentials where user_id = users.id)`,
      [id],
    );
    if (missing.rowCount === 0) continue;
    await client.query(
      "insert into user_credentials (user_id, password_hash) values ($1, $2) on conflict do nothing",
      [id, await hashPassword(DEMO_PASSWORD)],
    );
  }
}
