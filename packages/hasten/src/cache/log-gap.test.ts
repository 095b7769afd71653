import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import type { InvalidationLog } from "../core/invalidation-log.ts";
import { instant, Trust } from "../core/trust.ts";
import { createCache } from "./index.ts";

test("what a log that was interrupted may have missed is not served once another is in force", async () => {
  const clock = manualClock();
  const began = (): Trust => {
    const trust = new Trust("stream", 500, clock);
    trust.confirm(instant(clock));
    return trust;
  };
  let trust = began();
  const log: InvalidationLog = {
    get trust() {
      return trust;
    },
    publish: async () => ({ kind: "applied" }),
    subscribe: () => () => undefined,
  };
  const cache = createCache({ clock, log, whenUnreachable: "serve" });
  const key = cache.key("thing", (id: number) => [id]).of<string>()(1);
  await cache.getOrSet(key, () => "old");
  trust.end();
  await clock.advance(600);
  // Unreachable: served, as was asked for.
  expect(await cache.getOrSet(key, () => "new")).toBe("old");
  // Reached again: another process may have deleted it in between.
  trust = began();
  expect(await cache.getOrSet(key, () => "new")).toBe("new");
});
