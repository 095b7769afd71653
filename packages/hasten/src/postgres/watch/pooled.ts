/**
 * Reads behind a pooler, where every transaction may run on another session of the server, which other
 * clients use as well: what one of them set there stays, and nobody tells.
 *
 * Invariants:
 * - A read counts only if the session that ran it was asked in the same transaction, right before it,
 *   what the meaning of texts and the form of values hang on; both go out before one Sync, so that no
 *   pooler can put them on two sessions.
 * - It must show what a session of that role and database shows before anybody set anything: the
 *   reset values of the server, and for what the pooler promised this client at log-in, that.
 * - What differs, or could not be asked, is nobody else's answer: it is not kept at all.
 */
import type { SessionFacts } from "../statements/analysis.ts";
import type { Facts } from "./facts.ts";
import { SHOWN } from "./facts.ts";
import type { Run } from "./run.ts";

/**
 * Settings that the rows or the meaning of a statement which is understood can hang on. A newer or
 * older server lacks some: those are empty on both sides.
 */
const SETTINGS: readonly string[] = [
  ...["search_path", "default_transaction_isolation", "row_security", "transform_null_equals"],
  ...["standard_conforming_strings", "backslash_quote", "array_nulls", "client_encoding"],
  ...["TimeZone", "DateStyle", "IntervalStyle", "timezone_abbreviations", "extra_float_digits"],
  ...["bytea_output", "lc_monetary", "lc_numeric", "lc_time", "default_text_search_config"],
  ...["xmlbinary", "xmloption", "quote_all_identifiers", "gin_fuzzy_search_limit"],
];

/** What PgBouncer sets again for each client before its transaction: as it was reported at log-in. */
const KEPT_BY_POOLER: readonly string[] = [
  "client_encoding",
  "DateStyle",
  "TimeZone",
  "standard_conforming_strings",
];

const PLACES: readonly string[] = [
  ...["database", "oid", "server", "standby", "role", "login", "temporary tables"],
  ...SETTINGS,
];

const SEPARATOR = "\u001f";
/** No schema for temporary tables. */
const NO_SCHEMA = "0";

const PLACE_SQL = `pg_catalog.current_database(),
  (select d.oid from pg_catalog.pg_database d
    where d.datname operator(pg_catalog.=) pg_catalog.current_database()),
  extract(epoch from pg_catalog.pg_postmaster_start_time()), pg_catalog.pg_is_in_recovery()`;

/** What the session shows, in one text: nothing in it can be replaced by a search_path. */
export const SHOWS_SQL: string = `select pg_catalog.concat_ws(pg_catalog.chr(31), ${PLACE_SQL},
  current_user, session_user, pg_catalog.pg_my_temp_schema(),
  ${SETTINGS.map((name) => `coalesce(pg_catalog.current_setting('${name}', true), '')`).join(", ")})`;

/** What it would show had nobody set anything: its place and log-in, and the settings as they are when reset. */
export const RESET_SQL: string = `select pg_catalog.concat_ws(pg_catalog.chr(31), ${PLACE_SQL},
  (select u.usename from pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) g
    join pg_catalog.pg_user u on u.usesysid operator(pg_catalog.=) g.usesysid)) as place,
  (select pg_catalog.json_object_agg(s.name, s.reset_val) from pg_catalog.pg_settings s
    where s.name operator(pg_catalog.=) any ('{${SETTINGS.join(",")}}'::pg_catalog.text[]))::pg_catalog.text as settings`;

type Row = Readonly<Record<string, unknown>>;

/** The reset values overlaid with what the pooler reported at log-in: it keeps that for each client. */
export class Pristine {
  readonly #values: ReadonlyMap<string, string>;
  readonly #text: string;

  private constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
    this.#text = [...values.values()].join(SEPARATOR);
  }

  /** @param reported what was told at log-in */
  static of({ place, settings }: Row, reported: ReadonlyMap<string, string>): Pristine | undefined {
    const parts = String(place).split(SEPARATOR);
    const [role] = parts.slice(-1);
    const reset = JSON.parse(String(settings)) as Readonly<Record<string, string>>;
    if (role === undefined || parts.length !== 5) return undefined;
    const shown = [...parts, role, NO_SCHEMA, ...SETTINGS.map((name) => reset[name] ?? "")];
    const values = new Map(PLACES.map((name, index) => [name, shown[index]!]));
    for (const name of KEPT_BY_POOLER) {
      const told = reported.get(name);
      if (told !== undefined) values.set(name, told);
    }
    return new Pristine(values);
  }

  /** Why a read is not what anybody else would get, or undefined. */
  becauseOf({ met }: Run): string | undefined {
    if (met === this.#text) return undefined;
    if (met === undefined) return UNASKED;
    const parts = met.split(SEPARATOR);
    const index = PLACES.findIndex((name, at) => parts[at] !== this.#values.get(name));
    return `a session of the pooler that is not as it was made (${PLACES[index] ?? "its form"})`;
  }

  facts(): Facts {
    const of = (name: string): string => this.#values.get(name) ?? "";
    const session: SessionFacts = { searchPath: of("search_path"), role: of("role") };
    return {
      session,
      database: of("database"),
      isolation: of("default_transaction_isolation"),
      standby: of("standby") === "t",
      identity: { database: of("oid"), started: of("server"), system: undefined },
      shown: new Map(SHOWN.map((name) => [name, of(name)])),
      changed: undefined,
    };
  }
}

/** Turned off by the test that proves the rule is needed: takes every session for as it was made. */
export const asking: { sessions: boolean } = { sessions: true };

/** How often the pooler's sessions are looked at again while they differ. */
const RELEARN_MS = 1_000;

/** What one connection knows of the sessions behind it. */
export class PoolerSessions {
  #pristine: Pristine | undefined;
  #learnedMs = 0;
  /** A statement met another session than was learnt: they were made anew, or their defaults changed. */
  #differed = false;

  get found(): boolean {
    return this.#pristine !== undefined;
  }

  learned(pristine: Pristine, nowMs: number): void {
    this.#pristine = pristine;
    this.#learnedMs = nowMs;
    this.#differed = false;
  }

  /** Why what the statement gave is not what anybody else would get. */
  becauseOf(run: Run): string | undefined {
    if (!asking.sessions) return undefined;
    const because = this.#pristine?.becauseOf(run);
    if (because !== undefined && run.met !== undefined) this.#differed = true;
    return because;
  }

  mayBeOld(nowMs: number): boolean {
    return this.#differed && nowMs - this.#learnedMs > RELEARN_MS;
  }
}

const UNASKED = "a session of the pooler that could not be asked with the statement";

const PLAIN = /^\s*(?:select|with|table|values|insert|update|delete|merge)\b/i;

const COPY = /^\s*copy\b/i;

/** Whether its session can be asked in the same transaction: one plain statement, in a trace. */
export function mayAsk({ trace, text, analysis }: Run): boolean {
  if (trace === undefined || analysis === undefined || analysis.kind === "session") return false;
  // What is understood is one statement; COPY has an answer of another form.
  if (analysis.kind === "read") return !COPY.test(text);
  // Several statements in one text cannot be sent as one.
  return PLAIN.test(text) && !text.trimEnd().slice(0, -1).includes(";");
}
