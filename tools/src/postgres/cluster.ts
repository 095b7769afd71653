/**
 * Making a cluster: UTF-8, PostgreSQL's builtin C.UTF-8 collation (the same on every system; before
 * 17, which brought it, C), passwords by SCRAM.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./errors.ts";
import type { Home } from "./home.ts";
import type { ServerUser } from "./server-user.ts";

export const SUPERUSER = "postgres";
const PASSWORD_BYTES = 24;
const INITDB_TIMEOUT_MS = 120_000;
/** Of the installed binaries. */
export const MAJOR_VERSION = 18;
const BUILTIN_LOCALE_SINCE = 17;

export const newPassword = (): string => randomBytes(PASSWORD_BYTES).toString("base64url");

/** The password in `file`, or a new one written there for its owner's eyes only. */
export function keptPassword(file: string): { readonly password: string; readonly isNew: boolean } {
  if (existsSync(file)) return { password: readFileSync(file, "utf8").trim(), isNew: false };
  const password = newPassword();
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return { password, isNew: true };
}

/** Runs initdb unless the cluster exists. An interrupted initdb leaves nothing that looks like a cluster. */
export async function ensureCluster(
  home: Home,
  user: ServerUser | undefined,
  options: { readonly password: string; readonly durable: boolean; readonly major?: number },
): Promise<"created" | "found"> {
  const major = options.major ?? MAJOR_VERSION;
  const versionFile = join(home.cluster, "PG_VERSION");
  if (existsSync(versionFile)) {
    checkVersion(readFileSync(versionFile, "utf8").trim(), major, home.cluster);
    return "found";
  }
  const draft = `${home.cluster}.new`;
  const passwordFile = join(home.workspace, "initdb-password");
  rmSync(draft, { recursive: true, force: true });
  writeFileSync(passwordFile, `${options.password}\n`, { mode: 0o600 });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  try {
    await initdb(home, user, [
      `--pgdata=${draft}`,
      `--pwfile=${passwordFile}`,
      ...(options.durable ? [] : ["--no-sync"]),
      ...localeOf(major),
    ]);
    renameSync(draft, home.cluster);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  return "created";
}

function localeOf(major: number): readonly string[] {
  if (major < BUILTIN_LOCALE_SINCE) return ["--locale=C"];
  return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
}

function checkVersion(found: string, major: number, cluster: string): void {
  if (found === String(major)) return;
  throw new EmbeddedPostgresError(
    "init",
    `${cluster} was written by PostgreSQL ${found}; this is PostgreSQL ${major}. Remove the directory to start afresh.`,
  );
}

async function initdb(
  home: Home,
  user: ServerUser | undefined,
  args: readonly string[],
): Promise<void> {
  try {
    await promisify(execFile)(
      home.binaries.initdb,
      [
        ...args,
        `--username=${SUPERUSER}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--text-search-config=english",
      ],
      {
        cwd: home.workspace,
        env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
        timeout: INITDB_TIMEOUT_MS,
        ...(user && { uid: user.uid, gid: user.gid }),
      },
    );
  } catch (cause) {
    const detail = (cause as { stderr?: string }).stderr?.trim() || String(cause);
    throw new EmbeddedPostgresError("init", `initdb failed: ${detail}`, { cause });
  }
}
