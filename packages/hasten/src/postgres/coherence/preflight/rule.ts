import type { CoherencePromise } from "../../../core/trust.ts";
import { quoteQualified } from "../../ident.ts";
import type { DatabaseFacts } from "./facts.ts";
import type { Finding, FindingId } from "./finding.ts";
import type { ReplicationFacts, UrlFacts } from "./probe.ts";
import { nameOf, type TableFacts } from "./tables.ts";

/** Everything that was looked at. */
export interface PreflightFacts extends DatabaseFacts {
  readonly publicationName: string;
  /** What the application's URL leads to; undefined when it is the direct one. */
  readonly url: UrlFacts | undefined;
  readonly direct: UrlFacts;
  /** Undefined when not tried: this process streams already. */
  readonly replication: ReplicationFacts | undefined;
  /** Replication connections and slots that this process holds. */
  readonly own: number;
  readonly parser: boolean;
}

/** Looks at the facts alone and words one finding, or none. */
export type Rule = (facts: PreflightFacts) => Finding | undefined;

const TABLES_MAX = 1_000;

export interface Words {
  readonly says: string;
  readonly fix: string;
  readonly sql?: readonly string[];
  readonly tables?: readonly TableFacts[];
}

export const blocks = (id: FindingId, stops: readonly CoherencePromise[], words: Words): Finding =>
  finding(id, "blocks", { stops, ...words });
export const narrows = (id: FindingId, words: Words): Finding =>
  finding(id, "narrows", { stops: [], ...words });
export const advises = (id: FindingId, words: Words): Finding =>
  finding(id, "advises", { stops: [], ...words });

function finding(
  id: FindingId,
  severity: Finding["severity"],
  words: Words & { readonly stops: readonly CoherencePromise[] },
): Finding {
  const { stops, says, fix, sql = [], tables = [] } = words;
  return { id, severity, stops, says, fix, sql, tables: tables.slice(0, TABLES_MAX).map(nameOf) };
}

/** Tables that keep rows. */
export const leaves = (tables: readonly TableFacts[]): readonly TableFacts[] =>
  tables.filter((table) => !table.root);

export const qualified = (it: TableFacts): string => quoteQualified([it.schema, it.table]);

export const counted = (tables: readonly TableFacts[], what: string): string =>
  tables.length === 1 ? `One table ${what}` : `${tables.length} tables ${what}`;
