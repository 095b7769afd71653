/**
 * Where a server's programs and data live.
 *
 * Invariants:
 * - The server's user can reach and run everything named here; when the checkout lies where that user cannot go
 *   (a clone in /root), programs and data are in a private directory elsewhere.
 * - That directory is made by root, owned by root and writable by root only, so nobody else can plant programs there;
 *   one that is not is refused.
 * - The private directory of a kept server is a function of its data directory's path, so a restart finds it again.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Binaries, binariesIn, completeBinaries, copyBinaries } from "./binaries.ts";
import { EmbeddedPostgresError } from "./errors.ts";
import type { ServerUser } from "./server-user.ts";

export interface Home {
  readonly binaries: Binaries;
  /** PostgreSQL's own data directory; may not exist yet. */
  readonly cluster: string;
  /** A directory the server's user may write to, for initdb. */
  readonly workspace: string;
}

/** /var/tmp only where /var/lib cannot be written: some systems empty it of files unused for a month. */
export const PRIVATE_BASES = ["/var/lib/hasten-postgres", "/var/tmp/hasten-postgres"] as const;
/** In a private directory: the data directory it was made for. */
export const MADE_FOR = "made-for";
export const TEMPORARY_PREFIX = "hasten-pg-";
const CHECK_TIMEOUT_MS = 10_000;

/** The directories a temporary server may be put in, best first. */
export function temporaryBases(): readonly string[] {
  return [...new Set([tmpdir(), "/tmp", "/var/tmp"])].filter((path) => existsSync(path));
}

/** Programs and data of a server whose data is kept in `dataDir`. */
export async function keptHome(
  dataDir: string,
  installed: Binaries,
  user: ServerUser | undefined,
): Promise<Home> {
  const inside = join(dataDir, "postgres");
  if (user === undefined) {
    completeBinaries(installed);
    mkdirSync(inside, { recursive: true, mode: 0o700 });
    return { binaries: installed, cluster: join(inside, "cluster"), workspace: inside };
  }
  const reachable = canEnter(user, dataDir);
  const workspace = reachable ? inside : join(privateDirectory(dataDir), "postgres");
  if (!reachable && existsSync(inside)) moveData(inside, workspace);
  mkdirSync(workspace, { recursive: true, mode: 0o700 });
  chownSync(workspace, user.uid, user.gid);
  const binaries = await usableBinaries(installed, user, () => privateDirectory(dataDir));
  return { binaries, cluster: join(workspace, "cluster"), workspace };
}

/** A new private directory for one run, with the programs copied beside the data when they are out of reach. */
export async function temporaryHome(
  installed: Binaries,
  user: ServerUser | undefined,
  mark: (directory: string) => void,
): Promise<Home & { readonly directory: string }> {
  for (const base of temporaryBases()) {
    if (user !== undefined && !canEnter(user, base)) continue;
    const directory = mkdtempSync(join(realpathSync(base), TEMPORARY_PREFIX));
    mark(directory);
    const binaries = await temporaryBinaries(installed, user, directory);
    if (binaries !== undefined) {
      if (user !== undefined) chownTree(directory, user);
      return { binaries, directory, cluster: join(directory, "cluster"), workspace: directory };
    }
    rmSync(directory, { recursive: true, force: true });
  }
  throw new EmbeddedPostgresError(
    "home",
    `No temporary directory can hold a server that ${user?.name ?? "this user"} can run (tried ${temporaryBases().join(", ")}).`,
  );
}

async function temporaryBinaries(
  installed: Binaries,
  user: ServerUser | undefined,
  directory: string,
): Promise<Binaries | undefined> {
  if (user === undefined || canRun(user, installed)) {
    completeBinaries(installed);
    return installed;
  }
  const copied = await copyBinaries(installed, join(directory, "native"));
  chownTree(directory, user);
  return canRun(user, copied) ? copied : undefined;
}

