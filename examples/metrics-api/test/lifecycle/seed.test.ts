import { migrate } from "hasten/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { hashPassword } from "../../src/api/auth/password.ts";
import { MIGRATIONS } from "../../src/lifecycle/prepare.ts";
import { seed } from "../../src/seed/index.ts";

async function migrated(): Promise<TestDatabase> {
  const database = await freshDatabase();
  await migrate({ url: database.url, directory: MIGRATIONS });
  return database;
}

async function fingerprint(url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const parts = ["metrics", "domains", "objectives", "users"].map(
      (name) =>
        `(select count(*) || ' ' || md5(string_agg(id || document::text || created_at || updated_at, '' order by id)) from ${name})`,
    );
    const { rows } = await client.query({ text: `select ${parts.join(", ")}`, rowMode: "array" });
    return rows[0];
  } finally {
    await client.end();
  }
}

const options = { metrics: 3_500, demoUsers: true, hashPassword };

test("a seed that was stopped midway ends with exactly the rows of one that was not", async () => {
  await using whole = await migrated();
  await using halved = await migrated();
  expect(await seed({ ...options, url: whole.url })).toBe(3_500 + 200 + 2_000 + 50);
  const stop = new AbortController();
  const stopped = seed({
    ...options,
    url: halved.url,
    signal: stop.signal,
    onProgress: ({ kind, done }) => {
      if (kind === "metrics" && done === 2_000) stop.abort();
    },
  });
  await expect(stopped).rejects.toThrow();
  expect(await seed({ ...options, url: halved.url })).toBe(1_500);
  expect(await fingerprint(halved.url)).toEqual(await fingerprint(whole.url));
  expect(await seed({ ...options, url: halved.url })).toBe(0);
});

test("in a server of one's own no demo account is made", async () => {
  await using database = await migrated();
  await seed({ ...options, metrics: 100, demoUsers: false, url: database.url });
  expect(await fingerprint(database.url)).toMatchObject(
    [/^100 /, /^200 /, /^2000 /, null].map((it) =>
      it === null ? null : expect.stringMatching(it),
    ),
  );
});
