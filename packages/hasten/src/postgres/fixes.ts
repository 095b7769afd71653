/** What to do about a connection that could not be made, by what the server or the TLS layer said. */
const BY_STATE: Readonly<Record<string, string>> = {
  "28P01":
    "Check the user and the password; a new one is used at the next attempt if password is a function.",
  "28000":
    "Check the user, pg_hba.conf, and whether the server requires TLS: ssl, or sslmode in the URL.",
  "3D000": "Check the name of the database.",
  "53300":
    "Lower pool.max times processes below max_connections (or the role's limit), or use PgBouncer.",
  "57P03": "Wait: the server is starting or shutting down; hasten reconnects by itself.",
  "25P03":
    "Shorten what a transaction waits for, or raise idleInTransactionTimeoutMs; nothing was committed.",
};
const TLS_FIX =
  "Check ssl (or sslmode in the URL) and its ca: the server's certificate must be valid for the host name.";
const ELSE = "Check that the server runs and can be reached; hasten reconnects by itself.";

const TLS_CODE =
  /^(?:ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA)/;
const TLS_MESSAGE = /does not support SSL|establishing an SSL/i;

/** `TLS: …` when that is what failed, without names. */
export function tlsReason(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === "string" && TLS_CODE.test(code)) return `TLS: ${code}`;
  if (typeof message !== "string" || !TLS_MESSAGE.test(message)) return undefined;
  return message.includes("support") ? "TLS: the server has none" : "TLS: it could not be set up";
}

export function fixFor(sqlstate: string | undefined, cause: unknown): string {
  if (sqlstate !== undefined) return BY_STATE[sqlstate] ?? ELSE;
  return tlsReason(cause) === undefined ? ELSE : TLS_FIX;
}
