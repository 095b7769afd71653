import { quoteIdentifier } from "hasten/postgres";
import type { Target } from "./types.ts";

/** What of a catalog decides whether a right is missing. */
export interface Readable {
  readonly relations: readonly { readonly kind: string; readonly readable: boolean }[];
}

/** SQL that would let the target's role see the rest; empty when it sees all. */
export function missingGrants(
  { rights }: Pick<Target, "rights">,
  catalog: Readable,
): readonly string[] {
  if (rights.superuser) return [];
  const role = quoteIdentifier(rights.role);
  const blind = catalog.relations.some(({ kind, readable }) => !readable && HAS_ROWS.has(kind));
  return [
    ...(rights.statistics ? [] : [`GRANT pg_monitor TO ${role};`]),
    ...(blind && !rights.data ? [`GRANT pg_read_all_data TO ${role};`] : []),
  ];
}

const HAS_ROWS: ReadonlySet<string> = new Set(["table", "partitioned", "materialized"]);
