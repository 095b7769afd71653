/** The files that PgBouncer reads: its settings, and who may come in. */

export interface IniOptions {
  readonly poolMode: "session" | "transaction" | "statement";
  readonly poolSize: number;
  readonly maxClientConn: number;
  readonly ignoreStartupParameters: readonly string[];
  /** Further settings of the section [pgbouncer], as in its manual. They win. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface IniPlaces {
  readonly port: number;
  readonly server: { readonly host: string; readonly port: string };
  readonly userFile: string;
  readonly admin: string;
}

/** Every database of the server by its own name, passwords by SCRAM on both sides. */
export function iniOf(options: IniOptions, places: IniPlaces): string {
  const { ignoreStartupParameters: ignored } = options;
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: String(places.port),
    unix_socket_dir: "",
    auth_type: "scram-sha-256",
    auth_file: places.userFile,
    admin_users: places.admin,
    pool_mode: options.poolMode,
    default_pool_size: String(options.poolSize),
    max_client_conn: String(options.maxClientConn),
    ...(ignored.length > 0 && { ignore_startup_parameters: ignored.join(",") }),
    // What a test breaks is tried again at once.
    server_login_retry: "1",
    log_connections: "0",
    log_disconnections: "0",
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const { host, port } = places.server;
  return ["[databases]", `* = host=${host} port=${port}`, "", "[pgbouncer]", ...lines, ""].join(
    "\n",
  );
}

export interface User {
  readonly name: string;
  /** As the server keeps it: PgBouncer answers a client's log-in with it, and logs in with what that taught it. */
  readonly secret: string;
}

export const userListOf = (users: readonly User[]): string =>
  users.map(({ name, secret }) => `${quoted(name)} ${quoted(secret)}\n`).join("");

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
