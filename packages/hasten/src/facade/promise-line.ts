import type { SharedStatus } from "../cache/index.ts";
import type { CoherencePromise } from "../core/trust.ts";
import type { CoherenceStatus, FindingId } from "../postgres/index.ts";

/** One line for the log: what is promised, what is left out, why, and where the way out is told. */
export function promiseLine(status: CoherenceStatus, shared?: SharedStatus): string {
  const line = promised(status);
  if (shared === undefined) return line;
  return `${line}${/[.)]$/.test(line) ? "" : "."} ${sharing(shared)}`;
}

function sharing({ state, because, server }: SharedStatus): string {
  if (state === "ready") return `Redis: shared by the processes${at(server)}.`;
  if (state === "connecting")
    return `Redis: not reached yet; this process caches alone${tail(because)}.`;
  return `Redis: ${state}; this process caches alone${tail(because)}.`;
}

const at = (server: string | undefined): string => (server === undefined ? "" : ` (${server})`);

function promised(status: CoherenceStatus): string {
  const { state, promise, boundMs, because, findings } = status;
  if (state === "connecting")
    return `hasten: the database was not reached yet; nothing is promised until it is${tail(because)}`;
  if (state === "unavailable")
    return `hasten: the promise asked for cannot be kept; nothing is cached for longer than ${boundMs} ms${tail(because)} What to do: npx hasten preflight`;
  if (state === "late" || state === "lost")
    return `hasten: the database's changes are not heard of; no cached answer counts as fresh until they are${tail(because)}`;
  const nothing = findings.find(({ id }) => id === "parser-missing");
  if (nothing !== undefined && promise !== "ttl")
    return `hasten: cached answers live by their time to live only. ${nothing.says} ${nothing.fix}`;
  const left = findings
    .filter(({ id }) => LEAVES_OUT[promise].includes(id))
    .map(({ id, tables }) => `${names(tables)} (${id})`);
  const why = promise === "stream" ? "" : tail(because);
  const untracked = left.length === 0 ? "" : ` Untracked: ${left.join(", ")}.`;
  const next = why === "" && untracked === "" ? "" : " What to do: npx hasten preflight";
  return `hasten: ${promise}: ${MEANS[promise](boundMs)}${why}${untracked}${next}`;
}

/** The findings that leave something out of each promise. */
const LEAVES_OUT: Readonly<Record<CoherencePromise, readonly FindingId[]>> = {
  stream: ["identity-missing", "tables-unpublished", "publication-filters-rows"],
  triggers: ["tables-untriggered"],
  "own-writes": [],
  ttl: [],
};

const MEANS: Readonly<Record<CoherencePromise, (boundMs: number) => string>> = {
  stream: (boundMs) =>
    `cached answers drop out when their rows change, whoever changes them, within ${boundMs} ms.`,
  triggers: (boundMs) =>
    `cached answers drop out when rows of tables with triggers change, within ${boundMs} ms.`,
  "own-writes": () =>
    "cached answers drop out when this process changes their rows; other changes show after the time to live.",
  ttl: () => "cached answers live by their time to live only.",
};

const tail = (because: string | undefined): string =>
  because === undefined ? "" : ` (${because})`;

const NAMES_MAX = 5;

function names(tables: readonly string[]): string {
  const more = tables.length - NAMES_MAX;
  return `${tables.slice(0, NAMES_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
