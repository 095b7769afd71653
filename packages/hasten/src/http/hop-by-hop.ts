/** Fields that belong to one connection (RFC 9110 §7.6.1) and are never stored (RFC 9111 §3.1). */

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const NONE: ReadonlySet<string> = new Set();
const CONNECTION_LENGTH_MAX = 4096;

/** Lower-case names that `Connection` nominates. A field longer than 4096 nominates nothing. */
export function connectionNominated(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || connection.length > CONNECTION_LENGTH_MAX) return NONE;
  const names = connection.split(",").map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== ""));
}

/** True when a field, by lower-case name, must not be stored or passed on. */
export function isHopByHop(name: string, nominated: ReadonlySet<string> = NONE): boolean {
  return HOP_BY_HOP.has(name) || nominated.has(name);
}
