import { expect, test } from "vitest";
import { manualClock } from "../../../core/clock.ts";
import type { LeaseReply, ReadAnswer } from "../protocol/types.ts";
import { Leases } from "./leases.ts";
import { Waiters } from "./waiters.ts";

function setup() {
  const clock = manualClock();
  const waiters = new Waiters(clock, 10);
  const asked: string[] = [];
  const state = { mine: true, usable: true, ours: true, failing: false };
  const failed = (): string => "failed";
  const check = (what: string): void => {
    asked.push(what);
    if (state.failing) throw new Error("lost");
  };
  const leases = new Leases({
    ...{ clock, waiters, failed, node: "n", leaseMs: 300 },
    usable: () => state.usable,
    judge: () => ({ kind: "absent", capture: { epoch: "e", seq: 1 }, because: "not stored" }),
    calls: {
      lease: async ({ key }): Promise<LeaseReply> => {
        check(`lease ${key}`);
        return { mine: state.mine, leftMs: 200, read: {} as ReadAnswer };
      },
      extend: async (key) => {
        check(`extend ${key}`);
        return state.ours;
      },
      release: async (key) => {
        check(`release ${key}`);
        return true;
      },
    },
  });
  return { clock, waiters, asked, state, leases };
}

test("renewed until it is released; released once", async () => {
  const { clock, asked, leases } = setup();
  const answer = await leases.take("k");
  if (answer.kind !== "mine") throw new Error(answer.kind);
  await clock.advance(250);
  expect(asked).toEqual(["lease k", "extend k", "extend k"]);
  answer.lease.release();
  answer.lease.release();
  await clock.advance(1_000);
  expect(asked.slice(3)).toEqual(["release k"]);
  expect(leases.held).toBe(0);
});

test("one that was filled is not released again, and one that was lost not renewed", async () => {
  const { clock, asked, leases, state } = setup();
  const filled = await leases.take("a");
  if (filled.kind !== "mine") throw new Error(filled.kind);
  leases.ended(filled.lease);
  filled.lease.release();
  await leases.take("b");
  state.ours = false;
  await clock.advance(1_000);
  expect(asked).toEqual(["lease a", "lease b", "extend b"]);
  expect(leases.held).toBe(0);
});

test("an extension that fails is tried again; while Redis is away nothing is asked", async () => {
  const { clock, asked, leases, state } = setup();
  await leases.take("k");
  state.failing = true;
  await clock.advance(100);
  state.usable = false;
  await clock.advance(500);
  expect(asked).toEqual(["lease k", "extend k"]);
  Object.assign(state, { usable: true, failing: false });
  await clock.advance(100);
  expect(asked).toHaveLength(3);
  await leases.close();
  expect(asked.at(-1)).toBe("release k");
});

test("who waits is among the waiters before Redis is asked, and not after", async () => {
  const { clock, waiters, leases, state } = setup();
  state.mine = false;
  const asking = leases.take("k");
  waiters.wake(["k"]);
  const answer = await asking;
  if (answer.kind !== "theirs") throw new Error(answer.kind);
  await answer.over;
  const second = await leases.take("k");
  if (second.kind !== "theirs") throw new Error(second.kind);
  expect(waiters.size).toBe(1);
  await clock.advance(205);
  await second.over;
  state.failing = true;
  expect(await leases.take("k")).toEqual({ kind: "unavailable", because: "failed" });
  expect(waiters.size).toBe(0);
  state.failing = false;
  const many = await Promise.all(Array.from({ length: 11 }, () => leases.take("k")));
  expect(many.at(-1)).toMatchObject({ kind: "unavailable" });
  waiters.wakeAll();
});
