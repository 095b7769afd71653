/** An application whose handlers say what they read, as a watched connection would. */
import type { Express, RequestHandler } from "express";
import { type ResponseCache, requests } from "hasten/express";
import { type ManualClock, manualClock } from "../../src/core/clock.ts";
import { currentTrace } from "../../src/core/trace/index.ts";
import { instant, Trust } from "../../src/core/trust.ts";
import { startApp, type TestApp, type TestAppOptions } from "./app.ts";

export const BOUND_MS = 500;

/** A source of changes that tests drive by hand. */
export interface FakeSource {
  trust: Trust;
  readonly clock: ManualClock;
  /** Everything up to now has been applied. */
  confirm(): void;
  /** Changes may have been missed: a new trust takes over. */
  gap(): void;
  /** A read of these tags by the code that runs now, as long as `during` takes. */
  read<T>(tags: readonly string[], during?: () => Promise<T>): Promise<T | undefined>;
}

export function fakeSource(clock: ManualClock = manualClock()): FakeSource {
  const source: FakeSource = {
    trust: new Trust("stream", BOUND_MS, clock),
    clock,
    confirm: () => source.trust.confirm(instant(clock)),
    gap() {
      source.trust.end();
      source.trust = new Trust("stream", BOUND_MS, clock);
    },
    async read(tags, during) {
      const trace = currentTrace();
      const { trust } = source;
      trace?.began();
      try {
        return await during?.();
      } finally {
        trace?.read(tags, trust);
        trace?.ended();
      }
    },
  };
  source.confirm();
  return source;
}

export interface TrackedAppOptions extends Omit<TestAppOptions, "clock"> {
  readonly source: FakeSource;
  /** False leaves out requests(). */
  readonly mounted?: boolean;
}

/** An application with requests() in front and a response cache that tracks. */
export function startTracked(
  options: TrackedAppOptions,
  mount: (app: Express, responses: ResponseCache) => void,
): Promise<TestApp> {
  const { source, mounted = true, ...rest } = options;
  const { clock } = source;
  return startApp(
    (app, responses) => {
      if (mounted) app.use(requests({ clock, timing: false, compression: false }));
      mount(app, responses);
    },
    { tracked: true, ...rest, clock },
  );
}

/** Counts its runs, and answers with what `read` gives. */
export interface Counting {
  runs: number;
  readonly handler: RequestHandler;
}

export function counting(work: (runs: number) => unknown): Counting {
  const counted: Counting = {
    runs: 0,
    handler: async (_req, res) => {
      counted.runs += 1;
      res.json(await work(counted.runs));
    },
  };
  return counted;
}

/** What matters of an answer, in one line. */
export function shown(answer: {
  readonly headers: { readonly [name: string]: unknown };
  readonly text: string;
}): string {
  return `${String(answer.headers["x-cache"])} ${answer.text}`;
}
