import { constants } from "node:fs";
import { access, readFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DoctorError } from "../errors.ts";
import type { ExplainRequest } from "../options.ts";

const BYTES_MAX = 50_000_000;

/** @throws DoctorError HST_DOCTOR_FILE */
export async function readText(path: string, option: string): Promise<string> {
  try {
    if ((await stat(path)).size <= BYTES_MAX) return await readFile(path, "utf8");
  } catch (cause) {
    throw unusable(`The file of ${option} cannot be read.`, "Check its path.", cause);
  }
  throw unusable(`The file of ${option} is larger than 50 MB.`, "Pass a smaller one.");
}

/** Before a long run, that its result can be written. @throws DoctorError HST_DOCTOR_FILE */
export async function checkWritable(path: string | undefined, option: string): Promise<void> {
  if (path === undefined) return;
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw unusable(`${option} names a folder.`, "Add the name of a file.");
  try {
    await access(found === undefined ? dirname(path) : path, constants.W_OK);
  } catch (cause) {
    const what = found === undefined ? "folder" : "file";
    throw unusable(`The ${what} of ${option} cannot be written to.`, "Check its path.", cause);
  }
}

/** @throws DoctorError HST_DOCTOR_FILE */
export async function writeText(path: string, text: string, option: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw unusable(`The file of ${option} cannot be written.`, "Check its path.", cause);
  }
}

/** A file with a plan, a file with a query, or the query itself. */
export async function explainRequest(argument: string, analyze: boolean): Promise<ExplainRequest> {
  const isFile = await stat(argument).then(
    (found) => found.isFile(),
    () => false,
  );
  const text = isFile ? await readText(argument, "--explain") : argument;
  if (/^\s*(?:[[{]|QUERY PLAN\b)/.test(text) || (isFile && argument.endsWith(".json")))
    return { kind: "plan", plan: text };
  if (!/\s/.test(text.trim()))
    throw unusable(
      "--explain is neither a file that is there nor a query.",
      "Check the path, or quote the query.",
    );
  return { kind: "query", text, analyze };
}

const unusable = (message: string, fix: string, cause?: unknown): DoctorError =>
  new DoctorError("HST_DOCTOR_FILE", { message, fix }, { cause });
