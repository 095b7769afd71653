import { expect, test } from "vitest";
import { manualClock } from "../../core/clock.ts";
import type { LoggedInvalidation } from "../../core/invalidation-log.ts";
import { type CoherencePromise, instant, Trust } from "../../core/trust.ts";
import { Conductor } from "./conductor.ts";
import { resolveCoherence } from "./options.ts";
import { nothingPart, type Part, type PartStatus } from "./parts.ts";
import type { Finding, FindingId } from "./preflight/finding.ts";
import type { CoherenceEvent, CoherenceOptions } from "./types.ts";

const finding = (id: FindingId, ...stops: readonly CoherencePromise[]): Finding => ({
  id,
  severity: "blocks",
  stops,
  says: `${id}.`,
  fix: "",
  sql: [],
  tables: [],
});
const NO_TRIGGERS = finding("triggers-missing", "triggers");
const DOWN = finding("unreachable", "stream", "triggers", "own-writes");

interface FakePart extends Part {
  readonly trust: Trust;
  readonly published: LoggedInvalidation[];
  readonly subscribers: Set<(it: LoggedInvalidation) => void>;
  closed: boolean;
  now: PartStatus;
}

function world(given: Partial<CoherenceOptions> = {}) {
  const clock = manualClock();
  const events: CoherenceEvent[] = [];
  const options = resolveCoherence({
    url: "postgres://x/y",
    clock,
    onEvent: (event) => events.push(event),
    ...given,
  });
  const opened: FakePart[] = [];
  const state = {
    findings: [] as readonly Finding[],
    refuse: new Set<CoherencePromise>(),
    opening: undefined as Promise<void> | undefined,
    /** How the first part that is opened stands. */
    first: { state: "live" } as PartStatus,
  };
  const partOf = (promise: CoherencePromise): FakePart => {
    const trust = new Trust(promise, options.boundMs, clock);
    trust.confirm(instant(clock));
    const nothing = nothingPart(options, "fake");
    const published: LoggedInvalidation[] = [];
    const subscribers = new Set<(it: LoggedInvalidation) => void>();
    const part: FakePart = {
      ...nothing,
      promise,
      trust,
      source: { ...nothing.source, promise, trust },
      log: {
        trust,
        publish: async (it) => {
          published.push(it);
          return { kind: "applied" };
        },
        subscribe: (apply) => {
          subscribers.add(apply);
          return () => void subscribers.delete(apply);
        },
      },
      published,
      subscribers,
      closed: false,
      now: opened.length === 0 ? state.first : { state: "live" },
      status: () => part.now,
      async close() {
        part.closed = true;
      },
    };
    opened.push(part);
    return part;
  };
  const conductor = new Conductor(options, {
    survey: async () => state.findings,
    async openPart(promise) {
      await state.opening;
      if (state.refuse.has(promise)) throw new Error("refused");
      return partOf(promise);
    },
    refusal: (promise) => finding("replication-refused", promise),
  });
  return { clock, events, opened, state, conductor };
}

const tag = (name: string): LoggedInvalidation => ({
  cache: "c",
  how: "deleted",
  keys: [],
  tags: [name],
  prefixes: [],
});

test("takes the best mode that nothing stops, and says why it is not a better one", async () => {
  const { conductor, state } = world();
  expect(conductor.status()).toMatchObject({ state: "connecting", promise: "ttl" });
  state.findings = [finding("wal-level", "stream"), NO_TRIGGERS];
  await conductor.look();
  expect(conductor.status()).toMatchObject({
    state: "live",
    promise: "own-writes",
    because: "wal-level.",
  });
});

test("moves up by itself; what was captured before is no longer fresh", async () => {
  const { clock, conductor, state, opened, events } = world();
  state.findings = [finding("slots-exhausted", "stream"), NO_TRIGGERS];
  await conductor.look();
  const weak = opened[0]!;
  const captured = instant(clock);
  expect(weak.trust.holds(captured.monotonicMs, captured.wallMs)).toBe(true);
  state.findings = [NO_TRIGGERS];
  await clock.advance(11_000);
  expect(conductor.status()).toMatchObject({ promise: "stream", because: undefined });
  expect(weak.closed).toBe(true);
  expect(weak.trust.ended).toBe(true);
  expect(weak.trust.holds(captured.monotonicMs, captured.wallMs)).toBe(false);
  expect(events.filter(({ kind }) => kind === "mode").map(({ detail }) => detail)).toEqual([
    "own-writes",
    "stream",
  ]);
});

test("without a mode, reads live by their time only where no other process is given them", async () => {
  const read = { searchPath: "public", role: "me" };
  const shared = {} as NonNullable<CoherenceOptions["shared"]>;
  for (const given of [{}, { shared }]) {
    const { conductor, state } = world(given);
    state.findings = [NO_TRIGGERS];
    await conductor.look();
    await conductor.close();
    expect(conductor.part.analyzer.peek("select 1", read as never)).toMatchObject({
      because: "coherence was closed",
      passing: "shared" in given,
    });
  }
});

test("a refusal to open a mode takes the next, and the mode is tried again", async () => {
  const { clock, conductor, state } = world();
  state.findings = [NO_TRIGGERS];
  state.refuse.add("stream");
  await conductor.look();
  expect(conductor.status()).toMatchObject({
    promise: "own-writes",
    because: "replication-refused.",
  });
  state.refuse.clear();
  await clock.advance(11_000);
  expect(conductor.status().promise).toBe("stream");
});

