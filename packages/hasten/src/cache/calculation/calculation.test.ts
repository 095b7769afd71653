import { expect, expectTypeOf, test } from "vitest";
import { manualClock } from "../../core/clock.ts";
import { currentTrace } from "../../core/trace/index.ts";
import { createCache } from "../index.ts";
import { type CalculationOptions, cachedCalculation } from "./calculation.ts";

interface Trip {
  readonly to: string;
  readonly nights: number;
  readonly from?: Date;
}

function open(options: Partial<CalculationOptions<Trip, { price: number }>> = {}, tracked = true) {
  const clock = manualClock();
  const cache = createCache({ clock, jitter: 0, tracked });
  let calculated = 0;
  const price = cachedCalculation(cache, {
    name: "price",
    calculate: async ({ nights }: Trip) => {
      calculated += 1;
      currentTrace()?.read(["sql:db:public.rates"], undefined);
      return { price: nights * 100 };
    },
    ...options,
  });
  return { clock, cache, price, calculated: () => calculated };
}

test("equal inputs are calculated once, whatever the order of their properties", async () => {
  const { price, calculated } = open();
  const asked = [
    price({ to: "Rome", nights: 3, from: new Date(0) }),
    price({ from: new Date(0), nights: 3, to: "Rome" }),
  ];
  expect(await Promise.all(asked)).toEqual([{ price: 300 }, { price: 300 }]);
  expect(price({ nights: 3, to: "Rome", from: new Date(0) })).toEqual({ price: 300 });
  expect(calculated()).toBe(1);
  await price({ nights: 4, to: "Rome" });
  expect(calculated()).toBe(2);
});

test("a result goes when a source row changes, and after half an hour at the latest", async () => {
  const { cache, price, clock, calculated } = open();
  const trip = { to: "Rome", nights: 3 };
  await price(trip);
  expect(cache.entry(price.key(trip))).toMatchObject({ untracked: [] });
  cache.dropLocal(["sql:db:public.rates"], "a rate changed");
  await price(trip);
  expect(calculated()).toBe(2);
  await clock.advance(1_799_999);
  expect(price(trip)).toEqual({ price: 300 });
  expect(calculated()).toBe(2);
  await clock.advance(1);
  await price(trip);
  expect(calculated()).toBe(3);
});

test("results are dropped by inputs, all at once, and by tag", async () => {
  const { cache, price } = open({ tags: ({ to }) => [`to:${to}`] });
  const [rome, oslo, bonn] = ["Rome", "Oslo", "Bonn"].map((to) => ({ to, nights: 1 }));
  const held = () => [rome!, oslo!, bonn!].map((trip) => cache.peek(price.key(trip)) !== undefined);
  for (const trip of [rome!, oslo!, bonn!]) await price(trip);
  await price.delete(rome!);
  expect(held()).toEqual([false, true, true]);
  await cache.delete({ tags: ["to:Oslo"] });
  expect(held()).toEqual([false, false, true]);
  await price.deleteAll();
  expect(held()).toEqual([false, false, false]);
});

test("with tracked: true what is not watched is calculated each time", async () => {
  let outside = true;
  const { price, calculated } = open({
    tracked: true,
    calculate: async () => {
      currentTrace()!.read(["sql:db:public.rates"], undefined);
      if (outside) currentTrace()!.untracked("a request to somewhere");
      return { price: 1 };
    },
  });
  const trip = { to: "Rome", nights: 1 };
  await price(trip);
  expect(price(trip)).toBeInstanceOf(Promise);
  outside = false;
  await price(trip);
  await price(trip);
  expect(price(trip)).toEqual({ price: 1 });
  expect(calculated()).toBe(0);
});

test("tracked: true in a cache that does not track is a mistake", () => {
  expect(() => open({ tracked: true }, false)).toThrow("HST_CACHE_OPTION");
});

test("long inputs are hashed, and types are kept", async () => {
  const { price } = open();
  expect(price.key({ to: "x".repeat(5_000), nights: 1 }).length).toBeLessThan(80);
  expectTypeOf(price).parameter(0).toEqualTypeOf<Trip>();
  expectTypeOf<Awaited<ReturnType<typeof price>>>().toEqualTypeOf<{ price: number }>();
});
