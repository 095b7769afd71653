import { describe, expect, test } from "vitest";
import type { LockWait, Look, SessionFacts } from "./facts.ts";
import { DEPTH_MAX, findIn } from "./find.ts";

const LIMITS = { idleInTransactionMs: 60_000, longRunningMs: 5_000, blockedMs: 5_000 };
const server = {
  ...{ ownPid: 1, role: "app", clients: 3, clientsMax: 97, hidden: 0 },
  ...{ maySeeAll: false, maySignal: false },
};
const session = (pid: number, facts: Partial<SessionFacts> = {}): SessionFacts => ({
  ...{ pid, role: "app", database: "shop", applicationName: "shop" },
  ...{ backendType: "client backend", state: "active" },
  instants: { backendStart: "1", transactionStart: "2", statementStart: "3", stateChange: "4" },
  ...{ transactionMs: 0, statementMs: 0, stateMs: 0, statement: "select ?" },
  text: { plain: true, leave: false, severalCut: false },
  ...facts,
});
const found = (
  sessions: readonly SessionFacts[],
  waits: readonly LockWait[] = [],
): readonly string[] => {
  const look: Look = { server, sessions, waits };
  return findIn(look, LIMITS).map(
    ({ kind, session: { pid }, roots, waiting }) =>
      `${kind} ${pid}${roots.length > 0 ? ` <- ${roots.join(" ")}` : ""}${waiting > 0 ? ` (${waiting})` : ""}`,
  );
};

test("idle in a transaction and long-running are found from their limits on", () => {
  const idle = { state: "idle in transaction" };
  expect(
    found([
      session(2, { ...idle, stateMs: 59_999 }),
      session(3, { ...idle, stateMs: 60_000 }),
      session(4, { state: "idle in transaction (aborted)", stateMs: 70_000 }),
      session(5, { statementMs: 4_999 }),
      session(6, { statementMs: 5_000 }),
      session(7, { state: "idle", stateMs: 1e9, statementMs: 1e9 }),
    ]),
  ).toEqual(["idle-in-transaction 4", "idle-in-transaction 3", "long-running 6"]);
});

describe("who waits", () => {
  const wait = (pid: number, blockers: readonly number[], waitedMs = 6_000): LockWait => ({
    ...{ pid, blockers, waitedMs },
  });
  test("is blocked, not long-running, and the root of a chain is named with how many it holds up", () => {
    const idle = session(2, { state: "idle in transaction", stateMs: 1_000 });
    const waiting = [3, 4, 5].map((pid) => session(pid, { statementMs: 6_000 }));
    expect(
      found([idle, ...waiting], [wait(3, [2], 9_000), wait(4, [3], 8_000), wait(5, [3, 4], 7_000)]),
    ).toEqual(["blocked 3 <- 2", "blocking 2 (3)", "blocked 4 <- 2", "blocked 5 <- 2"]);
  });

  test("in a circle has no root, and a prepared transaction is a root without a session", () => {
    expect(found([session(3), session(4)], [wait(3, [4]), wait(4, [3])])).toEqual([
      "blocked 3",
      "blocked 4",
    ]);
    expect(found([session(3)], [wait(3, [0])])).toEqual(["blocked 3 <- 0"]);
  });

  test("behind a chain that is too long is blocked without a root", () => {
    const pids = Array.from({ length: DEPTH_MAX + 5 }, (_, n) => n + 10);
    const all = found(
      [...pids, 9].map((pid) => session(pid)),
      pids.map((pid) => wait(pid, [pid - 1])),
    );
    expect(all).toContain("blocked 12 <- 9");
    expect(all).toContain(`blocked ${10 + DEPTH_MAX + 4}`);
  });

  test("for less than the limit is not told", () => {
    expect(found([session(2), session(3)], [wait(3, [2], 4_999)])).toEqual([]);
  });
});
