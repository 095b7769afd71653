import { userInfo } from "node:os";
import { DoctorError } from "../errors.ts";
import { passwordFromFile } from "./password-file.ts";
import { type Tls, tlsFrom } from "./tls.ts";
import type { Environment } from "./types.ts";
import { partsOfUrl, type UrlParts } from "./url.ts";

/** Where the database is and who asks. */
export interface ConnectionSpec {
  /** A name, an address, or the directory of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** A function, so that no log and no inspection of this object shows it. */
  readonly password: () => string | undefined;
  readonly tls: Tls;
  /** Milliseconds for reaching the server. */
  readonly connectTimeoutMs: number;
  /** Sentences for the report. */
  readonly notes: readonly string[];
}

const PORT_MAX = 65_535;
const CONNECT_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS_MAX = 300_000;

/**
 * From a URL, or DATABASE_URL when none is given; what it leaves open comes from PGHOST, PGPORT,
 * PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY, PGCONNECT_TIMEOUT,
 * then the password from PGPASSFILE or ~/.pgpass.
 * @throws DoctorError HST_DOCTOR_OPTION, which never repeats the URL
 */
export function connectionFrom(url: string | undefined, env: Environment): ConnectionSpec {
  const given = url ?? env["DATABASE_URL"];
  const parts: UrlParts =
    given === undefined || given === "" ? { parameters: {} } : partsOfUrl(given);
  const host = parts.host ?? set(env["PGHOST"]) ?? "localhost";
  const port = portOf(parts.port ?? set(env["PGPORT"]) ?? "5432");
  const user = parts.user ?? set(env["PGUSER"]) ?? userInfo().username;
  const database = parts.database ?? set(env["PGDATABASE"]) ?? user;
  const known = parts.password ?? set(env["PGPASSWORD"]);
  const wanted = { host: isSocket(host) ? "localhost" : host, port, database, user };
  const file = known === undefined ? passwordFromFile(wanted, env) : {};
  const password = known ?? file.password;
  return {
    host,
    port,
    user,
    database,
    password: () => password,
    tls: tlsFrom(parts.parameters, env),
    connectTimeoutMs: timeoutOf(
      parts.parameters["connect_timeout"] ?? set(env["PGCONNECT_TIMEOUT"]),
    ),
    notes: file.note === undefined ? [] : [file.note],
  };
}

export const isSocket = (host: string): boolean => host.startsWith("/") || host.startsWith("@");

const set = (value: string | undefined): string | undefined => (value === "" ? undefined : value);

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= PORT_MAX) return port;
  throw new DoctorError("HST_DOCTOR_OPTION", {
    message: "The port is not a number from 1 to 65535.",
    fix: "Correct it in the URL or in PGPORT.",
  });
}

/** Seconds, as libpq takes them; 0 and less mean without end there, and the most here. */
function timeoutOf(text: string | undefined): number {
  if (text === undefined) return CONNECT_TIMEOUT_MS;
  const seconds = Number(text);
  if (!Number.isInteger(seconds))
    throw new DoctorError("HST_DOCTOR_OPTION", {
      message: "connect_timeout is not a whole number of seconds.",
      fix: "Correct it in the URL or in PGCONNECT_TIMEOUT.",
    });
  return seconds <= 0 ? CONNECT_TIMEOUT_MS_MAX : Math.min(seconds * 1_000, CONNECT_TIMEOUT_MS_MAX);
}
