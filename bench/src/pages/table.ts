import { definePage, keyRing, type PageSpec, sortIndex } from "hasten/postgres";
import type pg from "pg";

/** One row of the list, as a client sees it. */
export interface Event {
  readonly id: string;
  readonly created: Date;
  readonly status: number;
  readonly score: number | null;
  readonly name: string;
}

export const events: PageSpec<Event> = definePage<Event>({
  from: "events",
  key: ["id"],
  columns: {
    id: { type: "bigint" },
    created: { type: "timestamptz", nullable: false },
    status: { type: "int", nullable: false },
    score: { type: "int" },
    name: { type: "text", nullable: false },
  },
  sorts: {
    newest: ["-created"],
    mixed: ["status", { column: "score", direction: "desc", nulls: "last" }],
  },
  limit: { default: 20, max: 10_000 },
  offsetMax: 10_000_000,
  cursor: { keys: keyRing([{ id: "bench", secret: "a secret of thirty-two bytes, no less" }]) },
});

/**
 * Fills the table: five rows share an instant, three statuses, every tenth score NULL. The rows lie
 * in no order on disk, so that a page of any sort at any depth finds its rows scattered alike.
 */
export async function fill(client: pg.Client, rows: number): Promise<void> {
  await client.query(
    `create table events (
       id bigint primary key,
       created timestamptz not null,
       status int not null,
       score int,
       name text not null
     )`,
  );
  await client.query("select setseed(0.5)");
  await client.query(
    `insert into events
     select i, timestamptz '2026-01-01' + (i / 5) * interval '1.000001 seconds', i % 3,
       case when i % 10 > 0 then (random() * 1000)::int end, 'event ' || i
     from generate_series(1, $1::int) i order by hashint8(i)`,
    [rows],
  );
  for (const sort of events.sortNames)
    await client.query(`create index on events (${sortIndex(events, sort).text})`);
  await client.query("vacuum analyze events");
}
