import { expect, test } from "vitest";
import { manualClock } from "../../../core/clock.ts";
import type { InvalidateRequest, PutRequest, WriteAnswer } from "../protocol/types.ts";
import type { Named } from "./names.ts";
import { Outbox } from "./outbox.ts";
import { PUBLISH_MS, Ticket } from "./ticket.ts";

const named = (over: Partial<Named>): Named => ({
  how: "deleted",
  keys: [],
  tags: [],
  prefixes: [],
  ...over,
});

/** An outbox whose Redis answers when the test says so. */
function setup(queueMax = 10) {
  const clock = manualClock();
  const calls: { readonly what: Named | PutRequest; answer(error?: Error): Promise<void> }[] = [];
  const state = { ready: true, replicas: true as boolean | Promise<boolean>, taken: 0 };
  const call = (what: InvalidateRequest | PutRequest): Promise<WriteAnswer> => {
    const { promise, resolve, reject } = Promise.withResolvers<WriteAnswer>();
    calls.push({
      what,
      async answer(error) {
        if (error === undefined) resolve({} as WriteAnswer);
        else reject(error);
        await clock.advance(0);
      },
    });
    return promise;
  };
  const failures: unknown[] = [];
  const outbox = new Outbox({
    calls: { invalidate: call, put: call },
    node: "n",
    clock,
    queueMax,
    ready: () => state.ready,
    taken: () => {
      state.taken += 1;
      return state.replicas;
    },
    sent: () => undefined,
    failed: (error) => failures.push(error),
  });
  const publish = (what: Named): Promise<string> => {
    const ticket = new Ticket(1, clock);
    outbox.publish(what, ticket);
    return ticket.outcome;
  };
  return { clock, calls, state, failures, outbox, publish };
}

const covers = (outbox: Outbox, key: string): string | undefined =>
  outbox.cover({ key, tags: [], prefixes: [] });

test("sent at once and side by side; covers what it names until Redis has it", async () => {
  const { outbox, calls, publish } = setup();
  const first = publish(named({ keys: ["a"] }));
  const second = publish(named({ how: "expired", keys: ["b"] }));
  expect(calls.map(({ what }) => what)).toMatchObject([{ keys: ["a"] }, { keys: ["b"] }]);
  expect([covers(outbox, "a"), covers(outbox, "b"), covers(outbox, "c")]).toEqual([
    "deleted",
    "expired",
    undefined,
  ]);
  await calls[1]!.answer();
  expect(await second).toBe("applied");
  expect(covers(outbox, "b")).toBeUndefined();
  expect(covers(outbox, "a")).toBe("deleted");
  await calls[0]!.answer();
  expect(await first).toBe("applied");
  expect(outbox.empty).toBe(true);
});

test("after an unknown outcome it is sent again, and counts until then", async () => {
  const { outbox, calls, publish, clock, failures } = setup();
  const outcome = publish(named({ tags: ["t"] }));
  await calls[0]!.answer(new Error("time-out"));
  expect(await outcome).toBe("queued");
  expect(failures).toHaveLength(1);
  expect(outbox.depth).toBe(1);
  expect(outbox.cover({ key: "k", tags: ["t"], prefixes: [] })).toBe("deleted");
  await clock.advance(250);
  expect(calls).toHaveLength(2);
  await calls[1]!.answer(new Error("refused"));
  await clock.advance(499);
  expect(calls).toHaveLength(2);
  await clock.advance(1);
  await calls[2]!.answer();
  expect(outbox.empty).toBe(true);
});

test("while Redis is away it is queued at once, and sent together when it is back", async () => {
  const { outbox, calls, publish, state } = setup();
  state.ready = false;
  expect(await publish(named({ keys: ["a"] }))).toBe("queued");
  expect(await publish(named({ how: "expired", keys: ["a", "b"] }))).toBe("queued");
  expect(calls).toHaveLength(0);
  expect(outbox.depth).toBe(2);
  state.ready = true;
  outbox.resume();
  expect(calls.map(({ what }) => what)).toMatchObject([
    { how: "deleted", keys: ["a"] },
    { how: "expired", keys: ["b"] },
  ]);
  expect(covers(outbox, "a")).toBe("deleted");
  for (const call of calls) await call.answer();
  expect(outbox.empty).toBe(true);
});

test("a slow Redis: the caller is told after a while that it is told later, and it is", async () => {
  const { calls, publish, clock, outbox } = setup();
  const outcome = publish(named({ keys: ["a"] }));
  await clock.advance(PUBLISH_MS);
  expect(await outcome).toBe("queued");
  await calls[0]!.answer();
  expect(outbox.empty).toBe(true);
});

test("too many for the queue become everything, which covers all and is told as one", async () => {
  const { outbox, calls, publish, state } = setup(2);
  state.ready = false;
  for (const key of ["a", "b", "c", "d"]) await publish(named({ keys: [key] }));
  expect(outbox.everything).toBe(true);
  expect(outbox.depth).toBe(1);
  expect(covers(outbox, "any")).toBe("deleted");
  state.ready = true;
  outbox.resume();
  expect(calls.map(({ what }) => what)).toMatchObject([{ how: "cleared" }]);
  // Sent, but not acknowledged: reads are judged by it, and go on.
  expect(outbox.everything).toBe(false);
  expect(covers(outbox, "any")).toBe("deleted");
  await calls[0]!.answer();
  expect(covers(outbox, "any")).toBeUndefined();
});

test("no more than so many at once; the rest goes together as soon as there is room", async () => {
  const { calls, publish, outbox } = setup(1_000);
  const outcomes = Array.from({ length: 100 }, (_, index) =>
    publish(named({ keys: [`k${index}`] })),
  );
  expect(calls).toHaveLength(64);
  await calls[0]!.answer();
  expect(calls).toHaveLength(65);
  for (const call of calls.slice(1)) await call.answer();
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["applied"]));
  expect(outbox.empty).toBe(true);
});

test("a put that cannot be told becomes a deletion", async () => {
  const { calls, outbox, state, clock } = setup();
  const put = { key: "k" } as PutRequest;
  const sent = new Ticket(1, clock);
  outbox.put(put, sent);
  expect(covers(outbox, "k")).toBe("deleted");
  await calls[0]!.answer(new Error("lost"));
  expect(await sent.outcome).toBe("queued");
  state.ready = false;
  const away = new Ticket(1, clock);
  outbox.put({ key: "l" } as PutRequest, away);
  expect(await away.outcome).toBe("queued");
  state.ready = true;
  outbox.resume();
  expect(calls[1]!.what).toMatchObject({ how: "deleted", keys: ["k", "l"] });
});

test("too few replicas: it is in Redis, but not said to be applied", async () => {
  const { calls, publish, state, outbox } = setup();
  state.replicas = Promise.resolve(false);
  const outcome = publish(named({ keys: ["a"] }));
  await calls[0]!.answer();
  expect(await outcome).toBe("queued");
  expect(outbox.empty).toBe(true);
});

test("closed: nothing is sent any more, and nobody waits", async () => {
  const { calls, publish, outbox, clock } = setup();
  const running = publish(named({ keys: ["a"] }));
  const drained = outbox.drained();
  outbox.close();
  await drained;
  expect(await publish(named({ keys: ["b"] }))).toBe("queued");
  await calls[0]!.answer(new Error("closed"));
  expect(await running).toBe("queued");
  await clock.advance(10_000);
  expect(calls).toHaveLength(1);
});
