/** A watched pool on a database of its own, for tests of the rules. */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { tableTag } from "../../src/core/sql-tag.ts";
import { type Dependency, inTrace, Trace } from "../../src/core/trace/index.ts";
import { createWatch, type Watch } from "../../src/postgres/watch/watch.ts";
import { SCHEMA } from "./libraries.ts";
import { type RecordingSource, recordingSource } from "./recording-source.ts";
import { smallAnalyzer } from "./small-analyzer.ts";

export interface Watched extends AsyncDisposable {
  readonly pool: pg.Pool;
  readonly url: string;
  readonly database: string;
  readonly table: string;
  readonly source: RecordingSource;
  readonly watch: Watch;
  /** What this work depends on. */
  traced(work: (trace: Trace) => Promise<unknown>): Promise<Dependency>;
}

export async function watched(options: { late?: boolean; config?: object } = {}): Promise<Watched> {
  const db = await freshDatabase();
  const setup = new pg.Client({ connectionString: db.url });
  await setup.connect();
  await setup.query(SCHEMA);
  await setup.end();
  const source = recordingSource();
  const analyzer = smallAnalyzer(db.name, options);
  const watch = createWatch({ analyzer: () => analyzer, source: () => source });
  const pool = watch.watch(new pg.Pool({ connectionString: db.url, max: 2, ...options.config }));
  // pool.end() does not wait for sockets: dropping the database ends the last of them.
  pool.on("error", () => undefined);
  return {
    pool,
    url: db.url,
    database: db.name,
    table: tableTag({ database: db.name, schema: "public", table: "items" }),
    source,
    watch,
    async traced(work) {
      const trace = new Trace();
      await inTrace(trace, () => work(trace));
      await trace.settled();
      return trace.dependency();
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
      watch.close();
      await db.drop();
    },
  };
}
