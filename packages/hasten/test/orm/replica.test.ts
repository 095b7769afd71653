/** A streaming replica that lags: its rows are tracked only where it replayed what is known here. */
import { startPostgres, startReplica } from "hasten-tools/postgres";
import pg from "pg";
import { expect, it, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { instant } from "../../src/core/trust.ts";
import type { Analyzer } from "../../src/postgres/statements/analysis.ts";
import { CAUSES } from "../../src/postgres/watch/causes.ts";
import { identify } from "../../src/postgres/watch/identity.ts";
import { createWatch } from "../../src/postgres/watch/watch.ts";
import { SCHEMA } from "./libraries.ts";
import { recordingSource } from "./recording-source.ts";
import { smallAnalyzer } from "./small-analyzer.ts";

const BY_ID = "select label from items where id = $1";

/** A text means the same object until it means something else, as with the real one. */
function remembering(analyzer: Analyzer): Analyzer {
  const known = new Map<string, ReturnType<Analyzer["peek"]>>();
  return {
    ...analyzer,
    peek(text, session) {
      if (!known.has(text)) known.set(text, analyzer.peek(text, session));
      return known.get(text);
    },
  };
}

it("a lagging replica fills nothing until it has caught up", { timeout: 120_000 }, async () => {
  await using first = await startPostgres();
  await using second = await startReplica(first);
  const primary = new pg.Client({ connectionString: first.url });
  const replica = new pg.Client({ connectionString: second.url });
  const direct = new pg.Client({ connectionString: second.url });
  for (const client of [primary, direct]) await client.connect();
  const source = recordingSource();
  const analyzer = remembering(smallAnalyzer("postgres"));
  const watch = createWatch({
    analyzer: () => analyzer,
    source: () => source,
    identify: () => identify(async (text) => (await primary.query(text)).rows),
  });
  watch.watch(replica);
  await replica.connect();
  const known = async (): Promise<void> => {
    const { rows } = await primary.query<{ at: string }>(
      "select pg_current_wal_insert_lsn()::text as at",
    );
    source.position = rows[0]!.at;
    source.trust.confirm(instant(systemClock));
  };
  const read = async (): Promise<readonly string[]> => {
    const trace = new Trace();
    await inTrace(trace, () => replica.query(BY_ID, [1]).catch(() => undefined));
    return trace.dependency().untracked;
  };
  try {
    await primary.query(SCHEMA);
    expect(await read()).not.toEqual([]);
    // The meaning was met just now: it counts once the source is confirmed from a later instant on.
    await known();
    await vi.waitFor(async () => expect(await read()).toEqual([CAUSES.replica]), 20_000);
    const caughtUp = (): Promise<void> =>
      vi.waitFor(async () => {
        await known();
        expect(await read()).toEqual([]);
      }, 20_000);
    await caughtUp();

    await direct.query("select pg_wal_replay_pause()");
    await primary.query("update items set label = 'newer' where id = 1");
    await known();
    expect(await read()).toEqual([CAUSES.replica]);
    await direct.query("select pg_wal_replay_resume()");
    await caughtUp();
    expect((await replica.query(BY_ID, [1])).rows).toEqual([{ label: "newer" }]);

    source.position = "0/0";
    expect(await read()).toEqual([CAUSES.replica]);
    await known();
    source.trust.end();
    expect(await read()).toEqual([CAUSES.replica]);
  } finally {
    await Promise.all([primary.end(), replica.end(), direct.end()]);
    watch.close();
  }
});
