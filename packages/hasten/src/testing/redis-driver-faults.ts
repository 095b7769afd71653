/** The cases about lost connections and servers that do not answer. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { RedisConnection } from "../redis/index.ts";
import { type ConformanceBench, type ConformanceCase, connected } from "./redis-driver-bench.ts";

const SETTLE_LIMIT_MS = 2_000;
const QUIET_MS = 300;

export function faultCases(bench: ConformanceBench): readonly ConformanceCase[] {
  const cases: readonly ConformanceCase[] = [
    {
      name: "close ends it at once, leaves no socket, and tells nobody",
      run: () => connected(bench, (witness) => closeEnds(bench, witness)),
    },
    {
      name: "a lost connection is told once, rejects what is under way, and never comes back",
      run: () => connected(bench, (killer) => lossIsTold(bench, killer)),
    },
    {
      name: "nothing is sent twice",
      run: () => connected(bench, (killer) => nothingTwice(bench, killer)),
    },
  ];
  if (bench.control === undefined) return cases;
  return [
    ...cases,
    { name: "a server that never answers: connect gives up in time", run: () => givesUp(bench) },
    { name: "nobody listens, then somebody does", run: () => comesBack(bench) },
  ];
}

async function closeEnds(bench: ConformanceBench, witness: RedisConnection["call"]): Promise<void> {
  const before = sockets();
  const connection = await bench.connect();
  const id = await connection.call(["CLIENT", "ID"]);
  let told = 0;
  connection.onLost(() => {
    told += 1;
  });
  const rejected = rejects(
    within(connection.call(["XREAD", "BLOCK", "0", "STREAMS", bench.key("none"), "$"])),
  );
  connection.close();
  connection.close();
  await rejected;
  await rejects(within(connection.call(["PING"])));
  await eventually(() => sockets() <= before);
  // A socket that does not keep the process alive is seen by the server only.
  await eventually(async () => !String(await witness(["CLIENT", "LIST"])).includes(`id=${id} `));
  equal(told, 0);
}

async function lossIsTold(bench: ConformanceBench, killer: RedisConnection["call"]): Promise<void> {
  const connection = await bench.connect();
  const reasons: string[] = [];
  connection.onLost((because) => reasons.push(because));
  const id = await connection.call(["CLIENT", "ID"]);
  const rejected = rejects(
    within(connection.call(["XREAD", "BLOCK", "0", "STREAMS", bench.key("none"), "$"])),
  );
  await killer(["CLIENT", "KILL", "ID", String(id)]);
  await rejected;
  await rejects(within(connection.call(["PING"])));
  await eventually(() => reasons.length > 0);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  await rejects(within(connection.call(["PING"])));
  equal(reasons.length, 1);
  ok(reasons[0]!.length > 0);
  connection.close();
}

async function nothingTwice(
  bench: ConformanceBench,
  killer: RedisConnection["call"],
): Promise<void> {
  const counter = bench.key("once");
  await killer(["SET", counter, "0", "PX", "60000"]);
  const connection = await bench.connect();
  const id = await connection.call(["CLIENT", "ID"]);
  // Held up by the server, so that the connection is lost while it is under way.
  await killer(["CLIENT", "PAUSE", "60000", "WRITE"]);
  const rejected = rejects(within(connection.call(["INCR", counter])));
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  await killer(["CLIENT", "KILL", "ID", String(id)]);
  await rejected;
  await killer(["CLIENT", "UNPAUSE"]);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  deepEqual(await killer(["GET", counter]), Buffer.from("0"));
  connection.close();
}

async function givesUp(bench: ConformanceBench): Promise<void> {
  await bench.control!.pause();
  try {
    const before = sockets();
    const startMs = performance.now();
    await rejects(bench.connect(QUIET_MS));
    const tookMs = performance.now() - startMs;
    ok(tookMs < 2 * QUIET_MS, `connect gave up after ${Math.round(tookMs)} ms`);
    await eventually(() => sockets() <= before);
  } finally {
    await bench.control!.resume();
  }
}

async function comesBack(bench: ConformanceBench): Promise<void> {
  await bench.control!.kill();
  await rejects(within(bench.connect(SETTLE_LIMIT_MS / 2)), (error: unknown) => {
    ok(error instanceof Error && error.message.length > 0);
    return true;
  });
  await bench.control!.restart();
  await eventually(async () => {
    const connection = await bench.connect().catch(() => undefined);
    connection?.close();
    return connection !== undefined;
  }, 20 * SETTLE_LIMIT_MS);
}

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

/** Rejects when the work takes longer than anything here may. */
async function within<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.resolve("late" as never), SETTLE_LIMIT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function eventually(
  isSo: () => boolean | Promise<boolean>,
  limitMs: number = SETTLE_LIMIT_MS,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await isSo())) {
    ok(performance.now() < endMs, "what had to come about did not");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