async function usableBinaries(
  installed: Binaries,
  user: ServerUser,
  directory: () => string,
): Promise<Binaries> {
  completeBinaries(installed);
  if (canRun(user, installed)) return installed;
  const root = join(directory(), "native");
  const version = fingerprint(installed);
  const marker = join(root, "copied-from");
  if (existsSync(marker) && readFileSync(marker, "utf8") === version) return binariesIn(root);
  const draft = `${root}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  await copyBinaries(installed, draft);
  writeFileSync(join(draft, "copied-from"), version);
  rmSync(root, { recursive: true, force: true });
  renameSync(draft, root);
  const copied = binariesIn(root);
  if (canRun(user, copied)) return copied;
  throw new EmbeddedPostgresError(
    "home",
    `${user.name} can run PostgreSQL neither in ${installed.root} nor in ${root}. Move the checkout to a directory that ${user.name} can read, or set DATABASE_URL.`,
  );
}

function fingerprint(binaries: Binaries): string {
  const { size, mtimeMs } = lstatSync(binaries.postgres);
  return `${size} ${mtimeMs}`;
}

/** The same directory for the same data directory, on every run. */
function privateDirectory(dataDir: string): string {
  const madeFor = realpathSync(dataDir);
  const key = createHash("sha256").update(madeFor).digest("hex").slice(0, 16);
  const present = PRIVATE_BASES.map((base) => join(base, key)).find((path) => existsSync(path));
  if (present !== undefined) return ownedByRootOnly(present);
  for (const base of PRIVATE_BASES) {
    try {
      if (!existsSync(base)) mkdirSync(base, { mode: 0o711 });
      ownedByRootOnly(base);
      const path = join(base, key);
      mkdirSync(path, { mode: 0o711 });
      chmodSync(path, 0o711);
      writeFileSync(join(path, MADE_FOR), madeFor, { mode: 0o600 });
      return ownedByRootOnly(path);
    } catch (error) {
      if (error instanceof EmbeddedPostgresError) throw error;
    }
  }
  throw new EmbeddedPostgresError(
    "home",
    `${dataDir} is out of reach of PostgreSQL's user, and none of ${PRIVATE_BASES.join(", ")} can be written. Move the checkout, or set DATABASE_URL.`,
  );
}

function ownedByRootOnly(path: string): string {
  const stat = lstatSync(path);
  if (stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o022) === 0) return path;
  throw new EmbeddedPostgresError(
    "home",
    `${path} must be a directory that root owns and only root can write, and is not. Remove it: somebody else made it.`,
  );
}

function moveData(from: string, to: string): void {
  if (existsSync(join(to, "cluster"))) return;
  try {
    rmSync(to, { recursive: true, force: true });
    renameSync(from, to);
  } catch (cause) {
    throw new EmbeddedPostgresError(
      "home",
      `The data in ${from} is out of reach of PostgreSQL's user and cannot be moved to ${to}. Make the path to it passable (chmod o+x), or remove it to start afresh.`,
      { cause },
    );
  }
}

function chownTree(directory: string, user: ServerUser): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    lchownSync(join(entry.parentPath, entry.name), user.uid, user.gid);
  lchownSync(directory, user.uid, user.gid);
}

/** Asks the kernel, as that user: modes, ACLs and mount options all count. */
function canEnter(user: ServerUser, directory: string): boolean {
  return succeedsAs(user, "/bin/sh", ["-c", '[ -x "$1" ]', "sh", directory]);
}

function canRun(user: ServerUser, binaries: Binaries): boolean {
  const catalog = join(binaries.share, "postgres.bki");
  return (
    succeedsAs(user, "/bin/sh", ["-c", '[ -r "$1" ]', "sh", catalog]) &&
    succeedsAs(user, binaries.initdb, ["--version"]) &&
    succeedsAs(user, binaries.postgres, ["--version"])
  );
}

function succeedsAs(user: ServerUser, command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, {
      uid: user.uid,
      gid: user.gid,
      cwd: "/",
      env: {},
      stdio: "ignore",
      timeout: CHECK_TIMEOUT_MS,
    });
    return true;
  } catch {
    return false;
  }
}
