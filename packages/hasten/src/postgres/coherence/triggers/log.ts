/**
 * Invalidations by the application, through the change log.
 *
 * Invariants:
 * - Sent one after the other, in order; at most PENDING_MAX wait, and beyond that one "everything"
 *   of its cache takes the place of all that wait for it.
 * - A message too large for its purpose is sent as "everything" of its cache.
 */
import type { Clock } from "../../../core/clock.ts";
import type { InvalidationLog, LoggedInvalidation } from "../../../core/invalidation-log.ts";
import type { Trust } from "../../../core/trust.ts";
import { LOG_PREFIX } from "../../stream/decoder.ts";
import type { Direct } from "../direct.ts";

export interface TableLog {
  readonly log: InvalidationLog;
  /** Messages of other processes. */
  receive(messages: readonly string[]): void;
  /** The connection is back: what waits is sent. */
  resume(): void;
  close(): void;
}

const PENDING_MAX = 1_000;
const MESSAGE_CHARACTERS_MAX = 1_000_000;
const PUBLISH_MS = 250;
/** To those who read this log, and, in the WAL, to those who read the stream. */
const INSERT = `with told as (insert into hasten.change_log (node, message) values ($1, $2))
select pg_logical_emit_message(true, '${LOG_PREFIX}', $3)`;

interface Waiting {
  readonly invalidation: LoggedInvalidation;
  readonly sent: PromiseWithResolvers<void>;
}

export function createTableLog(
  { direct, node, clock }: { direct: Direct; node: string; clock: Clock },
  trust: () => Trust,
): TableLog {
  const subscribers = new Set<(invalidation: LoggedInvalidation) => void>();
  let waiting: Waiting[] = [];
  let sending = false;
  let closed = false;

  const send = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    try {
      for (let next = waiting[0]; next !== undefined && !closed; next = waiting[0]) {
        const text = textOf(next.invalidation);
        const streamed = JSON.stringify({ node, list: [JSON.parse(text)] });
        await direct.run(INSERT, [node, text, streamed]);
        next.sent.resolve();
        waiting = waiting.filter((it) => it !== next);
      }
    } catch {
      // Stays first in line: `resume` sends it when the log can be read again.
    } finally {
      sending = false;
    }
  };
  const add = (invalidation: LoggedInvalidation): Waiting => {
    const { cache } = invalidation;
    const full = waiting.length >= PENDING_MAX;
    if (full) waiting = waiting.filter((it) => it.invalidation.cache !== cache);
    const next = {
      invalidation: full ? everythingOf(cache) : invalidation,
      sent: Promise.withResolvers<void>(),
    };
    waiting.push(next);
    return next;
  };
  return {
    log: {
      get trust() {
        return trust();
      },
      async publish(invalidation) {
        const { sent } = add(invalidation);
        void send();
        const late = Promise.withResolvers<"late">();
        const timer = clock.schedule(PUBLISH_MS, () => late.resolve("late"));
        const outcome = await Promise.race([sent.promise, late.promise]);
        timer.cancel();
        return outcome === "late" ? { kind: "queued", depth: waiting.length } : { kind: "applied" };
      },
      subscribe(apply) {
        subscribers.add(apply);
        return () => void subscribers.delete(apply);
      },
    },
    receive(messages) {
      for (const message of messages) {
        const invalidation = JSON.parse(message) as LoggedInvalidation;
        for (const apply of subscribers) apply(invalidation);
      }
    },
    resume: () => void send(),
    close() {
      closed = true;
      waiting = [];
    },
  };
}

const everythingOf = (cache: string): LoggedInvalidation => ({
  cache,
  how: "cleared",
  keys: [],
  tags: [],
  prefixes: [],
});

function textOf(invalidation: LoggedInvalidation): string {
  const text = JSON.stringify(invalidation);
  return text.length <= MESSAGE_CHARACTERS_MAX
    ? text
    : JSON.stringify(everythingOf(invalidation.cache));
}
