import { isAbsolute, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { CallSite } from "../core/trace/index.ts";
import type { FindingKind } from "./finding.ts";

/** The path of a site's file as it is on disk. */
export function pathOf(file: string): string {
  if (!file.startsWith("file://")) return file;
  try {
    return fileURLToPath(file);
  } catch {
    return file;
  }
}

/** The file relative to `root` with forward slashes: the same on every machine. */
export function fileOf(site: CallSite, root: string): string {
  const path = pathOf(site.file);
  const shown = isAbsolute(path) ? relative(root, path) : path;
  return sep === "/" ? shown : shown.replaceAll(sep, "/");
}

/** `listOrders (src/orders.ts:12:9)`. */
export function siteText(site: CallSite, root: string): string {
  const place = `${fileOf(site, root)}:${site.line}:${site.column}`;
  return site.functionName === "" ? place : `${site.functionName} (${place})`;
}

/** Two records with the same are asked for by one line. */
export const lineOf = ({ file, line, column }: CallSite): string => `${file}:${line}:${column}`;

export interface KeyParts {
  readonly kind: FindingKind;
  readonly file: string;
  readonly functionName: string;
  readonly statement: string;
}

/** What a finding is known by: no line, which moves with every edit. */
export const keyOf = ({ kind, file, functionName, statement }: KeyParts): string =>
  JSON.stringify([kind, file, functionName, statement]);
