/**
 * One replication connection with its decoder: what it reads is given on in the order of the WAL.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import type { PgDriver } from "../driver.ts";
import type { Interest } from "../statements/interest.ts";
import { Decoder } from "./decoder.ts";
import type { Gathered } from "./gathered.ts";
import type { PlainLink } from "./plain-link.ts";
import { openWalLink, type WalLink } from "./wal-link.ts";

/** What the stream holds, in order. */
export type Item =
  | { readonly kind: "commit"; readonly gathered: Gathered }
  | { readonly kind: "pulse"; readonly content: string }
  | { readonly kind: "message"; readonly content: string };

export interface SessionOptions {
  readonly url: string;
  readonly driver: PgDriver | undefined;
  readonly publication: string;
  readonly interest: Interest;
  readonly clock: Clock;
  /** Another connection, to see what the slot waits for and that its server process lives. */
  readonly link: PlainLink;
  /** Transactions that the slot's creation waits for. */
  readonly onWait: (xids: readonly string[]) => void;
  /** Connected: to be closed from now on, whatever comes of it. */
  readonly onWal: (wal: WalLink) => void;
  readonly onItem: (session: Session, item: Item) => void;
  /** Not before it was opened: opening rejects. */
  readonly onLost: (session: Session, error: Error) => void;
}

export interface Session {
  readonly slot: string;
  readonly decoder: Decoder;
  readonly wal: WalLink;
  /** Starts reading: the first item comes no sooner. */
  start(): Promise<void>;
  close(): Promise<void>;
}

const WATCH_MS = 500;
const RUNNING = `select (select count(*) from pg_stat_activity where pid = $1::int)::text,
  (select string_agg(xid::text, ',' order by age(xid) desc) from (select backend_xid as xid from pg_stat_activity
    where backend_xid is not null order by age(backend_xid) desc limit 8) older)`;

/** Creates the slot: waits for the transactions that run now. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const slot = `hasten_${process.pid}_${randomBytes(6).toString("hex")}`;
  let opened: Session | undefined;
  const decoder = new Decoder(options.interest, {
    commit: (gathered) => options.onItem(session, { kind: "commit", gathered }),
    pulse: (content) => options.onItem(session, { kind: "pulse", content }),
    message: (content) => options.onItem(session, { kind: "message", content }),
  });
  const wal = await openWalLink({
    ...options,
    slot,
    onMessage: (bytes, at) => decoder.read(bytes, at),
    onLost: (error) => {
      if (opened !== undefined) options.onLost(opened, error);
    },
  });
  options.onWal(wal);
  const session: Session = {
    slot,
    decoder,
    wal,
    start: () => wal.start(),
    close: () => wal.close(),
  };
  const created = wal.createSlot();
  created.catch(() => undefined);
  try {
    await watchCreation(created, wal, options);
  } catch (error) {
    await wal.close();
    throw error;
  }
  opened = session;
  return session;
}

/** Waits as long as the server works on it, and not for one that is gone without a word. */
async function watchCreation(
  created: Promise<void>,
  wal: WalLink,
  { link, onWait }: SessionOptions,
): Promise<void> {
  for (;;) {
    const over = new AbortController();
    const pause = delay(WATCH_MS, "waiting", { ref: false, signal: over.signal });
    const outcome = await Promise.race([created, pause.catch(() => "waiting")]).finally(() =>
      over.abort(),
    );
    if (outcome !== "waiting") return onWait([]);
    const [row] = await link.run("hasten_running", RUNNING, [String(wal.processId)]);
    if (row?.[0] === "0") throw new Error("the server ended the replication connection");
    onWait(row?.[1]?.split(",") ?? []);
  }
}
