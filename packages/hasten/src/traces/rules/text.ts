import type { CallSite } from "../../core/trace/index.ts";
import { lineOf } from "../site.ts";

const CHARS_MAX = 160;

/** A statement cut to what a sentence holds. */
export const shortStatement = (statement: string): string =>
  statement.length <= CHARS_MAX ? statement : `${statement.slice(0, CHARS_MAX)}…`;

/** What a rule has told of. */
export const claimOf = (statement: string, site: CallSite | undefined): string =>
  `${site === undefined ? "" : lineOf(site)} ${statement}`;
