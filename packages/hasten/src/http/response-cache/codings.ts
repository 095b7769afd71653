/**
 * The codings of stored responses: each is made once, on its first demand, and made again at its
 * best level in the background once the response has proved popular.
 *
 * Invariants:
 * - A body above `syncCodingMaxBytes` is coded on the thread pool; identity is sent meanwhile.
 * - At most JOBS_MAX bodies are coded in the background at once; beyond that a later hit asks again.
 * - A coding that does not save anything, or for which the entry has no room, is made once and not
 *   again: identity stands in for it.
 */
import { type CompressedCoding, compress, compressSync } from "../compress.ts";
import { etagForCoding } from "../etag.ts";
import type { Negotiated } from "../negotiate.ts";
import type { ResolvedOptions } from "./options.ts";
import {
  createRepresentation,
  type Representation,
  type StoredResponse,
} from "./stored-response.ts";

const JOBS_MAX = 4;

export interface Codings {
  /** What to send now to a client that negotiated this. */
  choose(stored: StoredResponse, negotiated: Negotiated): Representation;
  /** Looks, on a hit, whether it is time for the best level. */
  noteHit(stored: StoredResponse): void;
  readonly stats: StoredCodingStats;
}

export interface StoredCodingStats {
  readonly made: number;
  readonly upgraded: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

type Limits = Pick<
  ResolvedOptions,
  "syncCodingMaxBytes" | "upgradeAfterHits" | "codingThresholdBytes"
>;

export function createCodings(limits: Limits): Codings {
  const stats = { made: 0, upgraded: 0, bytesBefore: 0, bytesAfter: 0 };
  let jobs = 0;

  const keep = (
    stored: StoredResponse,
    coding: CompressedCoding,
    bytes: Uint8Array,
  ): Representation => {
    const body = stored.identity.body;
    stats.made += 1;
    stats.bytesBefore += body.length;
    stats.bytesAfter += bytes.length;
    const worth = bytes.length < body.length;
    const rep = worth
      ? createRepresentation(coding, asBuffer(bytes), etagForCoding(stored.etag, coding))
      : stored.identity;
    // The entry was accounted for with room for as many coded bytes as the body has. What does not
    // fit is identity from now on: making it for every hit would cost more than it saves.
    const fits = worth && stored.codedBytes + bytes.length <= body.length;
    if (fits) stored.codedBytes += bytes.length;
    stored.codings[coding] = fits ? rep : stored.identity;
    return rep;
  };

  const inBackground = (
    stored: StoredResponse,
    coding: CompressedCoding,
    job: () => Promise<void>,
  ): void => {
    if (jobs >= JOBS_MAX || stored.making.has(coding)) return;
    jobs += 1;
    stored.making.add(coding);
    const done = (): void => {
      jobs -= 1;
      stored.making.delete(coding);
    };
    // A failing coder leaves identity, which is always right.
    job().then(done, done);
  };

  const upgrade = (stored: StoredResponse, coding: CompressedCoding): void => {
    inBackground(stored, coding, async () => {
      const before = stored.codings[coding];
      if (before === undefined || before.coding === "identity" || isUpgraded(before)) return;
      const bytes = await compress(stored.identity.body, coding, {
        effort: "best",
        syncBytesMax: 0,
      });
      const smaller = bytes.length < before.body.length;
      const body = smaller ? asBuffer(bytes) : before.body;
      // Other bytes need another strong tag; the tag before still names the same content.
      const etag = smaller ? etagForCoding(upgradedTag(stored.etag), coding) : before.etag;
      stored.codedBytes -= before.body.length - body.length;
      stored.codings[coding] = createRepresentation(coding, body, etag, before.etag);
      stats.upgraded += 1;
    });
  };

  return {
    stats,
    choose(stored, negotiated) {
      if (negotiated === "identity" || negotiated === "none" || !stored.compressible) {
        return stored.identity;
      }
      const ready = stored.codings[negotiated];
      if (ready !== undefined) return ready;
      const body = stored.identity.body;
      if (body.length < limits.codingThresholdBytes) return stored.identity;
      if (body.length <= limits.syncCodingMaxBytes) {
        return keep(stored, negotiated, compressSync(body, negotiated));
      }
      inBackground(stored, negotiated, async () => {
        keep(stored, negotiated, await compress(body, negotiated, { syncBytesMax: 0 }));
      });
      return stored.identity;
    },
    noteHit(stored) {
      const every = limits.upgradeAfterHits;
      if (every === 0 || stored.usage.hits % every !== 0) return;
      for (const coding of Object.keys(stored.codings) as CompressedCoding[]) {
        if (!isUpgraded(stored.codings[coding])) upgrade(stored, coding);
      }
    },
  };
}

function isUpgraded(rep: Representation | undefined): boolean {
  return rep === undefined || rep.coding === "identity" || rep.etagBefore !== undefined;
}

function upgradedTag(etag: string): string {
  return etag.startsWith('"') ? `${etag.slice(0, -1)}+"` : etag;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
