import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import type { Client } from "pg";
import { DoctorError } from "../errors.ts";
import type { Session, Spent, Target, TransactionEnd } from "./types.ts";

/** The server ends what is longer; milliseconds. */
export interface TimeOuts {
  readonly statementMs: number;
  readonly lockMs: number;
  readonly idleInTransactionMs: number;
}

export interface Wire {
  /** One statement or, without values, several; errors are the doctor's. */
  send<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Whether the server says that a transaction is open, failed ones included. */
  inTransaction(): boolean;
  spent(): Spent;
}

/** What the server needs beyond its own time-out to say that it was reached. */
const ANSWER_GRACE_MS = 5_000;
/** A caller's own transaction. */
const BEGINS = /^\s*(?:begin|start)\b/i;
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** The server says these while it ends the session. */
const ENDS_SESSION: ReadonlySet<string> = new Set(["57P01", "57P02", "57P03", "57P05", "25P03"]);

/** Statements over one client, counted and timed; after the session's death every call says so. */
export function wireOf(client: Client, socket: Socket, statementMs: number): Wire {
  let statements = 0;
  let waitedMs = 0;
  let gone: DoctorError | undefined;
  client.on("error", (cause) => {
    gone ??= lost(cause);
  });
  client.on("end", () => {
    gone ??= lost(undefined);
  });
  return {
    async send<Row extends object>(text: string, values?: readonly unknown[]) {
      if (gone !== undefined) throw gone;
      const started = performance.now();
      statements += 1;
      const deadline = setTimeout(() => socket.destroy(), statementMs + ANSWER_GRACE_MS);
      try {
        const result = await client.query<Row>(
          text,
          values === undefined ? undefined : [...values],
        );
        // Several statements in one text have several results.
        return Array.isArray(result) ? [] : result.rows;
      } catch (cause) {
        const error = ofServer(cause);
        if (error.code === "HST_DOCTOR_TARGET") gone ??= error;
        throw error;
      } finally {
        clearTimeout(deadline);
        waitedMs += performance.now() - started;
      }
    },
    inTransaction: () => client.getTransactionStatus() !== "I",
    spent: () => ({ statements, waitedMs }),
  };
}

/** Never the server's own text, which may quote data; `cause` is left out for the same reason. */
function ofServer(cause: unknown): DoctorError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (typeof code !== "string" || !SQLSTATE.test(code) || !(cause as Error).message)
    return lost(cause);
  if (ENDS_SESSION.has(code)) return lost(cause, code);
  const what = REFUSALS[code] ?? "The server refused a statement of the doctor";
  return new DoctorError(
    "HST_DOCTOR_STATEMENT",
    {
      message: `${what} (SQLSTATE ${code}).`,
      fix: FIXES[code] ?? "Look the SQLSTATE up in PostgreSQL's appendix A.",
    },
    { sqlstate: code },
  );
}

const REFUSALS: Readonly<Record<string, string>> = {
  "57014": "A statement of the doctor took longer than its time-out",
  "55P03": "A statement of the doctor waited longer for a lock than its time-out",
  "42501": "The role may not do what a statement of the doctor asks",
  "25006": "A statement would have written, which the session does not allow",
};
const FIXES: Readonly<Record<string, string>> = {
  "57014": "Run it again when the server is less busy.",
  "55P03": "Run it again when no schema change holds the lock.",
  "42501": "Grant the role what the report lists under grants.",
  "25006": "Only statements that read can be explained.",
};

function lost(cause: unknown, sqlstate?: string): DoctorError {
  return new DoctorError(
    "HST_DOCTOR_TARGET",
    {
      message: `The session with the server is gone${sqlstate === undefined ? "" : ` (SQLSTATE ${sqlstate})`}.`,
      fix: "See whether the server restarted, the network failed or somebody ended the session, and run it again.",
    },
    { sqlstate, ...(isPlain(cause) && { cause }) },
  );
}

/** A failure of the network, which holds no data. */
const isPlain = (cause: unknown): boolean =>
  cause instanceof Error && !("severity" in cause) && !("detail" in cause);

/**
 * The session's statements one after the other. Where a pooler stands between, nothing may be set for
 * the session, which other clients share: every statement has its own transaction with its settings.
 */
export function sessionOf(
  wire: Wire,
  timeOuts: TimeOuts,
  pooled: boolean,
): Session & Pick<Target, "transaction"> {
  const inside: Session = {
    rows: (text, values = []) => wire.send(text, values),
    simple: (text) => wire.send(text),
  };
  let path: "catalog" | "role" = "role";
  const usePath = async (wanted: "catalog" | "role"): Promise<void> => {
    if (wanted === path) return;
    await wire.send(
      wanted === "role" ? "reset search_path" : "set search_path = pg_catalog, pg_temp",
    );
    path = wanted;
  };
  const begin = (wanted: "catalog" | "role"): string =>
    `begin read only; ${settingsOf(timeOuts, "set local")}${wanted === "role" ? "" : "; set local search_path = pg_catalog, pg_temp"}`;
  const within = async <T>(
    wanted: "catalog" | "role",
    work: () => Promise<T>,
    end: TransactionEnd,
  ): Promise<T> => {
    await wire.send(begin(wanted));
    let ending: TransactionEnd = "rollback";
    try {
      const result = await work();
      ending = end;
      return result;
    } finally {
      // A dead session has rolled back by itself, and `work` has told of its death.
      await wire.send(ending).catch(() => undefined);
    }
  };
  const begun = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!pooled) await usePath("role");
    const result = await work();
    if (pooled) await wire.send(`set transaction read only; ${settingsOf(timeOuts, "set local")}`);
    return result;
  };
  const one = async <T>(
    wanted: "catalog" | "role",
    text: string,
    work: () => Promise<T>,
  ): Promise<T> => {
    if (wire.inTransaction()) return work();
    if (BEGINS.test(text)) return begun(work);
    if (pooled) return within(wanted, work, "commit");
    await usePath(wanted);
    return work();
  };
  const inTurn = queue();
  return {
    rows: (text, values) => inTurn(() => one("catalog", text, () => inside.rows(text, values))),
    simple: (text) => inTurn(() => one("role", text, () => inside.simple(text))),
    transaction: (work, end = "rollback") =>
      inTurn(async () => {
        if (!pooled) await usePath("role");
        return within("role", () => work(inside), end);
      }),
  };
}

export function settingsOf(timeOuts: TimeOuts, set: "set" | "set local"): string {
  const { statementMs, lockMs, idleInTransactionMs } = timeOuts;
  return [
    `statement_timeout = ${statementMs}`,
    `lock_timeout = ${lockMs}`,
    `idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
  ]
    .map((setting) => `${set} ${setting}`)
    .join("; ");
}

function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
