/** What is promised of cached answers, in words. */
import type { CoherenceStatus } from "hasten/postgres";

const STRONGEST_FIRST = ["stream", "triggers", "own-writes", "ttl"] as const;

const HELP = "npx hasten preflight says what to do";

const rank = ({ promise }: CoherenceStatus): number => STRONGEST_FIRST.indexOf(promise);

/** What all processes together can promise. */
export const weakest = (all: readonly CoherenceStatus[]): CoherenceStatus =>
  all.reduce((least, it) => (rank(it) > rank(least) ? it : least));

export function promiseLine(status: CoherenceStatus): string {
  const { promise, boundMs, because } = status;
  const why = because === undefined ? "" : `. ${because} (${HELP})`;
  switch (promise) {
    case "stream":
      return `change stream: a write is seen at once by its writer, by anyone's within ${boundMs} ms`;
    case "triggers":
      return `triggers: a write is seen at once by its writer, by anyone's within ${boundMs} ms${why}`;
    case "own-writes":
      return `own writes: a process sees its own at once, all others when entries expire${why}`;
    case "ttl":
      return `none yet (${status.state}), writes are seen when entries expire${why}`;
    default:
      return promise satisfies never;
  }
}
