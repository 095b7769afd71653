/**
 * Stored responses as bytes, for a cache that several processes share.
 *
 * Invariants:
 * - What comes back is a response that this process could have stored itself: every field is checked
 *   as Node would check it, and none on the deny-list comes in by this way.
 * - Its age and its freshness are never better than where it was made: times travel as durations,
 *   counted back from the end of the entry's time as the tier tells it.
 * - Codings that were made travel; those made later stay where they were made.
 */
import { byReference, type Codec, type WireOrigin } from "../../cache/index.ts";
import { readStructured, writeStructured } from "../../cache/wire/index.ts";
import type { Freshness } from "../freshness.ts";
import type { Coding } from "../negotiate.ts";
import { trackedAs } from "./dependency.ts";
import { isPerRequest } from "./header-list.ts";
import { fieldText } from "./header-text.ts";
import { VARIANTS_MAX } from "./options.ts";
import {
  createRepresentation,
  type Representation,
  type StoredResponse,
} from "./stored-response.ts";
import { type VariantSet, variantSetBytes } from "./variants.ts";
import {
  asBoolean,
  asBytes,
  asList,
  asNumber,
  asOptional,
  asRecord,
  asText,
  asTexts,
  malformed,
} from "./wire-shape.ts";

/** Another layout gets another number: what was written by it is a miss then. */
const LAYOUT = "response 1";

/** @param nowMs the cache's clock, of which stored responses have their times */
export function responseCodec(nowMs: () => number): Codec<VariantSet> {
  return {
    ...byReference(variantSetBytes, {
      encode: (set) => {
        const all = [set.newest, ...set.older];
        return writeStructured(all.map((stored) => packed(stored, set.newest.storedAtMs)));
      },
      decode: (bytes, origin) => unpackedSet(bytes, origin, nowMs()),
    }),
    name: LAYOUT,
  };
}

function packed(stored: StoredResponse, newestMs: number): Record<string, unknown> {
  const { freshness, identity, codings } = stored;
  return {
    status: stored.status,
    fields: stored.fields,
    overridden: [...stored.overridden].flat(),
    frontFields: stored.frontFields,
    etag: stored.etag,
    lastModified: stored.lastModified,
    vary: stored.vary,
    varyNames: stored.varyNames,
    variantKey: stored.variantKey,
    compressible: stored.compressible,
    freshness: { ...freshness },
    olderByMs: newestMs - stored.storedAtMs,
    freshForMs: stored.freshUntilMs - stored.storedAtMs,
    body: bytesOf(identity.body),
    codings: Object.values(codings)
      .filter((rep) => rep.coding !== "identity")
      .map((rep) => [rep.coding, bytesOf(rep.body), rep.etag, rep.etagBefore]),
  };
}

/** Some bodies are views of another kind: they travel as plain bytes. */
function bytesOf(body: Buffer): Uint8Array {
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
}

function unpackedSet(bytes: Uint8Array, origin: WireOrigin, nowMs: number): VariantSet {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const list = asList(readStructured(whole)).map(asRecord);
  const first = list[0];
  if (first === undefined || list.length > VARIANTS_MAX) throw malformed("its variants");
  const storedAtMs = Math.min(nowMs, origin.freshUntilMs - asNumber(first["freshForMs"]));
  if (!Number.isFinite(storedAtMs)) throw malformed("its times");
  const [newest, ...older] = list.map((fields) => unpacked(fields, storedAtMs, origin));
  return { newest: newest!, older };
}

function unpacked(
  from: Readonly<Record<string, unknown>>,
  newestMs: number,
  { dependency }: WireOrigin,
): StoredResponse {
  const storedAtMs = newestMs - duration(from["olderByMs"]);
  const etag = field("ETag", asText(from["etag"]));
  const frontFields = asOptional(from["frontFields"], asTexts);
  const vary = asText(from["vary"]);
  if (vary !== "") field("Vary", vary);
  const stored: StoredResponse = {
    status: status(from["status"]),
    fields: checked(asTexts(from["fields"])),
    overridden: new Map(pairs(asTexts(from["overridden"]))),
    frontFields: frontFields === undefined ? undefined : checked(frontFields),
    etag,
    lastModified: asOptional(from["lastModified"], asText),
    vary,
    varyNames: asTexts(from["varyNames"]),
    variantKey: asText(from["variantKey"]),
    compressible: asBoolean(from["compressible"]),
    freshness: freshness(asRecord(from["freshness"])),
    dependency,
    trackedAs: trackedAs(dependency),
    storedAtMs,
    freshUntilMs: storedAtMs + duration(from["freshForMs"]),
    identity: createRepresentation("identity", asBytes(from["body"]), etag),
    codings: {},
    making: new Set(),
    codedBytes: 0,
    usage: { hits: 0 },
    retryAtMs: 0,
  };
  for (const coded of asList(from["codings"])) addCoding(stored, asList(coded));
  return stored;
}

const CODINGS: ReadonlySet<string> = new Set<Coding>(["zstd", "br", "gzip", "deflate"]);

function addCoding(stored: StoredResponse, [name, body, etag, before]: readonly unknown[]): void {
  const coding = asText(name);
  if (!CODINGS.has(coding)) throw malformed("a coding");
  const etagBefore = asOptional(before, asText);
  if (etagBefore !== undefined) field("ETag", etagBefore);
  const rep: Representation = createRepresentation(
    coding as Coding,
    asBytes(body),
    field("ETag", asText(etag)),
    etagBefore,
  );
  stored.codedBytes += rep.body.length;
  if (stored.codedBytes > stored.identity.body.length) throw malformed("its codings");
  stored.codings[rep.coding] = rep;
}

const STATUS_MIN = 200;
const STATUS_MAX = 599;

function status(value: unknown): number {
  const code = asNumber(value);
  if (!Number.isInteger(code) || code < STATUS_MIN || code > STATUS_MAX)
    throw malformed("a status");
  return code;
}

function duration(value: unknown): number {
  const ms = asNumber(value);
  if (!(ms >= 0)) throw malformed("a duration");
  return ms;
}

function freshness(from: Readonly<Record<string, unknown>>): Freshness {
  return {
    initialAgeMs: duration(from["initialAgeMs"]),
    freshForMs: duration(from["freshForMs"]),
    staleWhileRevalidateMs: duration(from["staleWhileRevalidateMs"]),
    staleIfErrorMs: duration(from["staleIfErrorMs"]),
    mustRevalidate: asBoolean(from["mustRevalidate"]),
    droppedFields: asTexts(from["droppedFields"]),
  };
}

/** The value, if it may be sent. */
function field(name: string, value: string): string {
  fieldText(name, value);
  return value;
}

/** The date of the answer belongs to it; everything else that is one request's does not. */
function checked(fields: readonly string[]): readonly string[] {
  for (const [name, value] of pairs(fields)) {
    field(name, value);
    const lower = name.toLowerCase();
    if (lower !== "date" && isPerRequest(lower, value)) throw malformed(`field ${lower}`);
  }
  return fields;
}

function pairs(flat: readonly string[]): [string, string][] {
  if (flat.length % 2 !== 0) throw malformed("its fields");
  const list: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) list.push([flat[at]!, flat[at + 1]!]);
  return list;
}
