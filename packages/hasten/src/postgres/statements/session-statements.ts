/** Statements that change the connection or its transaction, and read no rows. */
import type { Isolation, SessionEffect } from "./analysis.ts";
import { isTree, listOf, type Tree, type Typed, text, typed } from "./tree.ts";

/** Settings that change neither rows nor their meaning. */
const HARMLESS_SETTINGS: ReadonlySet<string> = new Set([
  "application_name",
  "client_min_messages",
  "statement_timeout",
  "lock_timeout",
  "transaction_timeout",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "deadlock_timeout",
  "log_min_duration_statement",
  "log_statement",
  "log_min_messages",
  "default_transaction_read_only",
  "transaction_read_only",
  "synchronous_commit",
  "work_mem",
  "hash_mem_multiplier",
  "maintenance_work_mem",
  "temp_buffers",
  "effective_cache_size",
  "random_page_cost",
  "seq_page_cost",
  "jit",
  "plan_cache_mode",
  "max_parallel_workers_per_gather",
  "statement_mem",
  "track_io_timing",
]);

/** Harmless with this value only: what every driver takes for granted. */
const HARMLESS_VALUES: ReadonlyMap<string, string> = new Map([
  ["standard_conforming_strings", "on"],
  ["client_encoding", "utf8"],
]);

/** Reading these tells nothing that changes while the server runs. */
const HARMLESS_SHOWN: ReadonlySet<string> = new Set([
  "server_version",
  "server_version_num",
  "server_encoding",
]);

const HARMLESS: SessionEffect = { kind: "harmless" };

const HARMLESS_STATEMENTS: ReadonlySet<string> = new Set([
  "ListenStmt",
  "UnlistenStmt",
  "NotifyStmt",
  "PrepareStmt",
  "DeallocateStmt",
  "ClosePortalStmt",
  "LockStmt",
  "ConstraintsSetStmt",
  "VacuumStmt",
  "ReindexStmt",
  "CheckPointStmt",
]);

/** Undefined where it is no statement of the session. */
export function sessionEffect({ type, tree }: Typed): SessionEffect | undefined {
  if (HARMLESS_STATEMENTS.has(type)) return HARMLESS;
  switch (type) {
    case "TransactionStmt":
      return transactionEffect(tree);
    case "VariableSetStmt":
      return settingEffect(tree);
    case "VariableShowStmt":
      return HARMLESS_SHOWN.has(text(tree["name"]).toLowerCase()) ? HARMLESS : undefined;
    case "DiscardStmt":
      return tree["target"] === "DISCARD_ALL" ? { kind: "discard-all" } : HARMLESS;
    default:
      return undefined;
  }
}

/** What several statements of the session in one text come to; undefined if that is not known. */
export function together(effects: readonly SessionEffect[]): SessionEffect | undefined {
  const lasting = effects.filter(({ kind }) => kind !== "harmless");
  if (lasting.length === 0) return HARMLESS;
  const stateful = lasting.filter((it) => it.kind === "stateful");
  if (stateful.length !== lasting.length) return undefined;
  const because = stateful.map((it) => it.because).join(", ");
  const settings = stateful.flatMap((it) => it.settings ?? []);
  const known = stateful.every((it) => it.settings !== undefined);
  return { kind: "stateful", because, settings: known ? settings : undefined };
}

function transactionEffect(tree: Tree): SessionEffect | undefined {
  // AND CHAIN ends one and begins another: no effect by one name.
  if (tree["chain"] === true) return undefined;
  switch (tree["kind"]) {
    case "TRANS_STMT_BEGIN":
    case "TRANS_STMT_START":
      return { kind: "begin", isolation: isolationOf(tree["options"]) };
    case "TRANS_STMT_COMMIT":
      return { kind: "commit" };
    case "TRANS_STMT_ROLLBACK":
      return { kind: "rollback" };
    case "TRANS_STMT_SAVEPOINT":
    case "TRANS_STMT_RELEASE":
    case "TRANS_STMT_ROLLBACK_TO":
      return { kind: "savepoint" };
    default:
      return undefined;
  }
}

const ISOLATIONS: ReadonlySet<string> = new Set<Isolation>([
  "read uncommitted",
  "read committed",
  "repeatable read",
  "serializable",
]);

function isolationOf(options: unknown): Isolation | undefined {
  for (const option of listOf(options)) {
    const node = typed(option);
    if (node?.type !== "DefElem" || node.tree["defname"] !== "transaction_isolation") continue;
    const value = constantText(node.tree["arg"])?.toLowerCase() ?? "";
    if (ISOLATIONS.has(value)) return value as Isolation;
  }
  return undefined;
}

function settingEffect(tree: Tree): SessionEffect {
  const name = text(tree["name"]).toLowerCase();
  const kind = text(tree["kind"]);
  if (kind === "VAR_RESET_ALL") return stateful("RESET ALL");
  if (kind === "VAR_SET_MULTI") {
    const isolation = name === "transaction" ? isolationOf(tree["args"]) : undefined;
    if (isolation !== undefined) return { kind: "isolation", isolation };
    // READ ONLY, DEFERRABLE: of this transaction only. A snapshot is not.
    if (name === "transaction" && !setsSnapshot(tree["args"])) return HARMLESS;
    return stateful(`SET ${name}`);
  }
  if (HARMLESS_SETTINGS.has(name) || name.startsWith("enable_")) return HARMLESS;
  const value = settingValue(tree["args"]);
  if (kind === "VAR_SET_VALUE" && value !== undefined && isHarmlessValue(name, value))
    return HARMLESS;
  const local = tree["is_local"] === true;
  const because = `SET ${local ? "LOCAL " : ""}${name}`;
  if (kind !== "VAR_SET_VALUE" || value === undefined) return { kind: "stateful", because };
  return { kind: "stateful", because, settings: [{ name, value, local }] };
}

function stateful(because: string): SessionEffect {
  return { kind: "stateful", because };
}

function isHarmlessValue(name: string, value: string): boolean {
  const expected = HARMLESS_VALUES.get(name);
  return expected !== undefined && value.toLowerCase().replace("-", "") === expected;
}

function setsSnapshot(options: unknown): boolean {
  const known = new Set(["transaction_read_only", "transaction_deferrable"]);
  return !listOf(options).every((option) => known.has(text(typed(option)?.tree["defname"])));
}

function settingValue(args: unknown): string | undefined {
  const values = listOf(args).map(constantText);
  return values.length === 0 || values.includes(undefined) ? undefined : values.join(", ");
}

/** Of a constant, or of one with a cast around it. */
function constantText(value: unknown): string | undefined {
  const node = typed(value);
  if (node?.type === "TypeCast") return constantText(node.tree["arg"]);
  if (node?.type !== "A_Const") return undefined;
  for (const [kind, field] of CONSTANTS) {
    const inner = node.tree[kind];
    if (isTree(inner)) return String(inner[field] ?? (field === "sval" ? "" : 0));
  }
  return undefined;
}

const CONSTANTS = [
  ["sval", "sval"],
  ["ival", "ival"],
  ["fval", "fval"],
] as const;
