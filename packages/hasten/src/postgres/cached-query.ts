import { createHash } from "node:crypto";
import { PostgresError } from "./errors.ts";
import type { Statement } from "./sql.ts";

/** The part of a hasten Cache that cached queries use; `createCache()` fits. */
export interface QueryCache {
  getOrSet(
    key: string,
    load: (context: { readonly signal: AbortSignal }) => Promise<readonly unknown[]>,
    options: {
      readonly ttlMs?: number;
      readonly graceMs?: number;
      readonly tags?: readonly string[];
    },
  ): unknown;
}

/** How a query's rows are kept. */
export interface QueryCacheOptions {
  /** How long the rows are fresh, in milliseconds. @default the cache's own */
  readonly ttlMs?: number;
  /** How long after that they may be served while the database fails. @default the cache's own */
  readonly graceMs?: number;
  readonly tags?: readonly string[];
  /** Replaces the derived key; it must tell apart everything the rows depend on. */
  readonly key?: string;
}

/**
 * The key of a query's rows, `query:<hash>`: a SHA-256 of database identity, text and values in an injective
 * encoding (every part carries its type and length, so no two lists of parts meet).
 * @throws HST_PG_VALUE for a value whose sent form cannot be known here (`toPostgres` objects).
 */
export function queryKey(identity: string, statement: Statement): string {
  const hash = createHash("sha256");
  const put = (kind: string, content: string): void => {
    hash.update(`${kind}${Buffer.byteLength(content)}:`);
    hash.update(content);
  };
  put("db", identity);
  put("text", statement.text);
  statement.values?.forEach((value, index) => {
    put(...encoded(value, index + 1));
  });
  return `query:${hash.digest("base64url")}`;
}

function encoded(value: unknown, position: number): [string, string] {
  if (value === null) return ["null", ""];
  if (value instanceof Date) return ["date", String(value.getTime())];
  if (ArrayBuffer.isView(value))
    return [
      "bytes",
      Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64"),
    ];
  if (Array.isArray(value))
    return ["array", value.map((item) => lengthened(encoded(item ?? null, position))).join("")];
  if (typeof value !== "object") return [typeof value, String(value)];
  if (typeof (value as { toPostgres?: unknown }).toPostgres === "function")
    throw new PostgresError("HST_PG_VALUE", {
      message: `Value ${position} encodes itself (toPostgres), so its cache key cannot be known.`,
      fix: "Pass its text, or give cache.key.",
    });
  return ["json", JSON.stringify(value)];
}

const lengthened = ([kind, content]: [string, string]): string =>
  `${kind}${Buffer.byteLength(content)}:${content}`;
