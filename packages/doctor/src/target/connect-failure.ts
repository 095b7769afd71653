import { DoctorError } from "../errors.ts";

interface Said {
  readonly message: string;
  readonly fix: string;
}

/** By SQLSTATE or by Node's code. */
const KNOWN: Readonly<Record<string, Said>> = {
  ECONNREFUSED: {
    message: "Nothing listens at the server's address",
    fix: "Check host and port (URL, PGHOST, PGPORT) and that PostgreSQL accepts TCP connections.",
  },
  ENOTFOUND: {
    message: "The server's name is not known",
    fix: "Check the host in the URL or in PGHOST.",
  },
  ENOENT: {
    message: "There is no socket at the given path",
    fix: "Check the host (the socket's directory) and the port.",
  },
  "28P01": {
    message: "The server refuses the password",
    fix: "Check user and password (URL, PGPASSWORD, ~/.pgpass with mode 0600).",
  },
  "28000": {
    message: "The server refuses this role from here",
    fix: "Check the user, pg_hba.conf and sslmode.",
  },
  "3D000": {
    message: "The database does not exist",
    fix: "Check the database in the URL or in PGDATABASE.",
  },
  "42501": {
    message: "The role may not connect to this database",
    fix: "Grant it: GRANT CONNECT ON DATABASE … TO …",
  },
  "53300": {
    message: "The server has no free connection",
    fix: "Wait, or use a role for which connections are reserved.",
  },
  "57P03": { message: "The server is starting up or shutting down", fix: "Wait and run it again." },
  "08P01": {
    message: "The server or pooler refuses the session",
    fix: "Check that the address is PostgreSQL's and that a pooler's limits and names fit.",
  },
};

/** The doctor's own words: the server's may hold names that nobody wants in a log. */
export function connectFailure(cause: unknown, withoutPassword: boolean): DoctorError {
  const code = codeOf(cause);
  const sqlstate = code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  const text = cause instanceof Error ? cause.message : "";
  if (withoutPassword && (/^SASL|password/i.test(text) || sqlstate === "28P01"))
    return failed("The server asks for a password and none was given", NO_PASSWORD, sqlstate);
  if (/timeout/i.test(text))
    return failed("The server did not answer in time", "Check host, port and firewall.");
  if (/does not support SSL/.test(text))
    return failed(
      "The server offers no encryption, which sslmode asks for",
      "Turn ssl on there, or set sslmode to prefer.",
    );
  if (code !== undefined && /^(?:ERR_|CERT_|DEPTH_|SELF_|UNABLE_|HOSTNAME_)/.test(code))
    return failed(
      `The server's certificate is not accepted (${code})`,
      "Check sslmode, sslrootcert and the host's name in the certificate.",
    );
  const known = code === undefined ? undefined : KNOWN[code];
  const shown = code === undefined ? "" : ` (${code})`;
  return known === undefined
    ? failed(
        `The server cannot be used${shown}`,
        "Check the connection's settings with psql.",
        sqlstate,
      )
    : failed(`${known.message}${shown}`, known.fix, sqlstate);
}

const NO_PASSWORD =
  "Set PGPASSWORD, or put it into ~/.pgpass (mode 0600), so that no process list shows it.";

const failed = (message: string, fix: string, sqlstate?: string): DoctorError =>
  new DoctorError("HST_DOCTOR_TARGET", { message: `${message}.`, fix }, { sqlstate });

/** Whether another way (with or without encryption) may do, as libpq sees it. */
export function triesNext(cause: unknown): boolean {
  const code = codeOf(cause) ?? "";
  const text = cause instanceof Error ? cause.message : "";
  return (
    /does not support SSL|SSL connection/.test(text) ||
    code === "28000" ||
    code === "EPROTO" ||
    code === "ECONNRESET" ||
    code.startsWith("ERR_SSL")
  );
}

function codeOf(cause: unknown): string | undefined {
  // Node tries every address of a name and tells of all.
  if (cause instanceof AggregateError && codeIn(cause) === undefined)
    return codeOf(cause.errors[0]);
  return codeIn(cause);
}

const codeIn = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined;
