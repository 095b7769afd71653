/** From the environment and the command line to a {@link Config}. Pure: reads nothing but its arguments. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Command, type Config, ConfigError, type CursorKey } from "./config.ts";
import { textOf } from "./setting.ts";
import { ALIASES, type SettingName, type Settings, settings } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const DATA_DIR = fileURLToPath(new URL("../../../../.data", import.meta.url));
const SECOND_MS = 1_000;

/** @throws ConfigError naming each wrong variable, what was given and what is allowed. */
export function loadConfig(env: Environment, args: readonly string[] = []): Command {
  const flags = readFlags(args);
  if (flags.help) return { kind: "help" };
  const given = collect({ ...env, ...(flags.processes && { PROCESSES: flags.processes }) });
  const parsed = settings.safeParse(given.values);
  const wrong = parsed.success ? [] : [...new Set(parsed.error.issues.map((it) => it.path[0]))];
  const problems = [...given.problems, ...wrong.map((it) => wrongValue(String(it), given.values))];
  if (parsed.success) problems.push(...contradictions(parsed.data, given.values));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return { kind: "start", config: Object.freeze(configOf(parsed.data)) };
}

interface Flags {
  readonly help: boolean;
  readonly processes: string | undefined;
}

function readFlags(args: readonly string[]): Flags {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        processes: { type: "string" },
        "no-traffic": { type: "boolean" },
      },
    });
    return { help: values.help ?? false, processes: values.processes };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`${reason} Allowed: --processes N, --no-traffic, --help.`]);
  }
}

/** Takes the known variables; an empty one counts as not set, as in `.env` files. */
function collect(env: Environment): {
  readonly values: Partial<Record<SettingName, string>>;
  readonly problems: readonly string[];
} {
  const values: Partial<Record<SettingName, string>> = {};
  const problems: string[] = [];
  for (const name of Object.keys(settings.shape) as SettingName[]) {
    const value = env[name]?.trim();
    if (value) values[name] = value;
  }
  for (const [alias, name] of Object.entries(ALIASES)) {
    const value = env[alias]?.trim();
    if (!value) continue;
    if (values[name] !== undefined && values[name] !== value)
      problems.push(
        `${alias} and ${name} are one setting; got "${value}" and "${values[name]}". Give one of them.`,
      );
    values[name] ??= value;
  }
  return { values, problems };
}

function wrongValue(name: string, values: Partial<Record<SettingName, string>>): string {
  const key = name as SettingName;
  const { allowed, otherwise, secret } = textOf(settings.shape[key]);
  const given = secret ? "a value that does not fit (not shown)" : `"${values[key]}"`;
  const alias = Object.entries(ALIASES).find(([, it]) => it === key)?.[0];
  const also = alias === undefined ? "" : ` (or ${alias})`;
  return `${name}${also}: got ${given}; allowed: ${allowed}${otherwise && ` (default ${otherwise})`}.`;
}

