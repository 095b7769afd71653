/**
 * The stream as one of several processes has it that share a tier: one of them reads the WAL, all of
 * them learn from Redis what it read.
 *
 * Invariants: `follower.ts` for what is trusted, `stint.ts` for what is told, `candidate.ts` for who
 * tells it. A part owns its connections and nothing else; when opening fails, nothing of it is left.
 */
import { randomUUID } from "node:crypto";
import type { SharedTier } from "../../cache/shared/port.ts";
import type { Timer } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import { tell } from "../../core/tell.ts";
import { createDirect, type Direct } from "../coherence/direct.ts";
import type { ResolvedCoherence } from "../coherence/options.ts";
import type { PartStatus } from "../coherence/parts.ts";
import type { Audience } from "../coherence/reaching.ts";
import type { ChangeSource, DropTags } from "../coherence/source.ts";
import { PostgresError } from "../errors.ts";
import type { Statements } from "../statements/create-statements.ts";
import { openStream } from "../stream/index.ts";
import { identify } from "../watch/identity.ts";
import { BARRIER_SQL } from "./barriers.ts";
import { Candidate } from "./candidate.ts";
import { namesUnknown, WholeCatalog } from "./catalog.ts";
import { Follower } from "./follower.ts";
import type { LeaderMutant, Led, LedHooks } from "./types.ts";

export interface SharedStreamOptions {
  readonly options: ResolvedCoherence;
  readonly tier: SharedTier;
  readonly statements: Statements;
  readonly drop: DropTags;
  readonly audience: Audience;
  readonly mutant?: LeaderMutant | undefined;
}

export interface SharedStream {
  readonly source: ChangeSource & { readonly log: InvalidationLog };
  status(): PartStatus;
  handOver(): Promise<void>;
  close(): Promise<void>;
}

const LEASE_MS = 2_000;
/** How soon what a process knows of the catalog is looked at again while nothing else asks for it. */
const POLL_MS = 1_000;
const FLUSHING_VERSION = 170_000;

/** Rejects when the database does not answer, or refuses what a leader would need. */
export async function openSharedStream(shared: SharedStreamOptions): Promise<SharedStream> {
  const { options, tier, statements, drop, audience, mutant } = shared;
  const { clock, boundMs, maxLagMs } = options;
  const node = randomUUID();
  const direct = createDirect({
    url: options.directUrl,
    driver: options.driver,
    applicationName: "hasten leader",
  });
  const facts = await factsOf(direct, options.publication).catch(async (error: unknown) => {
    await direct.close();
    throw error;
  });
  const source = `sql:${facts.id}`;
  const emits = facts.version >= FLUSHING_VERSION ? "flushing" : "transactional";
  const candidate = new Candidate({
    tier,
    source,
    node,
    clock,
    log: tier.log,
    drop,
    leaseMs: LEASE_MS,
    beatMs: boundMs / 4,
    mutant,
    open: (hooks) => openLed({ shared, direct, database: facts.database }, hooks),
  });
  const follower = new Follower({
    tier,
    source,
    node,
    clock,
    boundMs,
    maxLagMs,
    audience,
    drop,
    mutant,
    poll: () => statements.poll(),
    emit: async (content) => void (await direct.run(BARRIER_SQL[emits], [content])),
    dropped: () => candidate.position,
    onWord: (word) => candidate.heard(word),
    onTerm: (term) =>
      tell(options.onEvent, {
        kind: "stream",
        detail:
          term === undefined ? "gap: its leader was lost" : "live: a leader reads the changes",
      }),
  });
  const looks = pollEvery(shared);
  let closing: Promise<void> | undefined;
  return {
    source: follower,
    status: () => statusOf(follower, candidate),
    async handOver() {
      await candidate.handOver();
    },
    close() {
      closing ??= (async () => {
        looks.stop();
        // The successor is told by it while it waits: it listens until then.
        await candidate.close();
        await follower.close();
        await direct.close();
      })();
      return closing;
    },
  };
}

function statusOf(follower: Follower, candidate: Candidate): PartStatus {
  const state = follower.status();
  const { slots, leads } = candidate;
  if (state === "live") return { state, slots };
  const nobody = "no process leads: Redis is not reached, or none can read the changes";
  const record = follower.record;
  const silent = record?.term ? "the leader did not confirm in time" : "the leader is starting";
  const because = record === undefined ? nobody : silent;
  return { state, because: (leads ? undefined : candidate.because) ?? because, slots };
}

interface Facts {
  /** The same in every process that uses this database. */
  readonly id: string;
  readonly database: string;
  readonly version: number;
}

async function factsOf(direct: Direct, publication: string): Promise<Facts> {
  const { database: oid, system, started } = await identify(direct.run);
  const [row] = await direct.run(
    `select current_database()::text as name, current_setting('server_version_num') as version,
      exists (select from pg_publication where pubname = $1)::text as published`,
    [publication],
  );
  if (row?.["published"] !== "true")
    throw new PostgresError("HST_PG_STREAM", {
      message: `Changes cannot be streamed: the publication "${publication}" does not exist.`,
      fix: "Run npx hasten preflight: it prints the SQL that creates it.",
    });
  return {
    id: `${system ?? started}.${oid}`,
    database: String(row?.["name"]),
    version: Number(row?.["version"]),
  };
}

interface Leading {
  readonly shared: SharedStreamOptions;
  readonly direct: Direct;
  readonly database: string;
}

/** What only the leader has: a slot, and the catalog of everything that is published. */
async function openLed({ shared, database }: Leading, hooks: LedHooks): Promise<Led> {
  const { options, statements, mutant } = shared;
  const looker = createDirect({
    url: options.directUrl,
    driver: options.driver,
    applicationName: "hasten leader (catalog)",
  });
  const { publication } = options;
  const catalog = new WholeCatalog({ run: looker.run, database, publication });
  try {
    await catalog.look();
    const stream = await openStream({
      ...options,
      url: options.directUrl,
      // It is asked for each beat; by itself it beats only to find that it is cut off.
      heartbeatMs: options.maxLagMs / 2,
      interest: mutant === "ownInterest" ? statements.interest : catalog.interest,
      poll: async () => {
        await catalog.look();
        return [];
      },
      drop(tags) {
        if (namesUnknown(tags)) catalog.unknown();
        hooks.drop(tags);
      },
      onBarrier: hooks.onBarrier,
      onEvent: ({ kind, detail }) =>
        tell(options.onEvent, { kind: "stream", detail: `leader: ${kind}: ${detail}` }),
    });
    const source = {
      get trust() {
        return stream.trust;
      },
      get live() {
        return !stream.trust.ended;
      },
      get waits() {
        return stream.status().state === "starting";
      },
      get position() {
        // Of what is told, whether or not replicas may count now.
        return stream.status().position;
      },
      beat: () => stream.beat(),
      close: () => stream.close().then(() => looker.close()),
    };
    return { source, catalog };
  } catch (error) {
    await looker.close();
    throw error;
  }
}

/** Statements' own knowledge of the catalog is looked at now and then, whoever leads. */
function pollEvery({ options, statements, drop }: SharedStreamOptions): { stop(): void } {
  let timer: Timer | undefined;
  let stopped = false;
  const plan = (): void => {
    timer = options.clock.schedule(POLL_MS, () => {
      statements
        .poll()
        .then(
          (tags) => drop(tags, "a changed table, view or function"),
          () => undefined,
        )
        .finally(() => {
          if (!stopped) plan();
        });
    });
  };
  plan();
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
