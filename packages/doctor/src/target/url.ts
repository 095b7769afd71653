import { DoctorError } from "../errors.ts";

/** What a URL says; everything may be missing. */
export interface UrlParts {
  readonly host?: string;
  readonly port?: string;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** Of the query string, by libpq's names: sslmode, sslrootcert, connect_timeout … */
  readonly parameters: Readonly<Record<string, string>>;
}

const KNOWN: ReadonlySet<string> = new Set([
  "host",
  "port",
  "user",
  "password",
  "dbname",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "connect_timeout",
]);
/** Understood by libpq or by drivers, and without meaning here. */
const PASSED_OVER: ReadonlySet<string> = new Set([
  "application_name",
  "fallback_application_name",
  "channel_binding",
  "gssencmode",
  "target_session_attrs",
  "keepalives",
  "schema",
  "pgbouncer",
  "connection_limit",
  "pool_timeout",
  "sslnegotiation",
  "uselibpqcompat",
]);

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`.
 * @throws DoctorError HST_DOCTOR_OPTION, which never repeats the URL
 */
export function partsOfUrl(text: string): UrlParts {
  const found =
    /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::([^/?#]*))?(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(
      text.trim(),
    );
  if (found === null) throw refused("is not a URL of the form postgres://user@host:port/database");
  const [, login = "", host = "", port = "", database = "", query = ""] = found;
  if (host.includes(",")) throw refused("names several hosts; the doctor looks at one");
  const colon = login.indexOf(":");
  const parameters = parametersOf(query);
  return {
    ...some("host", parameters["host"] ?? decoded(host.replace(/^\[|\]$/g, ""))),
    ...some("port", parameters["port"] ?? port),
    ...some("user", parameters["user"] ?? decoded(colon < 0 ? login : login.slice(0, colon))),
    ...some(
      "password",
      parameters["password"] ?? (colon < 0 ? "" : decoded(login.slice(colon + 1))),
    ),
    ...some("database", parameters["dbname"] ?? decoded(database)),
    parameters,
  };
}

const some = <Key extends string>(key: Key, value: string): Partial<Record<Key, string>> =>
  value === "" ? {} : ({ [key]: value } as Record<Key, string>);

function parametersOf(query: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query.replaceAll("+", "%2B"))) {
    if (KNOWN.has(name)) found[name] = value;
    else if (!PASSED_OVER.has(name)) throw refused("has a parameter that is not known here");
  }
  return found;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refused("has a % that is not followed by two hexadecimal digits");
  }
}

function refused(because: string): DoctorError {
  return new DoctorError("HST_DOCTOR_OPTION", {
    message: `The database's URL ${because}.`,
    fix: "Write postgres://user@host:5432/database, special characters as %XX, and keep the password in ~/.pgpass or PGPASSWORD.",
  });
}
