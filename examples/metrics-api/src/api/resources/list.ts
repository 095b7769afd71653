import {
  clampPage,
  cursorBody,
  cursorHeaders,
  offsetBody,
  offsetHeaders,
  type PageLocation,
  parsePaging,
} from "hasten/http";
import {
  type Database,
  type PageRunner,
  readOffsetPage,
  readPage,
  readTotal,
  type Sql,
  type Total,
} from "hasten/postgres";
import { invalidParameters } from "../http/problem.ts";
import type { Reply } from "../http/route.ts";
import { tableOf } from "./document.ts";
import { FEW_ROWS_MAX, foundFirst, isCheapToCount, leavesFew, needsCounting } from "./few.ts";
import { cursorLinks, onwardLink } from "./links.ts";
import { EXCLUSIVE, filterOf, type ListQuery, sortOf } from "./list-query.ts";
import {
  ALL_FIELDS,
  CURSOR_LIMIT_DEFAULT,
  FILTERED_COUNT_MAX,
  LIMIT_MAX,
  type ListSpecs,
  OFFSET_MAX,
  UNPAGED_ROWS_MAX,
  WHOLE,
} from "./list-specs.ts";
import { READ } from "./read-options.ts";
import type { Resource } from "./resource.ts";
import { SEARCH_ROWS_MAX, search } from "./search.ts";

/** Rows of a page by number when the request names no limit. */
const OFFSET_LIMIT_DEFAULT = 50;

/** One request for a list, its parameters checked one by one. */
export interface ListRequest {
  readonly resource: Resource;
  readonly specs: ListSpecs;
  readonly query: ListQuery;
  readonly location: PageLocation;
  readonly db: Database;
}

/** Answers a list in the way its parameters ask for: searched, by cursor, whole, or by page. */
export function list(request: ListRequest): Promise<Reply> {
  const { query } = request;
  refuseContradictions(query);
  if (query.q !== undefined) return searched(request, query.q as string);
  if (query.cursor !== undefined) return byCursor(request, query.cursor);
  return query.all === undefined ? byPage(request) : whole(request);
}

function refuseContradictions(query: ListQuery): void {
  const given = query as Readonly<Record<string, unknown>>;
  const errors = EXCLUSIVE.filter(({ name }) => given[name] !== undefined).flatMap(
    ({ name, excludes }) =>
      excludes
        .filter((other) => given[other] !== undefined)
        .map((field) => ({ field, message: `cannot be combined with ${name}` })),
  );
  if (errors.length > 0) throw invalidParameters(errors);
}

interface Asked {
  readonly sort: string;
  readonly filter: Sql | undefined;
  /** What cursors are bound to: the filter as asked for, however it is then written. */
  readonly filterId: string | undefined;
  readonly fields: readonly string[] | undefined;
}

function asked({ resource, query }: ListRequest): Asked {
  const filter = filterOf(resource, query);
  const filterId = filter && JSON.stringify([filter.text, filter.values]);
  return { sort: sortOf(query), filter, filterId, fields: query.fields };
}

const selected = (request: ListRequest): Asked => {
  const wanted = asked(request);
  return { ...wanted, fields: wanted.fields ?? ALL_FIELDS };
};

async function totalOf(
  { resource, query, specs, db }: ListRequest,
  { filter }: Asked,
): Promise<Total> {
  const runner = runnerOf(db);
  const { paged } = specs;
  if (filter === undefined) return readTotal(runner, paged, { beyond: "estimate" });
  const counted = { ...paged, countMax: FILTERED_COUNT_MAX };
  const cheap = !needsCounting(resource, query) || (await isCheapToCount(runner, counted, filter));
  const spec = cheap ? counted : { ...paged, countMax: FEW_ROWS_MAX };
  return readTotal(runner, spec, { filter, beyond: "estimate" });
}

