/** Every variable the API reads: the one table behind validation, `--help` and `.env.example`. */
import { z } from "zod";
import {
  flag,
  oneOf,
  optionalText,
  optionalWholeNumber,
  secret,
  text,
  wholeNumber,
} from "./setting.ts";

const SERVER = "Server";
const STORAGE = "Storage";
const POOL = "Connections";
const CACHE = "Cache";
const REDIS =
  "Redis: a second tier that all processes and hosts share (none without REDIS_URL or REDIS_HOST)";
const COHERENCE = "Coherence: how soon cached answers follow what others write";
const SECRETS = "Secrets (required with DATABASE_URL or DB_HOST; made under DATA_DIR otherwise)";

const DAY_S = 86_400;
const HOUR_MS = 3_600_000;
const REDIS_URL = /^rediss?:\/\/[^/]/;
const POSTGRES_URL = /^postgres(ql)?:\/\/[^/]/;

export const settings = z.object({
  PORT: wholeNumber([0, 65_535], 3_000, { group: SERVER, about: "TCP port; 0 takes a free one" }),
  HOST: text("127.0.0.1", {
    group: SERVER,
    about: "Address to listen on; 0.0.0.0 opens the API to the network",
  }),
  PROCESSES: wholeNumber([1, 64], 1, {
    group: SERVER,
    about: "Processes that share the port (also: --processes N)",
  }),

  STORAGE: oneOf(["local", "postgres"], {
    group: STORAGE,
    about: "Where rows are: the embedded PostgreSQL, or the server of DATABASE_URL",
    otherwise: "postgres with DATABASE_URL or DB_HOST, else local",
  }),
  DATABASE_URL: secret("postgres://user:password@host:port/database", POSTGRES_URL, {
    group: STORAGE,
    about: "A PostgreSQL server of your own",
  }),
  DB_HOST: optionalText({ group: STORAGE, about: "The same in parts, used without DATABASE_URL" }),
  DB_PORT: wholeNumber([1, 65_535], 5_432, { group: STORAGE, about: "Port on DB_HOST" }),
  DB_NAME: text("metrics", { group: STORAGE, about: "Database on DB_HOST" }),
  DB_USER: text("postgres", { group: STORAGE, about: "User on DB_HOST" }),
  DB_PASSWORD: secret("text", /^/, { group: STORAGE, about: "Password on DB_HOST" }),
  DATABASE_DIRECT_URL: secret("postgres://user:password@host:port/database", POSTGRES_URL, {
    group: STORAGE,
    about: "The same database past a connection pooler: changes are read through it",
  }),
  DATA_DIR: optionalText({
    group: STORAGE,
    about: "Directory of the embedded server, its secrets and the chosen storage",
    otherwise: ".data in the repository",
  }),
  SEED_ROWS: optionalWholeNumber([0, 10_000_000], {
    group: STORAGE,
    about: "Metrics that exist after the start; missing ones are made",
    otherwise: "50000 in the embedded server, 0 in yours",
  }),

  DB_POOL_MIN: wholeNumber([0, 1_000], 5, {
    group: POOL,
    about: "Connections kept open (also: POOL_MIN_CONNECTIONS)",
  }),
  DB_POOL_MAX: wholeNumber([1, 1_000], 20, {
    group: POOL,
    about: "Most connections of each process (also: POOL_MAX_CONNECTIONS)",
  }),
  DB_IDLE_TIMEOUT_MS: wholeNumber([1_000, HOUR_MS], 10_000, {
    group: POOL,
    about: "An idle connection above DB_POOL_MIN is closed after this",
  }),
  DB_ACQUIRE_TIMEOUT_MS: wholeNumber([10, 600_000], 5_000, {
    group: POOL,
    about: "Longest wait for a connection",
  }),
  DB_STATEMENT_TIMEOUT_MS: wholeNumber([1, HOUR_MS], 30_000, {
    group: POOL,
    about: "The server cancels a statement that runs longer",
  }),

  ENABLE_CACHE: flag(true, {
    group: CACHE,
    about: "false: every request is answered from the database",
  }),
  CACHE_MAX_SIZE: wholeNumber([1, 10_000_000], 10_000, {
    group: CACHE,
    about: "Most entries in memory",
  }),
  CACHE_MAX_BYTES: wholeNumber([65_536, 2 ** 40], 67_108_864, {
    group: CACHE,
    about: "Most bytes in memory",
  }),
  CACHE_TTL: wholeNumber([1, DAY_S], 300, {
    group: CACHE,
    about: "Seconds an entry is fresh (also: CACHE_DEFAULT_TTL)",
  }),
  CACHE_MAX_TTL: wholeNumber([1, DAY_S], 3_600, {
    group: CACHE,
    about: "Longest of all times to live, in seconds",
  }),
  CACHE_TTL_SHORT: wholeNumber([1, DAY_S], 60, {
    group: CACHE,
    about: "Seconds of the tier `short`",
  }),
  CACHE_TTL_MEDIUM: wholeNumber([1, DAY_S], 300, {
    group: CACHE,
    about: "Seconds of the tier `medium`",
  }),
  CACHE_TTL_LONG: wholeNumber([1, DAY_S], 1_800, {
    group: CACHE,
    about: "Seconds of the tier `long`",
  }),
  CACHE_WARM_EVERY: wholeNumber([0, DAY_S], 1_800, {
    group: CACHE,
    about: "Seconds between warmings of lists and metrics, the first at the start; 0: none",
  }),
  CACHE_WARM_METRICS: wholeNumber([0, 1_000_000], 1_000, {
    group: CACHE,
    about: "Metrics that are warmed, those changed last first",
  }),

  REDIS_URL: secret("redis://user:password@host:port/database", REDIS_URL, {
    group: REDIS,
    about: "A Redis or Valkey server; rediss:// for TLS",
  }),
  REDIS_HOST: optionalText({ group: REDIS, about: "The same in parts, used without REDIS_URL" }),
  REDIS_PORT: wholeNumber([1, 65_535], 6_379, { group: REDIS, about: "Port on REDIS_HOST" }),
  REDIS_PASSWORD: secret("text", /^/, { group: REDIS, about: "Password on REDIS_HOST" }),
  REDIS_DB: wholeNumber([0, 65_535], 0, { group: REDIS, about: "Number of its database" }),

  COHERENCE_BOUND_MS: wholeNumber([50, 10_000], 500, {
    group: COHERENCE,
    about: "A change by anyone is seen by every process within this",
  }),
  COHERENCE_HEARTBEAT_MS: optionalWholeNumber([10, 10_000], {
    group: COHERENCE,
    about: "How often the change stream proves that it is up to date; at most COHERENCE_BOUND_MS",
    otherwise: "half of COHERENCE_BOUND_MS, at most 250",
  }),
  COHERENCE_SETUP: flag(true, {
    group: COHERENCE,
    about: "Make the publication `hasten` in the database, which changes are read from",
  }),

  JWT_SECRET: secret("at least 32 characters", /^.{32,}$/, {
    group: SECRETS,
    about: "Signs the tokens",
  }),
  CURSOR_KEYS: secret(
    "id:secret, at most 8 of them, separated by commas; ids of A-Z a-z 0-9 _ -, secrets of at least 32 characters",
    /^[\w-]{1,16}:[^,]{32,}(,[\w-]{1,16}:[^,]{32,}){0,7}$/,
    {
      group: SECRETS,
      about: "Sign the page cursors: the first signs, all verify",
    },
  ),
});

export type Settings = z.output<typeof settings>;
export type SettingName = keyof Settings & string;

/** Other names that the same setting is known by. */
export const ALIASES: Readonly<Record<string, SettingName>> = {
  POOL_MIN_CONNECTIONS: "DB_POOL_MIN",
  POOL_MAX_CONNECTIONS: "DB_POOL_MAX",
  CACHE_DEFAULT_TTL: "CACHE_TTL",
};
