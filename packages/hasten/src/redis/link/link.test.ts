import { expect, test } from "vitest";
import { channels } from "../../core/channels.ts";
import { type ManualClock, manualClock } from "../../core/clock.ts";
import { RedisReplyError } from "../errors.ts";
import type { RedisArgument, RedisConnection, RedisDriver, RedisReply } from "../types.ts";
import { Link } from "./link.ts";
import { checkedLinkOptions, type LinkOptions, retryDelayMs } from "./options.ts";
import { replyRule } from "./rules.ts";
import type { RedisEvent } from "./states.ts";

interface Sent {
  readonly words: readonly RedisArgument[];
  answer(reply: RedisReply): void;
  refuse(message: string): void;
}

/** A driver whose servers answer when the test says so. */
function scripted(): RedisDriver & { sent: Sent[]; lose(): void; isUp: boolean; connects: number } {
  let lose: (because: string) => void = () => undefined;
  const driver = {
    name: "scripted",
    sent: [] as Sent[],
    isUp: true,
    connects: 0,
    lose: () => lose("test"),
    async connect(): Promise<RedisConnection> {
      driver.connects += 1;
      if (!driver.isUp) throw new Error("down");
      return {
        address: "here:1",
        call: (words) =>
          new Promise((resolve, reject) => {
            const refuse = (message: string): void => reject(new RedisReplyError(message));
            driver.sent.push({ words, answer: resolve, refuse });
          }),
        onLost: (listener) => {
          lose = listener;
        },
        close: () => undefined,
      };
    },
  };
  return driver;
}

const info = (runId: string, role = "master"): string =>
  `# Server\r\nrun_id:${runId}\r\nredis_version:7.4.0\r\nrole:${role}\r\n`;

