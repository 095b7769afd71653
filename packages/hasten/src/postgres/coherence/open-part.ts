/**
 * Opens one mode: who understands statements for it, and where its changes come from.
 *
 * Invariants:
 * - A part owns what it opened and nothing else; when opening fails, nothing of it is left.
 * - Statements are understood for one coverage: a part that comes after another starts with none.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import { tell } from "../../core/tell.ts";
import type { CoherencePromise, Trust } from "../../core/trust.ts";
import type { Coverage } from "../catalog/run.ts";
import { openSharedStream } from "../leader/part.ts";
import { sharedWrites } from "../leader/shared-writes.ts";
import { createStatements, type Statements } from "../statements/create-statements.ts";
import { type ChangeStream, openStream } from "../stream/index.ts";
import { createDirect, type Direct } from "./direct.ts";
import type { ResolvedCoherence } from "./options.ts";
import { alone, createOwnWrites, OwnWritesTrust } from "./own-writes.ts";
import { nothingPart, type Part, type PartStatus } from "./parts.ts";
import { type Audience, logReaching, reaching } from "./reaching.ts";
import type { ChangeSource, DropTags } from "./source.ts";
import { openTriggers } from "./triggers/source.ts";

export interface PartSurroundings {
  readonly options: ResolvedCoherence;
  /** For catalog look-ups; shared by all parts. */
  readonly direct: Direct;
  readonly drop: DropTags;
  readonly audience: Audience;
}

/** Rejects when the server refuses it. */
export function openPart(promise: CoherencePromise, around: PartSurroundings): Promise<Part> {
  switch (promise) {
    case "stream":
      return streamPart(around);
    case "triggers":
      return triggersPart(around);
    case "own-writes":
      return ownWritesPart(around);
    case "ttl":
      return Promise.resolve(ttlPart(around));
    default:
      return promise satisfies never;
  }
}

async function streamPart(around: PartSurroundings): Promise<Part> {
  const { options, drop, audience } = around;
  const statements = await statementsOf(around, {
    kind: "publication",
    name: options.publication,
  });
  const { interest, poll, analyzer } = statements;
  const { shared: tier } = options;
  if (tier !== undefined) {
    const led = await openSharedStream({ options, tier, statements, drop, audience });
    // Nobody leads without Redis: a start does not wait for that.
    if (await tier.ready(TIER_MS))
      await until(() => led.source.trust?.confirmed === true, LED_MS, options.clock);
    return assemble(around, { ...led, analyzer });
  }
  const source = await openStream({
    ...options,
    url: options.directUrl,
    interest,
    poll,
    drop,
    onEvent: ({ kind, detail }) =>
      tell(options.onEvent, { kind: "stream", detail: `${kind}: ${detail}` }),
  });
  await confirmedOnce(source, options.clock);
  const close = (): Promise<void> => source.close();
  const handOver = (): Promise<void> => source.handOver();
  return assemble(around, { source, analyzer, close, handOver, status: () => partStatus(source) });
}

const CONFIRM_MS = 1_000;
/** A leader that has to come first takes a lease and a slot. */
const LED_MS = 3_000;
/** Redis may be being connected to at this moment. */
const TIER_MS = 500;
const CONFIRM_EVERY_MS = 5;

/** Waits for the first heartbeat to come back, so that what is promised holds when it is said; not for long. */
async function confirmedOnce({ trust }: { readonly trust: Trust }, clock: Clock): Promise<void> {
  await until(() => trust.ended || trust.confirmed, CONFIRM_MS, clock);
}

async function until(done: () => boolean, limitMs: number, clock: Clock): Promise<void> {
  const endMs = clock.nowMs() + limitMs;
  while (!done() && clock.nowMs() < endMs)
    await new Promise<void>((resolve) => void clock.schedule(CONFIRM_EVERY_MS, resolve));
}

/** Before it is live for the first time nothing is known either. */
function partStatus(source: ChangeStream): PartStatus {
  const { state, because, slot, waitsFor } = source.status();
  const slots = slot === undefined ? 0 : 1;
  if (state === "live" || state === "late") return { state, because, slots };
  const waiting = `transactions that were running before it have to end first: ${waitsFor.join(", ")}`;
  return { state: "lost", because: waitsFor.length > 0 ? waiting : because, slots };
}

async function triggersPart(around: PartSurroundings): Promise<Part> {
  const { options, drop } = around;
  const { interest, poll, analyzer } = await statementsOf(around, { kind: "triggers" });
  // A connection of its own: reading the log never waits behind a look at the catalog.
  const direct = createDirect({
    url: options.directUrl,
    driver: options.driver,
    applicationName: "hasten change log",
  });
  try {
    const node = randomUUID();
    const source = await openTriggers({ ...options, direct, node, interest, poll, drop });
    const close = (): Promise<void> => source.close().then(() => direct.close());
    return assemble(around, { source, analyzer, close, status: () => source.status() });
  } catch (error) {
    await direct.close();
    throw error;
  }
}

async function ownWritesPart(around: PartSurroundings): Promise<Part> {
  const { options, drop } = around;
  const { poll, analyzer } = await statementsOf(around, { kind: "any" });
  const own = createOwnWrites({ ...options, drop, poll });
  const { clock, shared: tier } = options;
  const source = tier === undefined ? own : sharedWrites(own, { log: tier.log, clock, drop });
  const close = (): Promise<void> => source.close();
  return assemble(around, { source, analyzer, close, status: () => ({ state: "live" }) });
}

/** Everything lives by its time to live: nothing can end that sooner, so nothing lapses. */
function ttlPart({ options }: PartSurroundings): Part {
  const nothing = nothingPart(options, "nothing is tracked in this mode");
  const trust = new OwnWritesTrust("ttl", options.boundMs, options.clock);
  return { ...nothing, log: alone(trust), status: () => ({ state: "live" }) };
}

async function statementsOf(around: PartSurroundings, coverage: Coverage): Promise<Statements> {
  const { run } = around.direct;
  const [row] = await run("select current_database()::text as database");
  const statements = createStatements({ run, database: String(row?.["database"]), coverage });
  // From here on it knows what is younger than itself.
  await statements.poll();
  return statements;
}

interface Assembly {
  readonly source: ChangeSource & { readonly log: InvalidationLog };
  readonly analyzer: Part["analyzer"];
  readonly status: () => PartStatus;
  readonly close: () => Promise<void>;
  readonly handOver?: () => Promise<void>;
}

function assemble({ audience }: PartSurroundings, assembly: Assembly): Part {
  const { source, analyzer, status, close, handOver = async () => undefined } = assembly;
  return {
    promise: source.promise,
    source: reaching(source, audience),
    log: logReaching(source.log, audience),
    analyzer,
    status,
    handOver,
    close,
  };
}
