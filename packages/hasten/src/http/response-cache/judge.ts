/**
 * Whether an answer may be stored, as far as its status and header tell: RFC 9111 (freshness.ts)
 * and what this cache refuses beyond it (http.md hazards 4, 6; coherence §6).
 */
import type { IncomingHttpHeaders } from "node:http";
import { isCompressible, mediaType } from "../compressible.ts";
import type { FieldRecord } from "../field-record.ts";
import { type Freshness, type FreshnessPolicy, storability } from "../freshness.ts";
import { parseVary } from "../vary.ts";
import { type HeaderSnapshot, headerText, varyAdded, varyNames } from "./header-list.ts";
import type { RoutePolicy } from "./options.ts";

export type Verdict =
  | {
      readonly kind: "store";
      readonly freshness: Freshness;
      /** What the handler negotiated on, without Accept-Encoding. */
      readonly varyNames: readonly string[];
      /** What the whole response negotiates on, likewise. */
      readonly outerVaryNames: readonly string[];
      readonly compressible: boolean;
      /** The Content-Encoding that the handler itself applied. */
      readonly coded: string | undefined;
    }
  | { readonly kind: "refuse"; readonly because: string };

/** What is judged. */
export interface Answer {
  readonly status: number;
  readonly fields: HeaderSnapshot;
  readonly before: HeaderSnapshot;
  readonly requestFields: IncomingHttpHeaders;
  readonly wallMs: number;
}

/** Almost every request differs in these: storing by them fills the cache with single uses. */
const TOO_MANY_VALUES: ReadonlySet<string> = new Set(["cookie", "user-agent", "origin"]);

export function judge(
  answer: Answer,
  policy: RoutePolicy<never, never>,
  freshnessPolicy: FreshnessPolicy,
): Verdict {
  const { fields, before } = answer;
  const outcome = storability(
    {
      method: "GET",
      requestFields: requestFieldsFor(answer.requestFields),
      status: answer.status,
      responseFields: fields as FieldRecord,
      nowMs: answer.wallMs,
    },
    freshnessPolicy,
  );
  if (outcome.kind === "refuse") return outcome;
  const because = refusedHere(fields, before) ?? refusedVary(varyAdded(fields, before), policy);
  if (because !== undefined) return { kind: "refuse", because };
  if (outcome.freshness.freshForMs <= 0) return { kind: "refuse", because: "no-freshness" };
  const coded = headerText(fields, "content-encoding");
  const isCoded = coded !== undefined && coded !== "identity";
  const names = selecting(varyNames(varyAdded(fields, before)));
  return {
    kind: "store",
    freshness: outcome.freshness,
    varyNames: isCoded ? [...names, "accept-encoding"].sort() : names,
    outerVaryNames: selecting(varyNames(headerText(fields, "vary"))),
    compressible: !isCoded && transformable(fields),
    coded: isCoded ? coded : undefined,
  };
}

/** The client's own directives do not decide what others are given (http.md hazard 10). */
function requestFieldsFor(fields: IncomingHttpHeaders): IncomingHttpHeaders {
  const { authorization } = fields;
  return authorization === undefined ? {} : { authorization };
}

function transformable(fields: HeaderSnapshot): boolean {
  if (!isCompressible(headerText(fields, "content-type"))) return false;
  return !/(?:^|[\s,;])no-transform\b/i.test(headerText(fields, "cache-control") ?? "");
}

function selecting(names: readonly string[]): string[] {
  return names.filter((name) => name !== "accept-encoding").sort();
}

function refusedHere(fields: HeaderSnapshot, before: HeaderSnapshot): string | undefined {
  const origin = headerText(fields, "access-control-allow-origin");
  if (
    origin !== undefined &&
    origin !== "*" &&
    before["access-control-allow-origin"] === undefined
  ) {
    return "access-control-allow-origin";
  }
  const policy = headerText(fields, "content-security-policy");
  const html = mediaType(headerText(fields, "content-type")) === "text/html";
  return html && policy?.includes("'nonce-") === true ? "csp-nonce" : undefined;
}

function refusedVary(vary: string, policy: RoutePolicy<never, never>): string | undefined {
  const parsed = parseVary(vary);
  if (parsed.kind === "any") return "vary-any";
  if (parsed.kind === "none") return undefined;
  const allowed = new Set(policy.vary?.map((name) => name.toLowerCase()));
  const refused = parsed.names.find((name) => TOO_MANY_VALUES.has(name) && !allowed.has(name));
  return refused === undefined ? undefined : `vary-${refused}`;
}
