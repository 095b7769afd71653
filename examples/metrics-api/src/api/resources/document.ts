import { ident, type Sql, sql } from "hasten/postgres";
import { notFound } from "../http/problem.ts";
import type { Resource } from "./resource.ts";

/** A document as clients read it. */
export type Document = Record<string, unknown> & { readonly id: string; readonly version: number };

/** The select list of the named columns (default all a client may read), each under its name. */
export function selectList(resource: Resource, names?: readonly string[]): Sql {
  const chosen = names ?? Object.keys(resource.columns);
  return sql.join(chosen.map((name) => sql`${resource.columns[name]!.sql} as ${ident(name)}`));
}

/** One statement's table; the name is a constant of the resource. */
export const tableOf = (resource: Resource): Sql => ident(resource.name);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id of a path in lower case. @throws a 404 problem for what cannot be one. */
export function documentId(resource: Resource, id: string | undefined): string {
  if (id === undefined || !UUID.test(id)) {
    throw notFound(`There is no such ${resource.singular}: its id is a UUID.`);
  }
  return id.toLowerCase();
}

export const noDocument = (resource: Resource): Error =>
  notFound(`There is no ${resource.singular} with this id.`);
