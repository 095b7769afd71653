import type { CoherencePromise } from "../../../core/trust.ts";
import type { PgDriver } from "../../driver.ts";
import { reasonOf, sqlstateOf } from "../../failures.ts";
import { parseUrl } from "../../url.ts";
import { chooseMode } from "../choice.ts";
import { createDirect, type Direct } from "../direct.ts";
import { readFacts, type ServerFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { probeReplication, probeUrl } from "./probe.ts";
import type { PreflightFacts } from "./rule.ts";
import { judge } from "./rules.ts";

export interface PreflightOptions {
  /** Where the application connects; may be a pooler. */
  readonly url: string;
  /** @default url */
  readonly directUrl?: string | undefined;
  /** @default "hasten" */
  readonly publication?: string | undefined;
  readonly driver?: PgDriver | undefined;
}

/** What a database is ready for. */
export interface Preflight {
  /** The best promise that can be kept now; undefined when the server did not answer. */
  readonly promise: CoherencePromise | undefined;
  /** The most severe first. */
  readonly findings: readonly Finding[];
  readonly server: ServerFacts | undefined;
  /** How many further processes can stream; undefined when the server did not answer. */
  readonly processes: number | undefined;
}

/**
 * Looks at a server and its database, changes nothing, and says what hasten can promise there.
 * Never rejects because of the server. @throws HST_PG_OPTION for a URL that is none
 */
export async function preflight(options: PreflightOptions): Promise<Preflight> {
  const { url, directUrl = url, driver } = options;
  for (const given of [url, directUrl]) parseUrl(given);
  const direct = createDirect({ url: directUrl, driver, applicationName: "hasten preflight" });
  try {
    const { findings, facts } = await look(direct, {
      url,
      directUrl,
      publication: options.publication ?? "hasten",
      driver,
      own: 0,
    });
    return {
      promise: facts === undefined ? undefined : chooseMode("auto", findings).promise,
      findings,
      server: facts?.server,
      processes: facts === undefined ? undefined : freeOf(facts.server),
    };
  } finally {
    await direct.close();
  }
}

export interface LookOptions {
  readonly url: string;
  readonly directUrl: string;
  readonly publication: string;
  readonly driver: PgDriver | undefined;
  /** Replication connections that this process holds now. */
  readonly own: number;
}

export interface Look {
  readonly findings: readonly Finding[];
  /** Undefined when the server did not answer. */
  readonly facts: PreflightFacts | undefined;
}

/** Gathers the facts on an open connection and judges them. */
export async function look(direct: Direct, options: LookOptions): Promise<Look> {
  const { url, directUrl, publication, driver, own } = options;
  try {
    const database = await readFacts(direct.run, publication);
    const facts: PreflightFacts = {
      ...database,
      publicationName: publication,
      direct: await probeUrl(directUrl, driver),
      url: url === directUrl ? undefined : await probeUrl(url, driver),
      replication: own > 0 ? undefined : await probeReplication(directUrl, driver),
      own,
      parser: await parserPresent(),
    };
    return { facts, findings: judge(facts) };
  } catch (error) {
    return { facts: undefined, findings: [unreachable(error)] };
  }
}

export function freeOf({ walSenders, walSendersMax, slots, slotsMax }: ServerFacts): number {
  return Math.max(0, Math.min(walSendersMax - walSenders, slotsMax - slots));
}

/** By the class of the server's answer. */
const CHECKS: Readonly<Record<string, string>> = {
  "28": "Check user and password, and pg_hba.conf",
  "3D": "Check the database's name",
  "42": "Give the role the right to read the system catalogs",
  "53": "Raise max_connections, or run fewer processes or smaller pools",
};

export function unreachable(error: unknown): Finding {
  return {
    id: "unreachable",
    severity: "blocks",
    stops: ["stream", "triggers", "own-writes"],
    says: `The server could not be asked: ${reasonOf(error)}.`,
    fix: `${CHECKS[sqlstateOf(error)?.slice(0, 2) ?? ""] ?? "Check that it runs and can be reached"}; hasten tries again by itself.`,
    sql: [],
    tables: [],
  };
}

/** An optional peer: without it no statement is understood. */
async function parserPresent(): Promise<boolean> {
  try {
    await import("libpg-query");
    return true;
  } catch {
    return false;
  }
}
