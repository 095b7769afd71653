import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Extension, PGlite } from "@electric-sql/pglite";
import { DoctorError } from "../errors.ts";
import { ALWAYS, CONTRIB } from "./contrib.ts";
import { type WorkingDirectory, workingCopy } from "./directories.ts";

/** PostgreSQL in this process, on a private directory whose relations' files are ours to size. */
export interface Engine extends AsyncDisposable {
  /** One or more statements by the simple protocol; answers with the rows of the last. */
  run(text: string): Promise<readonly object[]>;
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Whole path of a file that `pg_relation_filepath` names. */
  file(relationPath: string): string;
}

export interface EngineOptions {
  readonly cacheDir: string | undefined;
  /** Whether text sorts by bytes. */
  readonly collationIsC: boolean;
  /** Names of the extensions that it should be able to create; those it cannot have are left out. */
  readonly extensions: readonly string[];
}

const ICU_DATABASE = "model";
/** The planner does not look at it; PGlite's 128 MB would be taken from the process. */
const SETTINGS = ["shared_buffers=8MB"];

/** @throws DoctorError HST_DOCTOR_MODEL */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  let directory: WorkingDirectory | undefined;
  try {
    const { PGlite } = await import("@electric-sql/pglite");
    directory = await workingCopy({
      cacheDir: options.cacheDir,
      key: `pglite-${await pgliteVersion()}-${options.collationIsC ? "c" : "icu"}-1`,
      fill: (path) => fillTemplate(path, options.collationIsC),
    });
    const server = await PGlite.create({
      dataDir: directory.path,
      ...(options.collationIsC ? {} : { database: ICU_DATABASE }),
      extensions: await loadExtensions(options.extensions),
      startParams: [
        ...PGlite.defaultStartParams,
        ...SETTINGS.flatMap((setting) => ["-c", setting]),
      ],
    });
    return engineOf(server, directory);
  } catch (error) {
    await directory?.[Symbol.asyncDispose]();
    throw modelFailed("The model's PostgreSQL did not start", error);
  }
}

function engineOf(server: PGlite, directory: WorkingDirectory): Engine {
  return {
    run: async (text) => {
      const results = await server.exec(text);
      return results.at(-1)?.rows ?? [];
    },
    rows: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await server.query<Row>(text, [...values])).rows,
    file: (relationPath) => join(directory.path, relationPath),
    [Symbol.asyncDispose]: async () => {
      try {
        await server.close();
      } finally {
        await directory[Symbol.asyncDispose]();
      }
    },
  };
}

/** Page checksums are off, because index pages are written by hand. */
async function fillTemplate(path: string, collationIsC: boolean): Promise<void> {
  const { PGlite } = await import("@electric-sql/pglite");
  const server = await PGlite.create({
    dataDir: path,
    initDbStartParams: ["--no-data-checksums"],
  });
  try {
    if (!collationIsC)
      await server.exec(
        `create database ${ICU_DATABASE} locale_provider 'icu' icu_locale 'und' template template0`,
      );
  } finally {
    await server.close();
  }
}

async function loadExtensions(names: readonly string[]): Promise<Record<string, Extension>> {
  const loaded: Record<string, Extension> = {};
  for (const name of new Set([...names, ...ALWAYS])) {
    const load = CONTRIB[name];
    if (load !== undefined) loaded[name] = await load();
  }
  return loaded;
}

async function pgliteVersion(): Promise<string> {
  const file = new URL("../package.json", import.meta.resolve("@electric-sql/pglite"));
  const found: unknown = JSON.parse(await readFile(file, "utf8"));
  return typeof found === "object" && found !== null && "version" in found
    ? String(found.version)
    : "unknown";
}

/** Of the model's failures only the SQLSTATE is told: its texts may hold values of statistics. */
export function modelFailed(what: string, cause: unknown): DoctorError {
  const sqlstate = sqlstateOf(cause);
  return new DoctorError(
    "HST_DOCTOR_MODEL",
    {
      message: `${what}${sqlstate === undefined ? "" : ` (SQLSTATE ${sqlstate})`}.`,
      fix: "Run without the model: index advice is then marked as unverified.",
    },
    { sqlstate },
  );
}

export function sqlstateOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : undefined;
}
