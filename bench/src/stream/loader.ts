/** Writes at a rate, or as fast as the server takes it, and tells how much it was. */
import pg from "pg";
import { settingsOf, tellParent } from "./children.ts";
import { nowMs } from "./clock.ts";

export interface LoaderSettings {
  readonly url: string;
  readonly connections: number;
  readonly rowsPerTransaction: number;
  /** Over all connections; undefined: as fast as it goes. */
  readonly transactionsPerSecond?: number | undefined;
  readonly synchronousCommit: "on" | "off";
  readonly rows: number;
  readonly seconds: number;
}

export interface Loaded {
  readonly changes: number;
  readonly commits: number;
  readonly seconds: number;
}

const { url, connections, rowsPerTransaction, transactionsPerSecond, ...more } =
  settingsOf<LoaderSettings>();
const STATEMENT = {
  name: "load",
  text: "update load set n = n + 1 where id between $1 and $2",
};
const startedMs = nowMs();
const endsMs = startedMs + more.seconds * 1_000;
const commits = await Promise.all(Array.from({ length: connections }, (_, lane) => pump(lane)));
const total = commits.reduce((sum, count) => sum + count, 0);
const seconds = (nowMs() - startedMs) / 1_000;
tellParent({ changes: total * rowsPerTransaction, commits: total, seconds } satisfies Loaded);

/** Each connection has rows of its own: nobody waits for another's lock. */
async function pump(lane: number): Promise<number> {
  const client = new pg.Client({
    connectionString: url,
    options: `-c synchronous_commit=${more.synchronousCommit}`,
  });
  await client.connect();
  const own = Math.floor(more.rows / connections);
  const steps = Math.max(1, Math.floor(own / rowsPerTransaction));
  const everyMs =
    transactionsPerSecond === undefined ? 0 : (1_000 * connections) / transactionsPerSecond;
  let done = 0;
  for (; nowMs() < endsMs; done++) {
    const from = lane * own + (done % steps) * rowsPerTransaction + 2;
    await client.query({ ...STATEMENT, values: [from, from + rowsPerTransaction - 1] });
    const dueMs = startedMs + (done + 1) * everyMs - nowMs();
    if (dueMs > 1) await new Promise((resolve) => setTimeout(resolve, dueMs));
  }
  await client.end();
  return done;
}
