import { byReference, type Cache, type Key } from "../../cache/index.ts";
import { createNegotiator, type Negotiated } from "../negotiate.ts";
import { type Codings, createCodings } from "./codings.ts";
import { createFlights, type Flights } from "./flights.ts";
import type { ResolvedOptions } from "./options.ts";
import { createRequestKeys, type RequestKeys } from "./request-key.ts";
import { type VariantSet, variantSetBytes } from "./variants.ts";
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
  refreshes: number;
  refreshesFailed: number;
}

const ALIASES_MAX = 10_000;

export function createEngine(options: ResolvedOptions): Engine {
  const { cache, name, clock } = options;
  const codec = byReference(variantSetBytes);
  // Defining the kind of key gives its entries their codec.
  cache.key(name, (rest: string) => [rest]).of<VariantSet>({ codec });
  cache.key(`${name}-stale`, (rest: string) => [rest]).of<VariantSet>({ codec });
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
      refreshes: 0,
      refreshesFailed: 0,
    },
  };
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
