import { expect, test } from "vitest";
import { manualClock } from "../../../core/clock.ts";
import type { Direct } from "../direct.ts";
import { openTriggers } from "./source.ts";

const BOUND_MS = 500;
const write = { tags: [], complete: true, changesSchema: false };

test("an own write that is not read back reaches what was read in a gap until its very end", async () => {
  const clock = manualClock();
  let up = true;
  let again = false;
  const direct: Direct = {
    connections: 1,
    processId: undefined,
    run: async (text) => {
      if (!up || (again && text.includes("recursive"))) throw new Error("down");
      return [{ snapshot: "1:1:", relations: [], messages: [] }];
    },
    close: async () => undefined,
  };
  const source = await openTriggers({
    direct,
    node: "a",
    interest: { of: () => undefined },
    poll: async () => [],
    drop: () => undefined,
    boundMs: BOUND_MS,
    heartbeatMs: 50,
    maxLagMs: 2_000,
    clock,
  });
  const { trust } = source;
  up = false;
  await clock.advance(100);
  expect(trust.ended).toBe(true);
  await clock.advance(5_000);
  // Read now, under the trust that ended long ago; then the log is back, and lost again.
  expect(source.trust).toBe(trust);
  const [readMs, readWallMs] = [clock.nowMs(), clock.wallMs()];
  up = true;
  again = true;
  await clock.advance(310);
  expect(source.trust).not.toBe(trust);
  expect(source.trust.ended).toBe(true);
  expect(trust.holds(readMs, readWallMs)).toBe(true);
  expect(await source.settle(write)).toBe("queued");
  expect(trust.holds(readMs, readWallMs)).toBe(false);
  await source.close();
});
