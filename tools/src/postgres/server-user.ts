/**
 * PostgreSQL refuses to run as root, so root starts it as another user: `postgres` where it exists, else one created
 * with the system's own useradd, else `nobody`. It must be in the user database, PostgreSQL looks its name up.
 */
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const COMMAND_TIMEOUT_MS = 15_000;
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The user to drop to; undefined when this process is not root and PostgreSQL simply runs as its user. */
export function serverUser(onLog: (line: string) => void): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = lookUp("postgres");
  if (existing !== undefined) return existing;
  const created = createUser();
  if (created !== undefined) {
    onLog("created the system user `postgres`: PostgreSQL refuses to run as root");
    return created;
  }
  const nobody = lookUp("nobody");
  if (nobody !== undefined) return nobody;
  throw new EmbeddedPostgresError(
    "user",
    "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to drop to. Run as a normal user, or create one: useradd --system --user-group postgres.",
  );
}

/** Data that a normal user's run has made stays that user's when root comes along. */
export function dataOwner(dataDir: string, dropTo: ServerUser | undefined): ServerUser | undefined {
  const data = join(dataDir, "postgres");
  if (dropTo === undefined || !existsSync(data)) return dropTo;
  const { uid, gid } = statSync(data);
  return uid === 0 || uid === dropTo.uid ? dropTo : { name: `user ${uid}`, uid, gid };
}

function lookUp(name: string): ServerUser | undefined {
  const uid = Number(attempt("id", ["-u", name]));
  const gid = Number(attempt("id", ["-g", name]));
  return uid > 0 && gid > 0 ? { name, uid, gid } : undefined;
}

function createUser(): ServerUser | undefined {
  const group = attempt("getent", ["group", "postgres"]) === undefined;
  const membership = group ? ["--user-group"] : ["--gid", "postgres"];
  attempt("useradd", [
    "--system",
    ...membership,
    "--no-create-home",
    "--home-dir",
    "/nonexistent",
    "--shell",
    "/usr/sbin/nologin",
    "postgres",
  ]);
  return lookUp("postgres");
}

function attempt(command: string, args: readonly string[]): string | undefined {
  try {
    const text = execFileSync(command, args, {
      encoding: "utf8",
      env: { PATH: SYSTEM_PATH },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: COMMAND_TIMEOUT_MS,
    });
    return text.trim() || undefined;
  } catch {
    return undefined;
  }
}
