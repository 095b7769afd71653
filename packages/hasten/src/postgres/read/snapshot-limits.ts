import { channels } from "../../core/channels.ts";
import { tell } from "../../core/tell.ts";
import { type Core, databaseOf } from "../core.ts";
import { PostgresError } from "../errors.ts";
import type { Limits } from "./options.ts";

/** Given on the server's side, so that its limit is the second to act. */
export const SERVER_AFTER_MS = 1_000;

export interface Held {
  readonly core: Core;
  readonly text: string;
  readonly limits: Limits;
  readonly rows: () => number;
  readonly onMax: (error: PostgresError) => void;
}

/** Watches how long a snapshot is held from now on. Call the answer when it is let go. */
export function holdSnapshot({ core, text, limits, rows, onMax }: Held): () => void {
  const { clock, measure } = core.around;
  const warn = clock.schedule(limits.warnMs, () => {
    const event = {
      kind: "snapshot-held" as const,
      database: databaseOf(core.options),
      statement: measure.nameOf(text),
      heldMs: limits.warnMs,
      rows: rows(),
    };
    if (channels.sessionEvent.hasSubscribers) channels.sessionEvent.publish(event);
    tell(limits.onHeld, event);
  });
  const max = clock.schedule(limits.maxMs, () => onMax(snapshotTooLong(limits.maxMs)));
  return () => {
    warn.cancel();
    max.cancel();
  };
}

export const snapshotTooLong = (maxMs: number): PostgresError =>
  new PostgresError("HST_PG_SNAPSHOT", {
    message: `The stream held its snapshot for ${maxMs} ms and was ended.`,
    fix: "Read with streamTable(), which holds none between pages, or raise snapshotMaxMs.",
  });

export const ENDED: PostgresError = new PostgresError("HST_PG_CLOSED", {
  message: "The stream was ended.",
  fix: "Open another one.",
});

export const lostForGood = (maxMs: number): PostgresError =>
  new PostgresError("HST_PG_SNAPSHOT", {
    message: `The stream held its connection for more than ${maxMs} ms and did not end when asked to.`,
    fix: "Read with streamTable(), which holds none between pages, or raise snapshotMaxMs.",
  });
