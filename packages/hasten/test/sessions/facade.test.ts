import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";
import { hasten } from "../../src/express/index.ts";
import { sql } from "../../src/postgres/index.ts";
import { outcomeOf, sleepMs } from "./world.ts";

test("hasten({ sessions }) watches, ends what its policy says, and closes with the rest", async () => {
  await using target = await freshDatabase();
  const audits: string[] = [];
  await using h = await hasten({
    postgres: { url: target.url, applicationName: "shop", pool: { min: 0, max: 2 } },
    say: () => undefined,
    findings: false,
    sessions: {
      everyMs: 100,
      longRunningMs: 100,
      policy: { longRunning: { terminateMs: 300 } },
      onEvent: (event) => {
        if (event.kind === "audit") audits.push(`${event.audit.action} ${event.audit.outcome}`);
      },
    },
  });
  const error = await outcomeOf(h.db.query(sql`select pg_sleep(30)`));
  expect(error?.code).toBe("HST_PG_TIMEOUT");
  expect(error?.message).toContain("session policy");
  await expect.poll(() => audits).toEqual(["terminate signalled"]);
  expect(h.sessions!.status().state).toBe("seeing");
  await h.close();
  expect(h.sessions!.status().state).toBe("closed");
  await sleepMs(1);
}, 20_000);

test("an option out of bounds leaves nothing open", async () => {
  await using target = await freshDatabase();
  const open = hasten({
    postgres: target.url,
    say: () => undefined,
    findings: false,
    sessions: { everyMs: 1 },
  });
  await expect(open).rejects.toMatchObject({ code: "HST_PG_OPTION" });
});
