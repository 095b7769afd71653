/**
 * What every RedisDriver must do, as cases for any test runner:
 * `for (const { name, run } of redisDriverConformance({ driver })) test(name, run);`
 */
import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import type { RedisDriver, RedisReply } from "../redis/index.ts";
import {
  type ConformanceBench,
  type ConformanceCase,
  connected,
  type RedisServerControl,
} from "./redis-driver-bench.ts";
import { faultCases } from "./redis-driver-faults.ts";

export interface DriverConformanceOptions {
  readonly driver: RedisDriver | (() => RedisDriver | Promise<RedisDriver>);
  /** Before every key that is used. @default "hasten:conformance:" and a random number */
  readonly prefix?: string;
  readonly control?: RedisServerControl;
}

const CONNECT_TIMEOUT_MS = 5_000;
const BIG_BYTES = 1 << 20;

export function redisDriverConformance(
  options: DriverConformanceOptions,
): readonly ConformanceCase[] {
  const prefix = options.prefix ?? `hasten:conformance:${Math.random().toString(36).slice(2)}:`;
  const { driver, control } = options;
  const bench: ConformanceBench = {
    key: (name) => `{${prefix}}${name}`,
    control,
    async connect(connectTimeoutMs = CONNECT_TIMEOUT_MS) {
      const chosen = typeof driver === "function" ? await driver() : driver;
      return await chosen.connect({ key: `{${prefix}}`, connectTimeoutMs });
    },
  };
  const cases = [...replyCases(bench), ...orderCases(bench), ...faultCases(bench)];
  return cases.map(({ name, run }) => ({ name, run: () => kept(run) }));
}

/** A driver's sockets need not keep the process alive; a case that is not over must. */
async function kept(run: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => undefined, CONNECT_TIMEOUT_MS);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
}

function replyCases(bench: ConformanceBench): readonly ConformanceCase[] {
  const { key } = bench;
  return [
    {
      name: "bytes come back as they went",
      run: () =>
        connected(bench, async (call) => {
          for (const bytes of [everyByte(), Buffer.alloc(0), Buffer.alloc(BIG_BYTES, 0xfe)]) {
            await call(["SET", key("bytes"), bytes, "PX", "60000"]);
            const reply = await call(["GET", key("bytes")]);
            ok(Buffer.isBuffer(reply), "a bulk string is a Buffer");
            ok(reply.equals(bytes));
          }
        }),
    },
    {
      name: "numbers, nil, text and nested arrays",
      run: () =>
        connected(bench, async (call) => {
          equal(String(await call(["SET", key("n"), "1", "PX", "60000"])), "OK");
          equal(await call(["INCR", key("n")]), 2);
          equal(await call(["GET", key("absent")]), null);
          const script = "return {1, 'ü', {2, {ARGV[1]}}, false}";
          const reply = await call(["EVAL", script, "1", key("n"), Buffer.from([255])]);
          deepEqual(reply, [1, Buffer.from("ü"), [2, [Buffer.from([255])]], null]);
        }),
    },
    {
      name: "entries of a stream are arrays, whatever the protocol",
      run: () =>
        connected(bench, async (call) => {
          const id = await call(["XADD", key("s"), "1-0", "f", "v"]);
          const entries = [[id, [Buffer.from("f"), Buffer.from("v")]]];
          deepEqual(await call(["XRANGE", key("s"), "-", "+"]), entries);
          const read = await call(["XREAD", "STREAMS", key("s"), "0"]);
          deepEqual(read, [[Buffer.from(key("s")), entries]]);
          await call(["HSET", key("h"), "a", "1"]);
          const hash = await call(["HGETALL", key("h")]);
          deepEqual(hash, [Buffer.from("a"), Buffer.from("1")]);
          await call(["DEL", key("s"), key("h")]);
        }),
    },
    {
      name: "keys are sent as they are",
      run: () =>
        connected(bench, async (call) => {
          const reply = await call(["EVAL", "return KEYS[1]", "1", key("k")]);
          deepEqual(reply, Buffer.from(key("k")));
          await call(["SET", key("k"), "1", "PX", "60000"]);
          equal(
            await call(["EVAL", "return redis.call('exists', ARGV[1])", "1", key("k"), key("k")]),
            1,
          );
        }),
    },
    {
      name: "an error of the server rejects its call only, with the server's words",
      run: () =>
        connected(bench, async (call) => {
          await call(["SET", key("text"), "x", "PX", "60000"]);
          const before = call(["GET", key("text")]);
          await rejects(call(["LPUSH", key("text"), "y"]), /^\w*Error: WRONGTYPE /);
          await rejects(call(["EVALSHA", "0".repeat(40), "1", key("k")]), /^\w*Error: NOSCRIPT /);
          deepEqual(await before, Buffer.from("x"));
          deepEqual(await call(["GET", key("text")]), Buffer.from("x"));
        }),
    },
  ];
}

const everyByte = (): Buffer => Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

function orderCases(bench: ConformanceBench): readonly ConformanceCase[] {
  const { key } = bench;
  return [
    {
      name: "commands are sent in the order of their calls, without waiting for each other",
      run: () =>
        connected(bench, async (call) => {
          await call(["DEL", key("count")]);
          const replies: Promise<RedisReply>[] = [];
          for (let n = 0; n < 1_000; n++) replies.push(call(["INCR", key("count")]));
          const counted = await Promise.all(replies);
          deepEqual(
            counted,
            Array.from({ length: 1_000 }, (_, n) => n + 1),
          );
          await call(["DEL", key("count")]);
        }),
    },
    {
      name: "a command may block for longer than others may take",
      run: () =>
        connected(bench, async (call) => {
          const startMs = performance.now();
          equal(await call(["XREAD", "BLOCK", "600", "STREAMS", key("none"), "$"]), null);
          ok(performance.now() - startMs > 500);
        }),
    },
    {
      name: "each connection is one of its own",
      run: () =>
        connected(bench, (one) =>
          connected(bench, async (other, { address }) => {
            notEqual(await one(["CLIENT", "ID"]), await other(["CLIENT", "ID"]));
            equal(await one(["CLIENT", "ID"]), await one(["CLIENT", "ID"]));
            ok(address.length > 0);
          }),
        ),
    },
  ];
}
