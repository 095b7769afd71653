/** Processes of one application that learn of changes in different ways. */
import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { createDirect } from "../../src/postgres/coherence/direct.ts";
import { changeLogSql } from "../../src/postgres/coherence/triggers/schema.ts";
import { openTriggers } from "../../src/postgres/coherence/triggers/source.ts";
import { open, world, write } from "./world.ts";

test("a process that reads the change log tells those that read the stream", async () => {
  const it = await world("select 1");
  const { rows } = await it.writer.query("select current_user as name");
  for (const text of changeLogSql(rows[0].name)) await it.writer.query(text);
  const direct = createDirect({ url: it.url, driver: undefined, applicationName: "test" });
  open.push(direct);
  const source = await openTriggers({
    direct,
    node: "triggers",
    interest: { of: () => undefined },
    poll: async () => [],
    drop: () => undefined,
    boundMs: 500,
    heartbeatMs: 100,
    maxLagMs: 2_000,
    clock: systemClock,
  });
  open.push(source);
  const heard: unknown[] = [];
  it.stream.log.subscribe((one) => void heard.push(one));
  const one = { cache: "shop", how: "deleted", keys: ["k"], tags: [], prefixes: [] } as const;
  expect(await source.log.publish(one)).toEqual({ kind: "applied" });
  await it.stream.settle(write);
  expect(heard).toEqual([one]);
});
