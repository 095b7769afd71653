/** The watch answers when the server has no connection left, and says so when it lost its own then. */
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { administer, type OwnServer, ownServer } from "../faults/world.ts";
import { watched } from "./world.ts";

let server: OwnServer;
beforeAll(async () => {
  server = await ownServer(["-c", "max_connections=8", "-c", "superuser_reserved_connections=3"]);
  await administer(server.url, "create role plain login password 'hunter2'");
}, 60_000);
afterAll(() => server?.[Symbol.asyncDispose]());

test("with max_connections used up", async () => {
  const url = new URL(server.url);
  url.username = "plain";
  url.password = "hunter2";
  await using watch = watched({ url: url.href });
  await watch.looks(1);
  const holders: pg.Client[] = [];
  const take = async (): Promise<void> => {
    const holder = new pg.Client({ connectionString: url.href });
    holder.on("error", () => undefined);
    await holder.connect();
    holders.push(holder);
  };
  for (let n = 0; n < 4; n++) await take();
  await expect(take()).rejects.toMatchObject({ code: "53300" });
  await holders[0]!.query("begin; select 1");
  await new Promise((resolve) => setTimeout(resolve, 150));
  await watch.looks(1);
  expect(watch.sessions.status()).toMatchObject({
    state: "seeing",
    server: { clients: 5, clientsMax: 5 },
  });
  expect(watch.sessions.findings()).toMatchObject([{ kind: "idle-in-transaction" }]);

  await administer(
    server.url,
    "select pg_terminate_backend(pid, 2000) from pg_stat_activity where application_name = 'hasten sessions'",
  );
  await take();
  await watch.looks(2);
  const { state, because } = watch.sessions.status();
  expect(state).toBe("blind");
  expect(because).toContain("no free one (53300)");
  expect(watch.sessions.findings()).toEqual([]);
  expect(watch.events.filter(({ kind }) => kind === "blind")).toHaveLength(1);

  await holders.pop()!.end();
  await expect
    .poll(async () => (await watch.sessions.look()).state, { timeout: 5_000 })
    .toBe("seeing");
  const kinds = watch.events.map(({ kind }) => kind);
  expect(kinds).toEqual(["found", "blind", "over", "seeing", "found"]);
  for (const holder of holders) await holder.end();
}, 30_000);