test("a lost stream stays where the server may come back, and falls back where it is refused", async () => {
  const { clock, conductor, state, opened } = world();
  state.findings = [NO_TRIGGERS];
  await conductor.look();
  const [stream] = opened;
  stream!.now = { state: "lost", because: "the connection was lost" };
  state.findings = [DOWN];
  await clock.advance(2_500);
  expect(conductor.status()).toMatchObject({
    state: "lost",
    promise: "stream",
    because: "the connection was lost",
  });
  state.findings = [finding("publication-missing", "stream"), NO_TRIGGERS];
  await clock.advance(2_500);
  expect(conductor.status()).toMatchObject({ state: "live", promise: "own-writes" });
  expect(stream!.closed).toBe(true);
});

test("a mode by name is never replaced by a weaker one", async () => {
  const { clock, conductor, state, events } = world({ mode: "stream" });
  state.findings = [finding("wal-level", "stream")];
  await conductor.look();
  expect(conductor.status()).toMatchObject({
    state: "unavailable",
    promise: "ttl",
    because: "wal-level.",
  });
  state.findings = [];
  await clock.advance(11_000);
  expect(conductor.status()).toMatchObject({ state: "live", promise: "stream" });
  expect(events.filter(({ kind }) => kind === "state").map(({ detail }) => detail)).toEqual([
    "unavailable: wal-level.",
    "live",
  ]);
});

test("what is published before a mode is in force waits and is sent in order; subscribers stay", async () => {
  const { clock, conductor, state, opened } = world();
  state.findings = [DOWN];
  await conductor.look();
  const { log } = conductor.relay;
  const heard: string[] = [];
  log.subscribe((it) => heard.push(it.tags[0]!));
  expect(await log.publish(tag("a"))).toEqual({ kind: "queued", depth: 1 });
  expect(await log.publish(tag("b"))).toEqual({ kind: "queued", depth: 2 });
  state.findings = [NO_TRIGGERS];
  await clock.advance(11_000);
  expect(opened[0]!.published.map(({ tags }) => tags[0])).toEqual(["a", "b"]);
  expect(await log.publish(tag("c"))).toEqual({ kind: "applied" });
  for (const apply of opened[0]!.subscribers) apply(tag("theirs"));
  expect(heard).toEqual(["theirs"]);
});

test("a mode that takes long to open is awaited: connecting, not unavailable", async () => {
  const { conductor, state } = world({ mode: "stream" });
  const gate = Promise.withResolvers<void>();
  state.opening = gate.promise;
  state.findings = [finding("processes")];
  const looking = conductor.look();
  await new Promise((resolve) => setImmediate(resolve));
  expect(conductor.status().state).toBe("connecting");
  gate.resolve();
  await looking;
  expect(conductor.status().state).toBe("live");
});

test("a mode that is not live yet leaves a weaker one in force until it is", async () => {
  const { clock, conductor, state, opened } = world();
  state.findings = [NO_TRIGGERS];
  state.first = { state: "lost", because: "it waits" };
  await conductor.look();
  expect(conductor.status()).toMatchObject({
    state: "live",
    promise: "own-writes",
    because: "The stream is starting: it waits.",
  });
  expect(opened.map(({ promise }) => promise)).toEqual(["stream", "own-writes"]);
  await clock.advance(25_000);
  expect(opened).toHaveLength(2);
  opened[0]!.now = { state: "live" };
  await clock.advance(1_000);
  expect(conductor.status()).toMatchObject({ promise: "stream", because: undefined });
  expect(opened[1]!.closed).toBe(true);
  expect(opened[0]!.closed).toBe(false);
  await conductor.close();
  expect(opened[0]!.closed).toBe(true);
});

test("what was coming is closed when the server cannot do it any more", async () => {
  const { clock, conductor, state, opened } = world();
  state.findings = [NO_TRIGGERS];
  state.first = { state: "lost" };
  await conductor.look();
  state.findings = [finding("publication-missing", "stream"), NO_TRIGGERS];
  await clock.advance(11_000);
  expect(opened[0]!.closed).toBe(true);
  expect(conductor.status()).toMatchObject({
    promise: "own-writes",
    because: "publication-missing.",
  });
});

test("closing while a mode is being opened leaves nothing", async () => {
  const { conductor, state, opened } = world();
  const gate = Promise.withResolvers<void>();
  state.opening = gate.promise;
  const looking = conductor.look();
  await Promise.resolve();
  const closing = conductor.close();
  gate.resolve();
  await Promise.all([looking, closing]);
  expect(opened.every(({ closed }) => closed)).toBe(true);
  expect(conductor.status()).toMatchObject({ state: "closed", promise: "ttl" });
});

test("an own write while nothing is in force is not outlived by what was read before", async () => {
  const { clock, conductor } = world();
  const trust = conductor.part.source.trust!;
  const captured = instant(clock);
  expect(trust.holds(captured.monotonicMs, captured.wallMs)).toBe(true);
  await clock.advance(1);
  await conductor.part.source.settle({ tags: [], complete: true, changesSchema: false });
  expect(trust.holds(captured.monotonicMs, captured.wallMs)).toBe(false);
});
