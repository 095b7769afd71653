import { gzipSync } from "node:zlib";

/** A page of a list as an API gives it: about 12 KB of JSON, the same in every run. */
export const PAGE: { readonly data: readonly object[]; readonly pagination: object } = {
  data: Array.from({ length: 60 }, (_, index) => row(index)),
  pagination: { page: 1, limit: 60, total: 50_000, totalPages: 1_000, hasNext: true },
};

export const JSON_BYTES: Buffer = Buffer.from(JSON.stringify(PAGE));
/** At its best level, as hasten keeps it once a response is popular. */
export const GZIP_BYTES: Buffer = gzipSync(JSON_BYTES, { level: 9 });

/** Enough variety that it compresses like real rows: to about a fifth. */
function row(index: number): object {
  const noise = ((index + 1) * 2_654_435_761) % 4_294_967_296;
  return {
    id: `0197${noise.toString(16).padStart(8, "0")}-7c3e-7a91-b0${(index + 16).toString(16)}`,
    name: `http.server.requests.${index % 7}.p${90 + (index % 10)}`,
    domain: `domain-${noise % 200}`,
    category: ["latency", "errors", "traffic", "saturation"][index % 4],
    value: (noise % 1_000_000) / 1_000,
    unit: index % 2 === 0 ? "ms" : "count",
    active: index % 3 !== 0,
    updatedAt: new Date(1_760_000_000_000 + noise).toISOString(),
  };
}
