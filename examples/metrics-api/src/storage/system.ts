/** The row by which an installation knows its storages and their copies. */
import type pg from "pg";

export interface System {
  readonly id: string;
  /** Grows by one with each copy: of two storages with one id the larger is the later. */
  readonly epoch: number;
  /** `copy` until the API has gone on with it. */
  readonly state: "live" | "copy";
}

type Client = Pick<pg.Client, "query">;

/** Undefined when the database has never been one of ours. */
export async function systemOf(client: Client): Promise<System | undefined> {
  const known = await client.query("select to_regclass('metrics_api.system') is not null as known");
  if (known.rows[0]?.known !== true) return undefined;
  const { rows } = await client.query<{ id: string; epoch: string; state: "live" | "copy" }>(
    "select id, epoch, state from metrics_api.system",
  );
  const row = rows[0];
  return row && { id: row.id, epoch: Number(row.epoch), state: row.state };
}

export async function markLive(client: Client): Promise<void> {
  await client.query("update metrics_api.system set state = 'live' where state <> 'live'");
}

export async function markCopy(client: Client, source: System): Promise<void> {
  await client.query(
    "update metrics_api.system set id = $1, epoch = $2, state = 'copy', copied_at = now()",
    [source.id, source.epoch + 1],
  );
}

export type Target =
  | { readonly kind: "free" }
  | { readonly kind: "earlier copy" }
  | { readonly kind: "taken"; readonly because: string };

/** Whether a database may be overwritten by a copy of `source`. Pure. */
export function judgeTarget(
  source: System,
  target: {
    readonly system: System | undefined;
    readonly relations: number;
    readonly rows: number;
  },
): Target {
  const { system, relations, rows } = target;
  if (system === undefined) {
    return relations === 0
      ? { kind: "free" }
      : { kind: "taken", because: `it has ${relations} tables that are not this API's` };
  }
  if (system.id === source.id) {
    if (system.state === "copy" || system.epoch < source.epoch) return { kind: "earlier copy" };
    return {
      kind: "taken",
      because: `it is a later state of this system (copy ${system.epoch}, this is ${source.epoch}) and would lose what was written there`,
    };
  }
  return rows === 0
    ? { kind: "free" }
    : { kind: "taken", because: `it holds the ${rows} rows of another installation` };
}