function open(
  options: LinkOptions = {},
  isUp = true,
): {
  readonly link: Link;
  readonly driver: ReturnType<typeof scripted>;
  readonly clock: ManualClock;
} {
  const clock = manualClock();
  const driver = scripted();
  driver.isUp = isUp;
  const link = new Link(driver, checkedLinkOptions({ clock, roleCheckMs: 600_000, ...options }));
  return { link, driver, clock };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("nothing is sent before the server has said which run it is", async () => {
  const { link, driver } = open();
  await turn();
  expect(driver.sent.map(({ words }) => words)).toEqual([["INFO"]]);
  await expect(link.call(["GET", "a"])).rejects.toMatchObject({ code: "HST_REDIS_UNAVAILABLE" });
  driver.sent.shift()!.answer(info("run-1"));
  await link.ready();
  expect(link.server).toEqual({ runId: "run-1", version: "7.4.0", address: "here:1" });
  await link.close();
});

test("a reply of a connection that was replaced is not handed over", async () => {
  const { link, driver, clock } = open();
  await turn();
  driver.sent.shift()!.answer(info("run-1"));
  await link.ready();
  const call = link.call(["GET", "a"]);
  const rejected = expect(call).rejects.toMatchObject({
    code: "HST_REDIS_LOST",
    outcomeUnknown: true,
  });
  const [old] = driver.sent.splice(0);
  driver.lose();
  old!.answer("of the old one");
  await rejected;
  await clock.advance(50);
  await turn();
  driver.sent.shift()!.answer(info("run-2"));
  await link.ready();
  expect([link.server?.runId, link.generation]).toEqual(["run-2", 2]);
  await link.close();
});

test("an unanswered call makes it suspect; the first fast answer to a probe makes it ready", async () => {
  const { link, driver, clock } = open({ timeoutMs: 100, probeTimeoutMs: 1_000 });
  await turn();
  driver.sent.shift()!.answer(info("run-1"));
  await link.ready();
  const rejected = expect(link.call(["GET", "a"])).rejects.toMatchObject({
    code: "HST_REDIS_TIMEOUT",
  });
  await clock.advance(100);
  await rejected;
  expect(link.state.kind).toBe("suspect");
  const [, slow] = driver.sent.splice(0);
  expect(slow!.words).toEqual(["PING"]);
  await clock.advance(101);
  slow!.answer("PONG");
  await turn();
  expect(link.state.kind).toBe("suspect");
  driver.sent.shift()!.answer("PONG");
  await turn();
  expect([link.state.kind, link.generation]).toEqual(["ready", 1]);
  await link.close();
});

test.each(["READONLY", "MASTERDOWN", "MOVED", "CLUSTERDOWN", "LOADING", "NOAUTH"])(
  "%s: another connection is sought",
  async (word) => {
    const { link, driver } = open();
    await turn();
    driver.sent.shift()!.answer(info("run-1"));
    await link.ready();
    const rejected = expect(link.call(["SET", "a", "1"])).rejects.toMatchObject({
      code: "HST_REDIS_UNAVAILABLE",
      reply: word,
      outcomeUnknown: false,
    });
    driver.sent.shift()!.refuse(`${word} some words`);
    await rejected;
    expect(link.state.kind).toBe("lost");
    await link.close();
  },
);

test("what the server refuses of one command leaves the link as it is", async () => {
  expect(["OOM", "MISCONF", "NOPERM", "ASK", "WRONGTYPE", "ERR"].map(replyRule)).toEqual(
    Array.from({ length: 6 }, () => "refused"),
  );
  expect(replyRule("BUSY")).toBe("paused");
});

test("a replica, and a server that still loads, are not used", async () => {
  for (const text of [info("r", "slave"), `${info("r")}loading:1\r\n`, "# Server\r\n"]) {
    const { link, driver } = open();
    await turn();
    driver.sent.shift()!.answer(text);
    await turn();
    expect(link.state).toMatchObject({ kind: "connecting", attempts: 1 });
    expect(link.state.because).toMatch(/replica|loading|run_id/);
    await link.close();
  }
});

test("waits grow to their cap, spread over the upper half, and end where that is asked for", async () => {
  const options = checkedLinkOptions({ retryDelayMs: 50, retryDelayMaxMs: 2_000 });
  const longest = [1, 2, 3, 40, 41, 1_000].map((attempt) => retryDelayMs(options, attempt, 1));
  expect(longest).toEqual([50, 100, 150, 2_000, 2_000, 2_000]);
  expect(retryDelayMs(options, 2, 0)).toBe(50);
  const { link, driver, clock } = open({ retriesMax: 3 }, false);
  await turn();
  await clock.advance(60_000);
  expect(driver.connects).toBe(3);
  await link.close();
});

test.each([
  { timeoutMs: 0 },
  { timeoutMs: 1.5 },
  { connectTimeoutMs: Number.NaN },
  { retryDelayMaxMs: -1 },
  { callsMax: 0 },
  { timeoutMs: "100" as unknown as number },
])("%j is out of bounds", (options) => {
  expect(() => checkedLinkOptions(options)).toThrow(
    expect.objectContaining({ code: "HST_REDIS_OPTION" }),
  );
});

test("states and calls are told on the channel, without keys or values", async () => {
  const events: RedisEvent[] = [];
  const listen = (event: unknown): void => void events.push(event as RedisEvent);
  channels.redisEvent.subscribe(listen);
  try {
    const { link, driver } = open({ name: "mine" });
    await turn();
    driver.sent.shift()!.answer(info("run-1"));
    await link.ready();
    const reply = link.call(["GET", "secret"]);
    driver.sent.shift()!.answer(null);
    await reply;
    await link.close();
  } finally {
    channels.redisEvent.unsubscribe(listen);
  }
  expect(events).toMatchObject([
    { kind: "state", link: "mine", before: "connecting", state: { kind: "ready" } },
    { kind: "call", link: "mine", command: "GET", code: undefined },
    { kind: "state", before: "ready", state: { kind: "closed" } },
  ]);
  expect(JSON.stringify(events)).not.toContain("secret");
});
