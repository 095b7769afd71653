// The entry of the model's worker thread. It loads nothing of hasten's, so that it starts from
// source and from the published package alike, without options to Node.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type Extension, PGlite } from "@electric-sql/pglite";
import { ALWAYS, CONTRIB } from "./contrib.ts";
import {
  sqlstateIn,
  type WorkerReply,
  type WorkerRequest,
  type WorkerTask,
} from "./engine-messages.ts";

const ICU_DATABASE = "model";
/** The planner does not look at it; PGlite's 128 MB would be taken from the process. */
const SETTINGS = ["shared_buffers=8MB"];

if (parentPort !== null) await start(parentPort, workerData as WorkerTask);

async function start(port: MessagePort, task: WorkerTask): Promise<void> {
  const send = (reply: WorkerReply): void => port.postMessage(reply);
  try {
    if (task.kind === "fill") await fillTemplate(task.directory, task.collationIsC);
    else {
      const server = await boot(task);
      port.on("message", (request: WorkerRequest) => void answer(server, request).then(send));
    }
    send({ kind: "rows", rows: [] });
  } catch (error) {
    send({ kind: "broken", sqlstate: sqlstateIn(error) });
  }
}

async function answer(server: PGlite, request: WorkerRequest): Promise<WorkerReply> {
  try {
    if (request.kind === "rows") {
      const { rows } = await server.query<object>(request.text, [...request.values]);
      return { kind: "rows", rows };
    }
    const results = await server.exec(request.text);
    return { kind: "rows", rows: (results.at(-1)?.rows ?? []) as readonly object[] };
  } catch (error) {
    return { kind: isBroken(error) ? "broken" : "refused", sqlstate: sqlstateIn(error) };
  }
}

/** WebAssembly that trapped, ran out of stack or called `exit` has left its memory halfway. */
const BROKEN: ReadonlySet<unknown> = new Set(["RuntimeError", "RangeError", "ExitStatus"]);

function isBroken(error: unknown): boolean {
  return typeof error === "object" && error !== null && "name" in error && BROKEN.has(error.name);
}

async function boot(task: WorkerTask & { kind: "serve" }): Promise<PGlite> {
  return PGlite.create({
    dataDir: task.directory,
    ...(task.collationIsC ? {} : { database: ICU_DATABASE }),
    extensions: await loadExtensions(task.extensions),
    startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ["-c", setting])],
  });
}

/** Page checksums are off, because index pages are written by hand. */
async function fillTemplate(path: string, collationIsC: boolean): Promise<void> {
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