/** The same request, written so that few rows are found first. `total` when it is known already. */
async function planned(request: ListRequest, wanted: Asked, total?: Total): Promise<Asked> {
  const { resource, query, specs, db } = request;
  const { filter } = wanted;
  if (filter === undefined || !needsCounting(resource, query)) return wanted;
  const few =
    total === undefined
      ? await leavesFew(runnerOf(db), specs.paged, filter)
      : total.kind === "exact" && total.count <= FEW_ROWS_MAX;
  return few ? { ...wanted, filter: foundFirst(tableOf(resource), filter) } : wanted;
}

/** Rows as clients see them, whichever way they were read. */
function shaped(
  { resource, query }: ListRequest,
  rows: readonly Record<string, unknown>[],
): readonly Record<string, unknown>[] {
  if (query.fields !== undefined) return rows;
  const names = Object.keys(resource.columns);
  return rows.map((row) => {
    const members = row[WHOLE] as Record<string, unknown>;
    return Object.fromEntries(names.map((name) => [name, row[name] ?? members[name] ?? null]));
  });
}

async function byPage(request: ListRequest): Promise<Reply> {
  const { specs, location } = request;
  const runner = runnerOf(request.db);
  const wanted = selected(request);
  const total = await totalOf(request, wanted);
  const { limit } = parsePaging(request.query, { limitDefault: OFFSET_LIMIT_DEFAULT });
  const pageMax = Math.floor(OFFSET_MAX / limit) + 1;
  const options = { limitDefault: OFFSET_LIMIT_DEFAULT, limitMax: LIMIT_MAX, pageMax };
  const paging = clampPage(parsePaging(request.query, options), total);
  const { page } = paging;
  const plan = await planned(request, wanted, total);
  const found = await readOffsetPage(runner, specs.paged, { ...plan, page, limit });
  const rows = shaped(request, found.rows);
  const shown = { rows, paging, total, hasNext: found.hasNext };
  const headers = offsetHeaders(shown, location);
  if (page === pageMax && found.next !== undefined) {
    const kept = headers["Link"]!.split(", ").filter((link) => !link.endsWith('rel="next"'));
    headers["Link"] = [...kept, onwardLink(found.next, limit, location)].join(", ");
  }
  return { headers, body: offsetBody(shown) };
}

async function byCursor(request: ListRequest, cursor: string): Promise<Reply> {
  const { specs, location, query } = request;
  const { limit } = parsePaging(query, { limitDefault: CURSOR_LIMIT_DEFAULT, limitMax: LIMIT_MAX });
  const plan = await planned(request, selected(request));
  const wanted = { ...plan, ...(cursor !== "" && { cursor }), limit };
  const read = await readPage(runnerOf(request.db), specs.paged, wanted);
  const page = { ...read, rows: shaped(request, read.rows) };
  const headers = { ...cursorHeaders(page, location), Link: cursorLinks(page, location) };
  return { headers, body: cursorBody(page) };
}

async function whole(request: ListRequest): Promise<Reply> {
  const { specs, db } = request;
  const wanted = selected(request);
  const total = await totalOf(request, wanted);
  const plan = await planned(request, wanted, total);
  const read = await readOffsetPage(runnerOf(db), specs.unpaged, plan);
  const rows = shaped(request, read.rows);
  const paging = { page: 1, limit: UNPAGED_ROWS_MAX, offset: 0 };
  const headers: Record<string, string> = { "X-Total-Count": String(total.count) };
  if (total.kind !== "exact") headers["X-Total-Count-Type"] = total.kind;
  return { headers, body: offsetBody({ rows, paging, total, hasNext: read.hasNext }) };
}

async function searched(request: ListRequest, words: string): Promise<Reply> {
  const { resource, query, db, location } = request;
  const { filter, fields } = asked(request);
  const rows = await search(db, resource, { words, filter, fields });
  const total = { kind: "exact", count: rows.length } as const;
  const options = { limitDefault: SEARCH_ROWS_MAX, limitMax: SEARCH_ROWS_MAX };
  const paging = clampPage(parsePaging(query, options), total);
  const shown = rows.slice(paging.offset, paging.offset + paging.limit);
  const page = { rows: shown, paging, total };
  return { headers: offsetHeaders(page, location), body: offsetBody(page) };
}

const runnerOf = (db: Database): PageRunner => ({
  query: (text, values) => db.query({ text, values }, READ),
});
