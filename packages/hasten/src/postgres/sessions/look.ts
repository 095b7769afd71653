import type { Row, Run } from "../coherence/direct.ts";
import { normalise } from "../normalise.ts";
import type { LockWait, Look, ServerFacts, SessionFacts } from "./facts.ts";
import { SERVER, SESSIONS, WAITS, WAITS_MAX } from "./look-sql.ts";
import { traitsOf } from "./traits.ts";

export interface LookLimits {
  readonly idleInTransactionMs: number;
  readonly longRunningMs: number;
}

/** Asks the server once: two statements, and one more when somebody waits for a lock. */
export async function lookAt(run: Run, limits: LookLimits): Promise<Look> {
  const server = serverOf((await run(SERVER))[0] ?? {});
  const rows = await run(SESSIONS, [limits.idleInTransactionMs, limits.longRunningMs]);
  const sessions = new Map(rows.map((row) => [Number(row["pid"]), sessionOf(row)]));
  const waiting = rows
    .filter((row) => row["waits"] === true)
    .sort((a, b) => Number(b["query_ms"]) - Number(a["query_ms"]))
    .slice(0, WAITS_MAX)
    .map((row) => Number(row["pid"]));
  const waits: LockWait[] = [];
  for (const row of waiting.length === 0 ? [] : await run(WAITS, [waiting])) {
    const session = sessionOf(row);
    sessions.set(session.pid, session);
    if (Array.isArray(row["blockers"])) waits.push(waitOf(session.pid, row));
  }
  return { server, sessions: [...sessions.values()], waits };
}

function waitOf(pid: number, row: Row): LockWait {
  const blockers = new Set((row["blockers"] as readonly unknown[]).map(Number));
  // Right after it began to wait the server has no instant yet.
  return { pid, blockers: [...blockers], waitedMs: optionalNumber(row["waited_ms"]) ?? 0 };
}

function serverOf(row: Row): ServerFacts {
  return {
    ownPid: Number(row["own_pid"]),
    role: String(row["role"]),
    clients: Number(row["clients"]),
    clientsMax: Number(row["clients_max"]),
    hidden: Number(row["hidden"]),
    maySeeAll: row["may_see_all"] === true,
    maySignal: row["may_signal"] === true,
  };
}

/** The text goes no further than this function. */
function sessionOf(row: Row): SessionFacts {
  const seen = optionalText(row["backend_type"]) !== undefined;
  const text = seen ? String(row["query"] ?? "") : "";
  return {
    pid: Number(row["pid"]),
    role: optionalText(row["role"]),
    database: optionalText(row["database"]),
    applicationName: String(row["application_name"] ?? ""),
    backendType: optionalText(row["backend_type"]),
    state: optionalText(row["state"]),
    instants: {
      backendStart: optionalText(row["backend_start"]),
      transactionStart: optionalText(row["xact_start"]),
      statementStart: optionalText(row["query_start"]),
      stateChange: optionalText(row["state_change"]),
    },
    transactionMs: optionalNumber(row["xact_ms"]),
    statementMs: optionalNumber(row["query_ms"]),
    stateMs: optionalNumber(row["state_ms"]),
    statement: seen ? normalise(text) : "(not visible to this role)",
    text: traitsOf(text, row["cut"] === true),
  };
}

const optionalText = (value: unknown): string | undefined =>
  value === null || value === undefined ? undefined : String(value);
const optionalNumber = (value: unknown): number | undefined =>
  value === null || value === undefined ? undefined : Number(value);
