/** The cancel request over TLS, on a server that speaks it. */
import { chmod, chown, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "hasten-tools/postgres";
import { expect, test } from "vitest";
import { CERTIFICATE, KEY } from "../../test/faults/certificate.ts";
import { createDatabase, sql } from "./index.ts";

test("a time-out over TLS is cancelled on the server, and a certificate that is not trusted is refused", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "hasten-tls-"));
  await chmod(dataDir, 0o755);
  const files = await dataFiles(dataDir);
  const { uid, gid } = await stat(files);
  const put = async (name: string, text: string): Promise<void> => {
    const path = join(files, name);
    await writeFile(path, text);
    await chmod(path, 0o600);
    await chown(path, uid, gid);
  };
  await put("server.key", KEY);
  await put("server.crt", CERTIFICATE);
  const server = await startPostgres({ dataDir, flags: ["-c", "ssl=on"] });
  try {
    await using strict = createDatabase({ url: server.url, ssl: true, pool: { min: 0 } });
    await expect(strict.query(sql`select 1`)).rejects.toMatchObject({ code: "HST_PG_UNAVAILABLE" });
    const host = "localhost";
    const ssl = { ca: CERTIFICATE };
    await using db = createDatabase({ url: server.url, host, ssl, pool: { min: 0, max: 1 } });
    await using watcher = createDatabase({ url: server.url, pool: { min: 0, max: 1 } });
    const encrypted = sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
    expect(await db.queryOne(encrypted)).toEqual({ ssl: true });
    const slow = db.query(sql`select pg_sleep(${30})`, { timeoutMs: 100 });
    await expect(slow).rejects.toMatchObject({ code: "HST_PG_TIMEOUT" });
    const running = sql`
      select count(*)::int as n from pg_stat_activity
      where state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()`;
    await expect.poll(() => watcher.queryOne(running), { timeout: 1_000 }).toEqual({ n: 0 });
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});

/** Makes the cluster, and says where its files are. */
async function dataFiles(dataDir: string): Promise<string> {
  const server = await startPostgres({ dataDir });
  const db = createDatabase({ url: server.url, pool: { min: 0 } });
  const row = await db.queryOne<{ data_directory: string }>(sql`show data_directory`);
  await db.drain();
  await server.stop();
  return row!.data_directory;
}
