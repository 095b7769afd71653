/** Rows from a query on one server into a table on another, a chunk at a time. */
import pg from "pg";

export interface CopyTarget {
  /** The table whose stored columns are copied. */
  readonly columnsOf: string;
  readonly table: string;
  /** Copies this column alone. */
  readonly only?: string;
  /** A statement to run before each chunk, given the placeholder of its documents. */
  beforeChunk?: (documents: string) => string;
}

export interface Ends {
  readonly source: pg.Client;
  readonly target: pg.Client;
}

interface Column {
  readonly name: string;
  readonly type: string;
}

type Row = readonly (string | null)[];

const ROWS_PER_CHUNK = 2_000;
const CURSOR = "metrics_api_copy";

/** Both sides must be in a transaction. The next chunk is read while one is written. */
export async function copyRows(
  { source, target }: Ends,
  query: string,
  into: CopyTarget,
): Promise<number> {
  const stored = await storedColumns(source, into.columnsOf);
  const columns = stored.filter((it) => into.only === undefined || it.name === into.only);
  const names = columns.map((it) => pg.escapeIdentifier(it.name));
  const asText = names.map((name) => `${name}::text`).join(", ");
  const values = columns.map((it, at) => `$${at + 1}::text[]::${it.type}[]`).join(", ");
  const insert = `insert into ${into.table} (${names.join(", ")}) select * from unnest(${values})`;
  const documents = columns.findIndex((it) => it.name === "document");
  const before = into.beforeChunk?.("$1");
  await source.query(
    `declare ${CURSOR} no scroll cursor for select ${asText} from (${query}) copied`,
  );
  const failures: unknown[] = [];
  let total = 0;
  let chunk = await nextChunk(source);
  while (chunk.length > 0) {
    const rows = chunk;
    const write = async (): Promise<void> => {
      if (before !== undefined) await target.query(before, [rows.map((row) => row[documents])]);
      await target.query(
        insert,
        columns.map((_, at) => rows.map((row) => row[at])),
      );
    };
    const next = nextChunk(source);
    // Both have ended before a failure is told, so that no statement is still running.
    await Promise.allSettled([next, write().catch((error: unknown) => failures.push(error))]);
    if (failures.length > 0) throw failures[0];
    chunk = await next;
    total += rows.length;
  }
  await source.query(`close ${CURSOR}`);
  return total;
}

async function nextChunk(source: pg.Client): Promise<readonly Row[]> {
  const { rows } = await source.query<(string | null)[]>({
    text: `fetch ${ROWS_PER_CHUNK} from ${CURSOR}`,
    rowMode: "array",
  });
  return rows;
}

/** Columns that are stored, not generated. */
export async function storedColumns(client: pg.Client, table: string): Promise<readonly Column[]> {
  const { rows } = await client.query<Column>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
     order by attnum`,
    [table],
  );
  return rows;
}
