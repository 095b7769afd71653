/** Texts that nobody has seen before: understood before they are sent, in order, within bounds. */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { sequence } from "../../src/core/sequence.ts";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import type { Analyzer } from "../../src/postgres/statements/analysis.ts";
import { CAUSES } from "../../src/postgres/watch/causes.ts";
import { createWatch } from "../../src/postgres/watch/watch.ts";
import { SCHEMA } from "./libraries.ts";
import { PortalCursor } from "./portal-cursor.ts";
import { recordingSource } from "./recording-source.ts";
import { smallAnalyzer } from "./small-analyzer.ts";
import { watched } from "./watched.ts";

const BY_ID = "select label from items where id = $1";

/** A client on a database of its own, whose analyser answers when told to. */
async function held() {
  const db = await freshDatabase();
  const setup = new pg.Client({ connectionString: db.url });
  await setup.connect();
  await setup.query(SCHEMA);
  const gate = { open: Promise.withResolvers<void>(), asked: 0 };
  const small = smallAnalyzer(db.name, { late: true });
  const analyzer: Analyzer = {
    peek: small.peek,
    async analyse(text, session) {
      gate.asked += 1;
      await gate.open.promise;
      return small.analyse(text, session);
    },
  };
  const source = recordingSource();
  const watch = createWatch({ analyzer: () => analyzer, source: () => source });
  const client = watch.watch(new pg.Client({ connectionString: db.url }));
  await client.connect();
  const { processID } = client as unknown as { processID: number };
  return {
    client,
    gate,
    source,
    /** What the server was last sent on the connection. */
    async latest(): Promise<string> {
      const text = "select query from pg_stat_activity where pid = $1";
      return (await setup.query<{ query: string }>(text, [processID])).rows[0]!.query;
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await setup.end();
      watch.close();
      await db.drop();
    },
  };
}

describe("a text that is new inside a trace", () => {
  it("is sent once it is understood, and then it is not late", async () => {
    await using app = await held();
    const trace = new Trace();
    const answer = inTrace(trace, () => app.client.query(BY_ID, [1]));
    expect(await app.latest()).not.toContain("label");
    app.source.unmappedSeq = sequence.next();
    app.gate.open.resolve();
    expect((await answer).rows).toEqual([{ label: "label 1" }]);
    expect(trace.dependency().untracked).toEqual([]);
  });

  it("keeps the order of what its client was asked for, whoever asked and in whatever form", async () => {
    await using app = await held();
    const order: string[] = [];
    const told = (name: string) => () => void order.push(name);
    const first = inTrace(new Trace(), () => app.client.query(BY_ID, [1])).then(told("first"));
    const second = app.client.query("begin").then(told("second"));
    const third = new Promise<void>((resolve) =>
      app.client.query("update items set label = 'x' where id = 2", () => {
        told("third")();
        resolve();
      }),
    );
    const cursor = new PortalCursor("select label from items where id = $1", ["2"]);
    expect(app.client.query(cursor as unknown as pg.Submittable)).toBe(cursor);
    const fourth = cursor.done.then((rows) => {
      expect(rows).toEqual([["x"]]);
      order.push("fourth");
    });
    const fifth = inTrace(new Trace(), () => app.client.query("select id from items where id = 2"));
    const sixth = app.client.query("rollback").then(told("sixth"));
    expect(await app.latest()).not.toContain("label");
    app.gate.open.resolve();
    await Promise.all([first, second, third, fourth, fifth.then(told("fifth")), sixth]);
    expect(order).toEqual(["first", "second", "third", "fourth", "fifth", "sixth"]);
  });

  it("pipelined, and with an error among them", async () => {
    await using app = await held();
    (app.client as unknown as { pipeline: boolean }).pipeline = true;
    const answers = inTrace(new Trace(), () =>
      Promise.allSettled([
        app.client.query(BY_ID, [1]),
        app.client.query("select nothing from items"),
        app.client.query(BY_ID, [2]),
      ]),
    );
    app.gate.open.resolve();
    expect((await answers).map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
  });

  it("goes as it is when the analyser hangs, once; what follows does not wait", async () => {
    await using app = await held();
    const trace = new Trace();
    await expect
      .poll(
        () => {
          void inTrace(trace, () => app.client.query(BY_ID, [1]));
          return app.latest();
        },
        { timeout: 5_000 },
      )
      .toContain("label");
    const startedMs = performance.now();
    void inTrace(trace, () => app.client.query("select id from items where id = 3"));
    await expect.poll(app.latest).toContain("where id = 3");
    expect(performance.now() - startedMs).toBeLessThan(240);
    app.source.unmappedSeq = sequence.next();
    app.gate.open.resolve();
    await trace.settled();
    expect(trace.dependency()).toMatchObject({ untracked: [CAUSES.unmapped], passing: true });
  });

  it("is refused like any other when its client ends meanwhile", async () => {
    await using app = await held();
    const trace = new Trace();
    const waiting = inTrace(trace, () => app.client.query(BY_ID, [1]));
    const after = inTrace(trace, () => app.client.query(BY_ID, [2]));
    const refused = Promise.allSettled([waiting, after]);
    await app.client.end();
    app.gate.open.resolve();
    expect((await refused).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await trace.settled();
    expect(trace.dependency().untracked).toEqual([CAUSES.failed]);
  });

  it("a pool whose clients wait gives each its own", async () => {
    await using app = await watched({ late: true });
    const ids = Array.from({ length: 40 }, (_, index) => index + 1);
    const seen = await Promise.all(
      ids.map((id) =>
        app.traced(async () => {
          const text = `select label from items where id = $1 and 0 < ${id}`;
          expect((await app.pool.query(text, [id])).rows).toEqual([{ label: `label ${id}` }]);
        }),
      ),
    );
    for (const [index, { tags, untracked }] of seen.entries()) {
      expect(untracked).toEqual([]);
      expect(tags.join()).toContain(`id=${ids[index]}`);
    }
  });
});
