/** What cannot be watched is refused with what was given and what is taken. */
import { expect, test } from "vitest";
import { PostgresError } from "./errors.ts";
import { sizeHint } from "./pool-watch/size-hint.ts";
import { watchPool } from "./pool-watch/watch-pool.ts";
import { observe } from "./recording/observe.ts";
import { SetError } from "./send-together.ts";

class Strange {}

test.each<[string, (target: never) => unknown]>([
  ["observe", observe],
  ["watchPool", watchPool],
])("%s says what it was given", (name, take) => {
  const taken = (target: unknown) => () => take(target as never);
  expect(taken(new Strange())).toThrow(
    new RegExp(`^${name} takes a pg.Pool.*, got an object \\(Strange\\)\\.`),
  );
  expect(taken(undefined)).toThrow(/got undefined/);
  expect(taken(null)).toThrow(/got null/);
  expect(taken("postgres://u:s3cret@h/d")).toThrow(/got a string of 23 characters/);
});

test("the error of one statement of a batch says what to do once", () => {
  const error = new PostgresError("HST_PG_SQL", { message: "It is wrong.", fix: "Mend it." });
  expect(new SetError(error, 3).message).toBe("Set 3: It is wrong. Mend it. [HST_PG_SQL]");
});

test("the size hint reads as a sentence", () => {
  const load = { max: 4, target: 0.7, arrivals: 3, spanMs: 1_000, p95HoldMs: 0, busyPeak: 2 };
  const out = sizeHint({ ...load, meanHoldMs: 0, busyMean: 1.7, waited: false }).text;
  expect(out).toContain("3.0 checkouts/s x 0.0 ms, with those still out 1.7 busy (");
  expect(out).toContain("max 4; too little was seen to say whether that fits");
  const back = sizeHint({ ...load, arrivals: 30, meanHoldMs: 50, busyMean: 1.5, waited: false });
  expect(back.text).toContain("30.0 checkouts/s x 50.0 ms = 1.5 busy (");
  expect(back.text).toContain("max 4 fits");
});
