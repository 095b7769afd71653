/** Each rule that keeps data right, broken on purpose: what the other tests look at then differs. */

import { finished } from "node:stream/promises";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { from } from "pg-copy-streams";
import { expect, test } from "vitest";
import { catalogOf, tableOf } from "../../src/postgres/bulk/catalog.ts";
import { copyText } from "../../src/postgres/bulk/copy-text.ts";
import { layoutOf } from "../../src/postgres/bulk/layout.ts";
import { searchRow } from "../../src/postgres/bulk/search-row.ts";
import { unnested, writeText } from "../../src/postgres/bulk/texts.ts";

test("without the escape of the backslash data becomes NULL; without the order the first row wins", async () => {
  const { url } = await freshDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("create table t (id int primary key, a text)");
    const copied = async (text: string): Promise<unknown> => {
      await client.query("truncate t");
      const stream = client.query(from("copy t from stdin"));
      stream.end(`1\t${text}\n`);
      await finished(stream);
      return (await client.query("select a from t")).rows[0].a;
    };
    const mutant = (text: string): string => text.replaceAll("\t", "\\t").replaceAll("\n", "\\n");
    expect(await copied(copyText("\\N"))).toBe("\\N");
    expect(await copied(mutant("\\N"))).toBe(null);

    const { text, values } = catalogOf("t");
    const table = tableOf("t", (await client.query(text, [...(values ?? [])])).rows[0]);
    const layout = layoutOf("upsert", table, { first: { id: 1, a: "" }, options: {} });
    const upsert = writeText(layout, unnested(layout));
    const last = async (statement: string): Promise<unknown> => {
      await client.query("truncate t");
      await client.query(statement, ["{1,1,1}", "{a,b,c}"]);
      return (await client.query("select a from t")).rows[0].a;
    };
    expect(await last(upsert)).toBe("c");
    expect(await last(upsert.replace(" desc", ""))).toBe("a");
  } finally {
    await client.end();
  }
});

test("a search names the row that fails alone, and none where only two together fail", async () => {
  for (let bad = 0; bad < 33; bad++)
    expect(
      await searchRow(
        0,
        33,
        async (a, b) => a <= bad && bad < b,
        () => false,
      ),
    ).toBe(bad);
  const pair = async (a: number, b: number) => a <= 3 && 29 < b;
  expect(await searchRow(0, 33, pair, () => false)).toBe(undefined);
  expect(
    await searchRow(
      0,
      33,
      async () => true,
      () => true,
    ),
  ).toBe(undefined);
});
