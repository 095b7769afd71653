import { startRedis } from "hasten-tools/redis";
import { afterEach, expect, test, vi } from "vitest";
import { dataDirectory, killStarted, startApi } from "./api-process.ts";

vi.setConfig({ testTimeout: 90_000 });
afterEach(killStarted);

interface Ready {
  readonly redis?: { readonly state: string };
}

test("two processes share a Redis, go on without it, and share it again", async () => {
  using data = dataDirectory();
  await using redis = await startRedis();
  const env = { DATA_DIR: data.path, REDIS_URL: redis.url };
  const api = startApi(env, ["--processes", "2"]);
  const base = await api.ready();
  expect(api.output()).toMatch(/cache .* shared by Redis at 127\.0\.0\.1:\d+/);
  const state = async (): Promise<string | undefined> =>
    ((await (await fetch(`${base}/readyz`)).json()) as Ready).redis?.state;
  expect(await state()).toBe("ready");
  const ask = async (path: string): Promise<string | null> => {
    const answer = await fetch(base + path, { headers: { connection: "close" } });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    return answer.headers.get("x-cache");
  };
  const path = "/api/v1/public/metrics?limit=2";
  await ask(path);
  await expect
    .poll(
      async () => {
        const marks = await Promise.all(Array.from({ length: 8 }, () => ask(path)));
        return marks.every((mark) => mark === "HIT");
      },
      { timeout: 5_000 },
    )
    .toBe(true);
  expect(await redis.command("KEYS", "*e:http*public*")).toHaveLength(1);
  await redis.kill();
  await expect.poll(state, { timeout: 5_000 }).not.toBe("ready");
  await ask("/api/v1/public/metrics?limit=3");
  await redis.restart();
  await expect.poll(state, { timeout: 10_000 }).toBe("ready");
  expect((await api.end("SIGTERM")).code).toBe(0);
});
