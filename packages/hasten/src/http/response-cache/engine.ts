import { byReference, type Cache, type EntryView, type Key } from "../../cache/index.ts";
import { createNegotiator, type Negotiated } from "../negotiate.ts";
import { type Codings, createCodings } from "./codings.ts";
import { holds } from "./dependency.ts";
import { createFlights, type Flights } from "./flights.ts";
import type { ResolvedOptions } from "./options.ts";
import { createRequestKeys, type RequestKeys } from "./request-key.ts";
import type { StoredResponse } from "./stored-response.ts";
import { type VariantSet, variantSetBytes } from "./variants.ts";
import { responseCodec } from "./wire.ts";
import { createWriteHot, type WriteHot } from "./write-hot.ts";

/** The parts that all routes of one response cache share. */
export interface Engine {
  readonly options: ResolvedOptions;
  readonly cache: Cache;
  readonly keys: RequestKeys;
  readonly flights: Flights;
  readonly codings: Codings;
  readonly negotiate: (acceptEncoding: string | undefined) => Negotiated;
  readonly writeHot: WriteHot;
  /** Keys being refreshed in the background. */
  readonly refreshing: Set<string>;
  /** Raw URLs of public routes whose key is a normalised one. Bounded by ALIASES_MAX. */
  readonly aliases: Map<string, Key<VariantSet>>;
  readonly counters: Counters;
}

export interface Counters {
  hits: number;
  frontHits: number;
  staleHits: number;
  misses: number;
  collapsed: number;
  bypassed: number;
  stored: number;
  refused: number;
  voided: number;
  /** Stored for their time to live only, since not all that was read is understood. */
  untracked: number;
  /** Found, and not served as fresh since the source of changes did not confirm them. */
  unconfirmed: number;
  /** Dropped since more was read after they were stored. */
  late: number;
  refreshes: number;
  refreshesFailed: number;
}

const ALIASES_MAX = 10_000;

export function createEngine(options: ResolvedOptions): Engine {
  const { cache, name, clock } = options;
  // Defining the kind of key gives its entries their codec. Copies for maxStaleMs, which no
  // invalidation reaches, stay in the process that made them: theirs has no wire form.
  const kind = (rest: string): readonly [string] => [rest];
  cache.key(name, kind).of<VariantSet>({ codec: responseCodec(() => cache.nowMs()) });
  cache.key(`${name}-stale`, kind).of<VariantSet>({ codec: byReference(variantSetBytes) });
  return {
    options,
    cache,
    keys: createRequestKeys(name),
    flights: createFlights(options, clock),
    codings: createCodings(options),
    negotiate: createNegotiator(options.codings),
    writeHot: createWriteHot(() => cache.nowMs()),
    refreshing: new Set(),
    aliases: new Map(),
    counters: {
      hits: 0,
      frontHits: 0,
      staleHits: 0,
      misses: 0,
      collapsed: 0,
      bypassed: 0,
      stored: 0,
      refused: 0,
      voided: 0,
      untracked: 0,
      unconfirmed: 0,
      late: 0,
      refreshes: 0,
      refreshesFailed: 0,
    },
  };
}

const ASIDE = { aside: true } as const;

/** An entry to look at: answers do not depend on what was there before them. */
export function lookAt(engine: Engine, key: Key<VariantSet>): EntryView<VariantSet> | undefined {
  return engine.cache.entry(key, ASIDE);
}

/** Whether sources of changes let this variant be served as fresh. */
export function isConfirmed(entry: EntryView<VariantSet>, stored: StoredResponse): boolean {
  // An entry of several is untracked if one of them is: then each is asked for itself.
  return entry.confirmed && (entry.value.older.length === 0 || holds(stored.dependency));
}

/** The entry that `maxStaleMs` keeps beside the real one: no tag reaches it. */
export function maxStaleKey(engine: Engine, key: string): Key<VariantSet> {
  const { name } = engine.options;
  return `${name}-stale${key.slice(name.length)}`;
}

export function rememberAlias(engine: Engine, url: string, key: Key<VariantSet>): void {
  if (engine.keys.front(url) === key) return;
  if (engine.aliases.size >= ALIASES_MAX) engine.aliases.clear();
  engine.aliases.set(url, key);
}
