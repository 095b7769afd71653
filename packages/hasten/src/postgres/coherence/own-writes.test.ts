import { expect, test } from "vitest";
import { manualClock } from "../../core/clock.ts";
import { instant } from "../../core/trust.ts";
import { createOwnWrites } from "./own-writes.ts";

function world(poll: () => Promise<readonly string[]> = async () => []) {
  const clock = manualClock();
  const dropped: string[] = [];
  const source = createOwnWrites({
    boundMs: 500,
    clock,
    drop: (tags) => dropped.push(...tags),
    poll,
  });
  const captured = () => instant(clock);
  const fresh = (at: ReturnType<typeof captured>) => source.trust.holds(at.monotonicMs, at.wallMs);
  return { clock, dropped, source, captured, fresh };
}

const COMPLETE = { tags: ["a", "a:*"], complete: true, changesSchema: false };

test("a write drops what it names, and nothing else loses its freshness, however old", async () => {
  const { clock, dropped, source, captured, fresh } = world();
  const old = captured();
  await clock.advance(3_600_000);
  expect(await source.settle(COMPLETE)).toBe("applied");
  expect(dropped).toEqual(["a", "a:*"]);
  expect(fresh(old)).toBe(true);
});

test("a write that tells too little takes everything that was read before it", async () => {
  const { clock, source, captured, fresh } = world();
  const before = captured();
  await clock.advance(5);
  await source.settle({ ...COMPLETE, complete: false });
  expect(fresh(before)).toBe(false);
  expect(fresh(captured())).toBe(false);
  await clock.advance(1);
  expect(fresh(captured())).toBe(true);
  expect(source.log.trust.holds(before.monotonicMs, before.wallMs)).toBe(true);
});

test("each own write is one that a statement understood later may depend on", async () => {
  const { source } = world();
  const before = source.unmappedSeq;
  await source.settle(COMPLETE);
  expect(source.unmappedSeq).toBeGreaterThan(before);
});

test("an own change of the schema drops what changed before its caller goes on", async () => {
  const { dropped, source } = world(async () => ["v"]);
  await source.settle({ tags: [], complete: true, changesSchema: true });
  expect(dropped).toContain("v");
});

test("a server that does not answer holds an own change of the schema up for 250 ms at most", async () => {
  const { clock, source } = world(() => new Promise(() => undefined));
  const settled = source.settle({ tags: [], complete: true, changesSchema: true });
  await clock.advance(250);
  expect(await settled).toBe("queued");
});

test("a foreign change of the schema is looked for", async () => {
  const { clock, dropped, source } = world(async () => ["v"]);
  await clock.advance(1_001);
  expect(dropped).toEqual(["v"]);
  await source.close();
  await clock.advance(10_000);
  expect(dropped).toEqual(["v"]);
});
