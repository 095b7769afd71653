import { quoteIdentifier, quoteQualified } from "hasten/postgres";
import { step } from "./schema-steps.ts";
import type { Step } from "./schema-types.ts";

export interface Named {
  readonly schema: string;
  readonly name: string;
}

export interface CollationRow extends Named {
  readonly provider: string;
  readonly is_c: boolean;
  readonly deterministic: boolean;
}

export interface EnumRow extends Named {
  readonly labels: readonly string[] | null;
}

export interface DomainRow extends Named {
  readonly type: string;
  readonly collation_schema: string | null;
  readonly collation_name: string | null;
}

export interface CompositeRow extends Named {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface RangeRow extends Named {
  readonly subtype: string;
  /** Quoted and qualified by the target. */
  readonly difference: string | null;
}

/** An order by bytes stays one; every other becomes ICU's root order, whatever its provider. */
export function collationStep(row: CollationRow): Step {
  const name = quoteQualified([row.schema, row.name]);
  if (row.is_c) return step(`create collation if not exists ${name} from pg_catalog."C"`);
  const deterministic = row.deterministic ? "" : ", deterministic = false";
  return step(
    `create collation if not exists ${name} (provider = icu, locale = 'und'${deterministic})`,
  );
}

export function enumStep(row: EnumRow): Step {
  const labels = (row.labels ?? []).map(quoteLabel).join(", ");
  return step(`create type ${quoteQualified([row.schema, row.name])} as enum (${labels})`);
}

/** Labels are the schema's, not data; utility statements take no parameters. */
function quoteLabel(label: string): string {
  const escaped = label.replaceAll("'", "''");
  return label.includes("\\") ? ` E'${escaped.replaceAll("\\", "\\\\")}'` : `'${escaped}'`;
}

export function domainStep(row: DomainRow): Step {
  const collation =
    row.collation_schema === null || row.collation_name === null
      ? ""
      : ` collate ${quoteQualified([row.collation_schema, row.collation_name])}`;
  return step(`create domain ${quoteQualified([row.schema, row.name])} as ${row.type}${collation}`);
}

export function compositeStep(row: CompositeRow): Step {
  const columns = row.columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`);
  return step(`create type ${quoteQualified([row.schema, row.name])} as (${columns.join(", ")})`);
}

export function rangeStep(row: RangeRow): Step {
  const difference = row.difference === null ? "" : `, subtype_diff = ${row.difference}`;
  return step(
    `create type ${quoteQualified([row.schema, row.name])} as range (subtype = ${row.subtype}${difference})`,
  );
}

export function schemaStep(name: string): Step {
  return step(`create schema if not exists ${quoteIdentifier(name)}`);
}

export function textSearchStep(row: Named): Step {
  return step(
    `create text search configuration ${quoteQualified([row.schema, row.name])} (copy = pg_catalog.simple)`,
  );
}
