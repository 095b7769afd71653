/** First come, first served, whatever attempts fail, repeat, come late or are given up. */
import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import type { PgClient } from "./driver.ts";
import { PostgresError } from "./errors.ts";
import { WaitQueue } from "./wait-queue.ts";

const refusal = (message: string): PostgresError =>
  new PostgresError("HST_PG_CLOSED", { message, fix: "" });

interface Attempt extends PromiseWithResolvers<PgClient> {
  readonly signal: AbortSignal;
}

/** A queue whose attempts are settled by hand. */
function world(Queue: typeof WaitQueue = WaitQueue) {
  const clock = manualClock();
  const attempts: Attempt[] = [];
  const released: string[] = [];
  const log: string[] = [];
  const queue = new Queue((signal) => {
    const attempt = { ...Promise.withResolvers<PgClient>(), signal: signal() };
    attempts.push(attempt);
    return attempt.promise;
  }, clock);
  const client = (name: string): PgClient =>
    ({ name, release: () => released.push(name) }) as unknown as PgClient;
  const take = (name: string, boundMs = 1_000, signal?: AbortSignal): void => {
    const limit = { onTimeout: () => refusal("late"), onAbort: () => refusal("aborted") };
    queue.take({ ...limit, boundMs, signal }).then(
      (given) => log.push(`${name}=${(given as unknown as { name: string }).name}`),
      (error: Error) => log.push(`${name}!${error.message.split(" ")[0]}`),
    );
  };
  return { clock, attempts, released, log, queue, client, take };
}

test("a connection goes to whoever has waited longest, whoever's attempt got it", async () => {
  const { attempts, log, take, client, clock, queue } = world();
  for (const name of ["a", "b", "c"]) take(name);
  attempts[2]!.resolve(client("1"));
  attempts[1]!.resolve(client("2"));
  await clock.advance(0);
  expect(log).toEqual(["a=1", "b=2"]);
  expect([queue.size, queue.surplus]).toEqual([1, 0]);
  take("d");
  attempts[3]!.resolve(client("3"));
  attempts[0]!.resolve(client("4"));
  await clock.advance(0);
  expect(log).toEqual(["a=1", "b=2", "c=3", "d=4"]);
});

test("an attempt that fails ends the wait of who made it, and no other", async () => {
  const { attempts, log, take, client, clock } = world();
  for (const name of ["a", "b", "c"]) take(name);
  attempts[1]!.reject(new Error("broken"));
  attempts[2]!.resolve(client("1"));
  await clock.advance(0);
  expect(log).toEqual(["b!broken", "a=1"]);
});

test("a failed attempt of somebody who was served is made again for those who are left", async () => {
  const { attempts, log, take, client, clock, released, queue } = world();
  for (const name of ["a", "b"]) take(name);
  attempts[1]!.resolve(client("1"));
  await clock.advance(0);
  attempts[0]!.reject(new Error("broken"));
  await clock.advance(0);
  expect(attempts).toHaveLength(3);
  attempts[2]!.resolve(client("2"));
  await clock.advance(0);
  expect(log).toEqual(["a=1", "b=2"]);
  expect([released, queue.size, queue.surplus]).toEqual([[], 0, 0]);
});

test("who gives up calls off one attempt, and its late connection goes to the pool", async () => {
  const { attempts, log, take, client, clock, released, queue } = world();
  const stop = new AbortController();
  take("a", 100);
  take("b", 1_000, stop.signal);
  await clock.advance(100);
  expect(log).toEqual(["a!late"]);
  expect(attempts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  expect(queue.surplus).toBe(1);
  stop.abort();
  await clock.advance(0);
  expect(log).toEqual(["a!late", "b!aborted"]);
  for (const [index, attempt] of attempts.entries()) attempt.resolve(client(`${index}`));
  await clock.advance(0);
  expect([released, queue.size, queue.surplus]).toEqual([["0", "1"], 0, 0]);
});

test("who gives up after another attempt served in its place leaves enough attempts", async () => {
  const { attempts, log, take, client, clock } = world();
  for (const name of ["a", "b"]) take(name);
  take("c", 50);
  attempts[2]!.resolve(client("1"));
  await clock.advance(0);
  await clock.advance(50);
  expect(log).toEqual(["a=1", "c!late"]);
  expect(attempts.filter(({ signal }) => signal.aborted)).toHaveLength(1);
  const left = attempts.find((attempt, index) => index < 2 && !attempt.signal.aborted)!;
  left.resolve(client("2"));
  await clock.advance(0);
  expect(log.at(-1)).toBe("b=2");
});

test("refuseAll ends every wait", async () => {
  const { attempts, log, take, clock, queue } = world();
  for (const name of ["a", "b"]) take(name);
  queue.refuseAll(refusal("closed"));
  await clock.advance(0);
  expect(log).toEqual(["a!closed", "b!closed"]);
  expect(attempts.every(({ signal }) => signal.aborted)).toBe(true);
});

/** Random arrivals, failures, aborts and connections: what is given is always given to the oldest. */
function overtakings(Queue: typeof WaitQueue, seed: number): Promise<number> {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return simulate(Queue, random);
}

async function simulate(Queue: typeof WaitQueue, random: (below: number) => number) {
  const { attempts, log, take, client, clock } = world(Queue);
  let arrived = 0;
  for (let step = 0; step < 400; step++) {
    const open = attempts.filter((attempt) => !("done" in attempt));
    const one = open[random(open.length)];
    const kind = random(5);
    if (kind < 2) take(`${arrived++}`, 50 + random(500));
    else if (one !== undefined) {
      Object.assign(one, { done: true });
      if (kind === 4) one.reject(new Error("broken"));
      else one.resolve(client(`${step}`));
    }
    await clock.advance(random(20));
  }
  await clock.advance(1_000);
  expect(log).toHaveLength(arrived);
  const served = log.filter((line) => line.includes("=")).map((line) => Number.parseInt(line, 10));
  expect(served.length).toBeGreaterThan(20);
  return served.filter((name, index) => index > 0 && name < served[index - 1]!).length;
}

test("in 50 random histories nobody is overtaken", async () => {
  for (let seed = 1; seed <= 50; seed++) expect(await overtakings(WaitQueue, seed)).toBe(0);
});

test("a queue that gives each connection to who asked for it is noticed", async () => {
  class OwnAttempt extends WaitQueue {
    override take(...parts: Parameters<WaitQueue["take"]>): Promise<PgClient> {
      return new WaitQueue(this.obtaining, this.ticking).take(...parts);
    }
    readonly obtaining: ConstructorParameters<typeof WaitQueue>[0];
    readonly ticking: ConstructorParameters<typeof WaitQueue>[1];
    constructor(...parts: ConstructorParameters<typeof WaitQueue>) {
      super(...parts);
      [this.obtaining, this.ticking] = parts;
    }
  }
  let noticed = 0;
  for (let seed = 1; seed <= 5; seed++) noticed += await overtakings(OwnAttempt, seed);
  expect(noticed).toBeGreaterThan(0);
});
