import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DoctorError } from "../errors.ts";
import { forgetTemplate, type WorkingDirectory, workingCopy } from "./directories.ts";
import { type Engine, modelFailed } from "./engine.ts";
import { type EngineWorker, startWorker, type WorkerLimits } from "./engine-client.ts";

export interface EngineOptions extends WorkerLimits {
  readonly cacheDir: string | undefined;
  /** Whether text sorts by bytes. */
  readonly collationIsC: boolean;
  /** Names of the extensions that it should be able to create; those it cannot have are left out. */
  readonly extensions: readonly string[];
}

/**
 * A template of the cache that does not start (a full disk, a cleaned-up folder) is made anew, once.
 *
 * @throws DoctorError HST_DOCTOR_MODEL; the signal's reason
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  let directory: WorkingDirectory | undefined;
  try {
    directory = await directoryOf(options);
    return await serve(options, directory).catch(async (error: unknown) => {
      const template = directory?.template;
      if (template === undefined || options.signal?.aborted === true) throw error;
      await directory?.[Symbol.asyncDispose]();
      await forgetTemplate(template);
      directory = await directoryOf(options);
      return await serve(options, directory);
    });
  } catch (error) {
    await directory?.[Symbol.asyncDispose]();
    options.signal?.throwIfAborted();
    if (error instanceof DoctorError) throw error;
    throw modelFailed("The model's PostgreSQL did not start", error);
  }
}

async function directoryOf(options: EngineOptions): Promise<WorkingDirectory> {
  const { collationIsC } = options;
  return await workingCopy({
    cacheDir: options.cacheDir,
    key: `pglite-${await pgliteVersion()}-${collationIsC ? "c" : "icu"}-1`,
    fill: async (path) => {
      await using _done = await startWorker(
        { kind: "fill", directory: path, collationIsC },
        options,
      );
    },
  });
}

async function serve(options: EngineOptions, directory: WorkingDirectory): Promise<Engine> {
  const { collationIsC, extensions } = options;
  const task = { kind: "serve", directory: directory.path, collationIsC, extensions } as const;
  return engineOf(await startWorker(task, options), directory);
}

function engineOf(worker: EngineWorker, directory: WorkingDirectory): Engine {
  return {
    run: (text) => worker.call({ kind: "run", text }),
    rows: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await worker.call({ kind: "rows", text, values })) as readonly Row[],
    file: (relationPath) => join(directory.path, relationPath),
    throwIfEnded: () => worker.throwIfEnded(),
    isCached: directory.template !== undefined,
    [Symbol.asyncDispose]: async () => {
      // Its files are thrown away, so it need not be shut down; a thread that has ended has none open.
      await worker[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function pgliteVersion(): Promise<string> {
  const file = new URL("../package.json", import.meta.resolve("@electric-sql/pglite"));
  const found: unknown = JSON.parse(await readFile(file, "utf8"));
  return typeof found === "object" && found !== null && "version" in found
    ? String(found.version)
    : "unknown";
}
