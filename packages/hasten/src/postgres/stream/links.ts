/**
 * The plain connections of the stream: one that writes pulses and messages, which waits for the
 * disk, and one that looks at what is visible, which waits for nothing.
 */
import type { Clock } from "../../core/clock.ts";
import { PostgresError } from "../errors.ts";
import type { ConnectionOptions } from "./client.ts";
import { openPlainLink, type PlainLink } from "./plain-link.ts";

export interface Links {
  readonly speaker: PlainLink;
  readonly looker: PlainLink;
  /** For example 180000. */
  readonly serverVersion: number;
  close(): Promise<void>;
}

const FACTS_MS = 5_000;
const FACTS = `select current_setting('server_version_num'), pg_is_in_recovery()::text,
  exists (select from pg_publication where pubname = $1)::text`;

export async function openLinks(
  options: ConnectionOptions & { readonly publication: string },
  clock: Clock,
  onLost: (error: Error) => void,
): Promise<Links> {
  const speaker = await openPlainLink(options, clock, onLost);
  const patience = clock.schedule(FACTS_MS, () => void speaker.close());
  try {
    const [facts] = await speaker.run("hasten_facts", FACTS, [options.publication]);
    patience.cancel();
    if (facts?.[1] === "true") throw refused("the server is a standby", "Use the primary's URL.");
    if (facts?.[2] !== "true")
      throw refused(
        `the publication "${options.publication}" does not exist`,
        "Run npx hasten preflight: it prints the SQL that creates it.",
      );
    const looker = await openPlainLink(options, clock, onLost);
    const close = async (): Promise<void> => {
      await Promise.all([speaker.close(), looker.close()]);
    };
    return { speaker, looker, serverVersion: Number(facts?.[0]), close };
  } catch (error) {
    patience.cancel();
    await speaker.close();
    throw error;
  }
}

function refused(because: string, fix: string): PostgresError {
  return new PostgresError("HST_PG_STREAM", {
    message: `Changes cannot be streamed: ${because}.`,
    fix,
  });
}
