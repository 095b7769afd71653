import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Environment } from "./types.ts";

/** Whom a password is looked up for, as libpq names them. */
export interface PasswordFor {
  /** "localhost" for a socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

const FILE_BYTES_MAX = 1_048_576;
const OTHERS = 0o077;
const FIELDS = 5;

/** The password of the first line that fits, by libpq's rules; a note says why a file was passed over. */
export function passwordFromFile(
  wanted: PasswordFor,
  env: Environment,
): { readonly password?: string; readonly note?: string } {
  const path = env["PGPASSFILE"] ?? defaultPath(env);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return {};
  if (!stat.isFile()) return { note: "The password file is not a plain file and was not read." };
  if (process.platform !== "win32" && (stat.mode & OTHERS) !== 0)
    return {
      note: "The password file can be read by other users and was not used; run `chmod 0600` on it.",
    };
  if (stat.size > FILE_BYTES_MAX)
    return { note: "The password file is larger than 1 MiB and was not read." };
  try {
    const password = passwordIn(readFileSync(path, "utf8"), wanted);
    return password === undefined ? {} : { password };
  } catch {
    return { note: "The password file cannot be read." };
  }
}

function defaultPath(env: Environment): string {
  if (process.platform === "win32")
    return join(env["APPDATA"] ?? homedir(), "postgresql", "pgpass.conf");
  return join(env["HOME"] ?? homedir(), ".pgpass");
}

/** Pure: `hostname:port:database:username:password`, `*` fits all, `\` keeps `:` and `\`. */
export function passwordIn(text: string, wanted: PasswordFor): string | undefined {
  const keys = [wanted.host, String(wanted.port), wanted.database, wanted.user];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const fields = fieldsOf(line.replace(/\r+$/, ""));
    if (fields.length < FIELDS) continue;
    const fits = keys.every((key, at) => fields[at]?.raw === "*" || fields[at]?.value === key);
    const password = fields[FIELDS - 1]?.value;
    if (fits && password !== undefined && password !== "") return password;
  }
  return undefined;
}

function fieldsOf(line: string): readonly { raw: string; value: string }[] {
  const found = line.match(/(?:\\.|[^:\\]|\\$)+|(?<=:|^)(?=:|$)/g) ?? [];
  return found.map((raw) => ({ raw, value: raw.replace(/\\(.)/g, "$1") }));
}
