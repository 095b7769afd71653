/** A server that speaks TLS and nothing else. */
import { chmod, chown, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sql } from "../../src/postgres/index.ts";
import { CERTIFICATE, KEY } from "./certificate.ts";
import {
  administer,
  expectBreaker,
  expectFault,
  expectRecovery,
  failure,
  leavesNothing,
  type OwnServer,
  ownServer,
  quick,
} from "./world.ts";

let server: OwnServer;
beforeAll(async () => {
  server = await ownServer();
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query("show data_directory");
  await client.end();
  const files: string = rows[0].data_directory;
  const { uid, gid } = await stat(files);
  const put = async (name: string, text: string): Promise<void> => {
    await writeFile(join(files, name), text);
    await chmod(join(files, name), 0o600);
    await chown(join(files, name), uid, gid);
  };
  await put("server.key", KEY);
  await put("server.crt", CERTIFICATE);
  await put("pg_hba.conf", "hostssl all all all scram-sha-256\n");
  await administer(server.url, "alter system set ssl = on", "select pg_reload_conf()");
}, 60_000);
afterAll(() => server?.[Symbol.asyncDispose]());

test("without TLS it is refused by the server, without trust by us, and with the right certificate it works", async () => {
  await leavesNothing(async () => {
    await using plain = quick(server.url);
    await expect
      .poll(async () => (await failure(plain.query(sql`select 1`))).sqlstate, { timeout: 5_000 })
      .toBe("28000");
    const refused = await failure(plain.query(sql`select 1`));
    expectFault("TLS required by the server", refused, server.url);
    expect(refused.fix).toContain("TLS");
    await expectBreaker("TLS required by the server", plain, () => plain.query(sql`select 1`));

    await using strict = quick(server.url, { ssl: true });
    const untrusted = await failure(strict.query(sql`select 1`));
    expectFault("certificate not trusted", untrusted, server.url);
    expect(untrusted.message).toContain("TLS");
    await expectBreaker("certificate not trusted", strict, () => strict.query(sql`select 1`));

    await using trusting = quick(server.url, { ssl: { ca: CERTIFICATE } });
    await expectRecovery(trusting);
  });
}, 30_000);