/** A default that another setting leaves no room for gives way; only what was given is complained about. */
function contradictions(
  it: Settings,
  given: Partial<Record<SettingName, string>>,
): readonly string[] {
  const server = it.DATABASE_URL !== undefined || it.DB_HOST !== undefined;
  const needsSecret = (name: SettingName): string =>
    `${name}: not set; required with ${it.DATABASE_URL ? "DATABASE_URL" : "DB_HOST"}. Allowed: ${textOf(settings.shape[name]).allowed}.`;
  const rules: readonly (readonly [boolean, string])[] = [
    [
      given.DB_POOL_MIN !== undefined && it.DB_POOL_MIN > it.DB_POOL_MAX,
      `DB_POOL_MIN: got "${it.DB_POOL_MIN}"; allowed: at most DB_POOL_MAX (${it.DB_POOL_MAX}).`,
    ],
    [
      given.CACHE_TTL !== undefined && it.CACHE_TTL > it.CACHE_MAX_TTL,
      `CACHE_TTL: got "${it.CACHE_TTL}"; allowed: at most CACHE_MAX_TTL (${it.CACHE_MAX_TTL}).`,
    ],
    [
      it.STORAGE === "postgres" && !server,
      `STORAGE: got "postgres"; allowed only with DATABASE_URL or DB_HOST, and neither is set.`,
    ],
    [
      it.DATABASE_URL !== undefined && !URL.canParse(it.DATABASE_URL),
      `DATABASE_URL: got a value that does not fit (not shown); allowed: ${textOf(settings.shape.DATABASE_URL).allowed}.`,
    ],
    [
      it.REDIS_URL !== undefined && !URL.canParse(it.REDIS_URL),
      `REDIS_URL: got a value that does not fit (not shown); allowed: ${textOf(settings.shape.REDIS_URL).allowed}.`,
    ],
    [
      it.DATABASE_DIRECT_URL !== undefined && !URL.canParse(it.DATABASE_DIRECT_URL),
      `DATABASE_DIRECT_URL: got a value that does not fit (not shown); allowed: ${textOf(settings.shape.DATABASE_DIRECT_URL).allowed}.`,
    ],
    [
      it.DATABASE_DIRECT_URL !== undefined && !server,
      "DATABASE_DIRECT_URL: allowed only with DATABASE_URL or DB_HOST, and neither is set.",
    ],
    [
      (it.COHERENCE_HEARTBEAT_MS ?? 0) > it.COHERENCE_BOUND_MS,
      `COHERENCE_HEARTBEAT_MS: got "${it.COHERENCE_HEARTBEAT_MS}"; allowed: at most COHERENCE_BOUND_MS (${it.COHERENCE_BOUND_MS}).`,
    ],
    [server && it.JWT_SECRET === undefined, needsSecret("JWT_SECRET")],
    [server && it.CURSOR_KEYS === undefined, needsSecret("CURSOR_KEYS")],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}

function configOf(it: Settings): Config {
  const databaseUrl = it.DATABASE_URL ?? urlFromParts(it);
  return {
    host: it.HOST,
    port: it.PORT,
    processes: it.PROCESSES,
    storageMode: it.STORAGE ?? (databaseUrl === undefined ? "local" : "postgres"),
    databaseUrl,
    databaseDirectUrl: it.DATABASE_DIRECT_URL,
    dataDir: it.DATA_DIR ?? DATA_DIR,
    seedRows: it.SEED_ROWS,
    pool: {
      min: Math.min(it.DB_POOL_MIN, it.DB_POOL_MAX),
      max: it.DB_POOL_MAX,
      idleMs: it.DB_IDLE_TIMEOUT_MS,
      acquireTimeoutMs: it.DB_ACQUIRE_TIMEOUT_MS,
    },
    statementTimeoutMs: it.DB_STATEMENT_TIMEOUT_MS,
    cache: {
      enabled: it.ENABLE_CACHE,
      entriesMax: it.CACHE_MAX_SIZE,
      bytesMax: it.CACHE_MAX_BYTES,
      ttlMs: Math.min(it.CACHE_TTL, it.CACHE_MAX_TTL) * SECOND_MS,
      ttlMaxMs: it.CACHE_MAX_TTL * SECOND_MS,
      tiersMs: {
        short: it.CACHE_TTL_SHORT * SECOND_MS,
        medium: it.CACHE_TTL_MEDIUM * SECOND_MS,
        long: it.CACHE_TTL_LONG * SECOND_MS,
      },
      warming: warmingOf(it),
    },
    redisUrl: it.REDIS_URL ?? redisUrlFromParts(it),
    coherence: {
      boundMs: it.COHERENCE_BOUND_MS,
      heartbeatMs: it.COHERENCE_HEARTBEAT_MS,
      setup: it.COHERENCE_SETUP,
    },
    jwtSecret: it.JWT_SECRET,
    cursorKeys: it.CURSOR_KEYS?.split(",").map(cursorKeyOf),
  };
}

function warmingOf(it: Settings): Config["cache"]["warming"] {
  if (it.CACHE_WARM_EVERY === 0 || !it.ENABLE_CACHE) return undefined;
  return { everyMs: it.CACHE_WARM_EVERY * SECOND_MS, metricsMax: it.CACHE_WARM_METRICS };
}

function urlFromParts(it: Settings): string | undefined {
  if (it.DB_HOST === undefined) return undefined;
  const password = it.DB_PASSWORD === undefined ? "" : `:${encodeURIComponent(it.DB_PASSWORD)}`;
  const host = it.DB_HOST.includes(":") ? `[${it.DB_HOST}]` : it.DB_HOST;
  return `postgres://${encodeURIComponent(it.DB_USER)}${password}@${host}:${it.DB_PORT}/${encodeURIComponent(it.DB_NAME)}`;
}

function redisUrlFromParts(it: Settings): string | undefined {
  if (it.REDIS_HOST === undefined) return undefined;
  const password =
    it.REDIS_PASSWORD === undefined ? "" : `:${encodeURIComponent(it.REDIS_PASSWORD)}@`;
  const host = it.REDIS_HOST.includes(":") ? `[${it.REDIS_HOST}]` : it.REDIS_HOST;
  return `redis://${password}${host}:${it.REDIS_PORT}/${it.REDIS_DB}`;
}

function cursorKeyOf(text: string): CursorKey {
  const colon = text.indexOf(":");
  return { id: text.slice(0, colon), secret: text.slice(colon + 1) };
}
