import { expect, test } from "vitest";
import type { LeaveAnswer } from "../../cache/shared/port.ts";
import { manualClock } from "../../core/clock.ts";
import { Trust } from "../../core/trust.ts";
import { formatBarrier } from "./barriers.ts";
import { Passes } from "./passes.ts";
import { decodeRecord } from "./record.ts";
import { Seat } from "./seat.ts";
import type { Led } from "./types.ts";

function setup() {
  const written: string[] = [];
  const leave = async ({ record }: { record: string | undefined }): Promise<LeaveAnswer> => {
    written.push(record ?? "");
    return { kind: "left" };
  };
  const seat = new Seat(
    { tier: { leave: (_id, asked) => leave(asked) }, source: "s", node: "me", leaseMs: 2_000 },
    undefined,
  );
  const looks = { asked: 0, failing: false };
  const led: Led = {
    source: {
      trust: new Trust("stream", 500, manualClock()),
      live: true,
      waits: false,
      position: "0/1",
      beat: async () => true,
      close: async () => undefined,
    },
    catalog: {
      version: 1,
      schema: "",
      async look() {
        looks.asked += 1;
        if (looks.failing) throw new Error("the database does not answer");
      },
    },
  };
  const passes = new Passes({ seat, flush: async () => undefined, led: () => led });
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  };
  const passed = (): number | undefined => decodeRecord(written.at(-1))?.passed["me"];
  return { passes, looks, settled, passed };
}

test("a barrier that asks for the catalog is not passed before a look has succeeded", async () => {
  const { passes, looks, settled, passed } = setup();
  looks.failing = true;
  passes.read(formatBarrier({ node: "me", number: 1, schema: true }));
  await settled();
  expect(looks.asked).toBe(1);
  expect(passed()).toBeUndefined();
  passes.read(formatBarrier({ node: "other", number: 1, schema: false }));
  await settled();
  expect(looks.asked).toBe(2);
  expect(passed()).toBeUndefined();
  looks.failing = false;
  passes.tell();
  await settled();
  expect(looks.asked).toBe(3);
  expect(passed()).toBe(1);
});
