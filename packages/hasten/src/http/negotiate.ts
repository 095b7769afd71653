/**
 * Content coding negotiation (RFC 9110 §12.5.3).
 *
 * Invariants:
 * - A coding with q=0 is never chosen, and none is chosen that the field does not accept.
 * - The client's weights decide; the server's order breaks ties.
 * - An absent, empty or overlong field gets identity.
 */

/** Content codings hasten can produce. `identity` is the body as it is. */
export type Coding = "zstd" | "br" | "gzip" | "deflate" | "identity";

/** A coding to send, or "none" when the client refuses every one we have, identity included. */
export type Negotiated = Coding | "none";

/** Best ratio for its speed first; identity is the last resort and not listed. */
export const CODING_PREFERENCE: readonly Coding[] = ["zstd", "br", "gzip", "deflate"];

/** A longer Accept-Encoding is not parsed: identity. */
export const ACCEPT_ENCODING_LENGTH_MAX = 1024;

/** Distinct raw fields remembered; at the limit the memory is emptied and starts again. */
const MEMO_ENTRIES_MAX = 256;

/** Chooses a coding for one Accept-Encoding value. Never throws. */
export function negotiateCoding(
  acceptEncoding: string | undefined,
  preference: readonly Coding[] = CODING_PREFERENCE,
): Negotiated {
  if (acceptEncoding === undefined || acceptEncoding.length > ACCEPT_ENCODING_LENGTH_MAX) {
    return "identity";
  }
  const weights = parseWeights(acceptEncoding);
  let best: Negotiated = "none";
  let bestWeight = 0;
  for (const coding of preference) {
    const weight = coding === "identity" ? identityWeight(weights) : weightOf(weights, coding);
    if (weight <= bestWeight) continue;
    best = coding;
    bestWeight = weight;
  }
  const identity = identityWeight(weights);
  // An identity nobody mentioned is acceptable, but only after every coding that was.
  const mentioned = weights.has("identity");
  if (identity > bestWeight || (best === "none" && identity > 0)) {
    return mentioned || best === "none" ? "identity" : best;
  }
  return best;
}

/** A negotiator that remembers its answers by the raw field, for the hit path. */
export function createNegotiator(
  preference: readonly Coding[] = CODING_PREFERENCE,
): (acceptEncoding: string | undefined) => Negotiated {
  const memo = new Map<string, Negotiated>();
  return (acceptEncoding) => {
    if (acceptEncoding === undefined) return "identity";
    const known = memo.get(acceptEncoding);
    if (known !== undefined) return known;
    const negotiated = negotiateCoding(acceptEncoding, preference);
    if (acceptEncoding.length > ACCEPT_ENCODING_LENGTH_MAX) return negotiated;
    if (memo.size >= MEMO_ENTRIES_MAX) memo.clear();
    memo.set(acceptEncoding, negotiated);
    return negotiated;
  };
}

/** `coding [ weight ]`, weight as in RFC 9110 §12.4.2: 0 to 1 with at most three decimals. */
const ELEMENT =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/** Weights by lower-case coding. A malformed element counts as absent: never as a yes. */
function parseWeights(field: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of field.split(",")) {
    const matched = ELEMENT.exec(part.trim());
    if (matched === null) continue;
    const name = canonicalName((matched[1] ?? "").toLowerCase());
    const weight = matched[2] === undefined ? 1 : Number(matched[2]);
    // Of contradictory repetitions the refusal counts.
    weights.set(name, Math.min(weights.get(name) ?? 1, weight));
  }
  return weights;
}

/** RFC 9110 §8.4.1.3: x-gzip is gzip. */
function canonicalName(name: string): string {
  return name === "x-gzip" ? "gzip" : name;
}

function weightOf(weights: ReadonlyMap<string, number>, coding: string): number {
  return weights.get(coding) ?? weights.get("*") ?? 0;
}

/** §12.5.3: identity is acceptable unless excluded by itself or by `*;q=0`. */
function identityWeight(weights: ReadonlyMap<string, number>): number {
  const own = weights.get("identity");
  if (own !== undefined) return own;
  return weights.get("*") === 0 ? 0 : 0.001;
}
