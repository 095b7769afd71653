/**
 * Invalidations by the application, as messages in the WAL.
 *
 * Invariants:
 * - Sent in order, one statement at a time, several invalidations in one; at most PENDING_MAX wait,
 *   and beyond that one "everything" of its cache takes the place of all that wait for it.
 * - After an unknown outcome they are sent again: to invalidate twice drops more, never less.
 * - Own messages are known by the node that wrote them, and skipped.
 * - A message that cannot be read is an error: the reader above starts over, and trust ends.
 */
import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog, LoggedInvalidation } from "../../core/invalidation-log.ts";
import { untraced } from "../../core/trace/index.ts";
import type { Trust } from "../../core/trust.ts";
import { LOG_PREFIX } from "./decoder.ts";
import type { PlainLink } from "./plain-link.ts";
import { emitSql } from "./pulses.ts";

export interface StreamLog extends InvalidationLog {
  /** What waits is sent through this link from now on; undefined: it keeps waiting. */
  use(link: PlainLink | undefined, serverVersion: number): void;
  /** The content of a message in the stream. */
  receive(content: string): void;
  readonly depth: number;
}

interface Waiting {
  readonly invalidation: LoggedInvalidation;
  readonly sent: PromiseWithResolvers<"applied">;
}

interface Message {
  readonly node: string;
  readonly list: readonly LoggedInvalidation[];
}

const PENDING_MAX = 1_000;
const BATCH_MAX = 100;
const BATCH_CHARACTERS_MAX = 1_000_000;
const PUBLISH_MS = 250;
const RETRY_MS = 250;

export function createStreamLog(node: string, clock: Clock, trust: () => Trust): StreamLog {
  const subscribers = new Set<(invalidation: LoggedInvalidation) => void>();
  let waiting: Waiting[] = [];
  let link: PlainLink | undefined;
  let version = 0;
  let sending = false;

  const send = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    try {
      while (waiting.length > 0 && link !== undefined) {
        const batch = waiting.slice(0, BATCH_MAX);
        const text = textOf(
          node,
          batch.map((it) => it.invalidation),
        );
        await link.run(`hasten_log_${version}`, `select ${emitSql(version, LOG_PREFIX)}::text`, [
          text,
        ]);
        for (const { sent } of batch) sent.resolve("applied");
        const done = new Set(batch);
        waiting = waiting.filter((it) => !done.has(it));
      }
    } catch {
      // Stays first in line: a link that was lost is replaced, one that refused is asked again.
      if (link !== undefined) clock.schedule(RETRY_MS, () => void send());
    } finally {
      sending = false;
    }
  };
  const add = (invalidation: LoggedInvalidation): Waiting => {
    const { cache } = invalidation;
    const full = waiting.length >= PENDING_MAX;
    const next = {
      invalidation: full ? everythingOf(cache) : invalidation,
      sent: Promise.withResolvers<"applied">(),
    };
    if (full) waiting = waiting.filter((it) => it.invalidation.cache !== cache);
    waiting.push(next);
    return next;
  };
  return {
    get trust() {
      return trust();
    },
    get depth() {
      return waiting.length;
    },
    publish: (invalidation) =>
      untraced(async () => {
        const { sent } = add(invalidation);
        void send();
        const late = Promise.withResolvers<"late">();
        const timer = clock.schedule(PUBLISH_MS, () => late.resolve("late"));
        const outcome = await Promise.race([sent.promise, late.promise]);
        timer.cancel();
        return outcome === "late"
          ? { kind: "queued" as const, depth: waiting.length }
          : { kind: outcome };
      }),
    subscribe(apply) {
      subscribers.add(apply);
      return () => void subscribers.delete(apply);
    },
    use(next, serverVersion) {
      link = next;
      version = serverVersion;
      if (link !== undefined) void send();
    },
    receive(content) {
      const message = JSON.parse(content) as Message;
      if (message.node === node) return;
      for (const invalidation of message.list) for (const apply of subscribers) apply(invalidation);
    },
  };
}

/** What is too large to tell is told as everything of its caches. */
function textOf(node: string, list: readonly LoggedInvalidation[]): string {
  const text = JSON.stringify({ node, list } satisfies Message);
  if (text.length <= BATCH_CHARACTERS_MAX) return text;
  const caches = [...new Set(list.map(({ cache }) => cache))];
  return JSON.stringify({ node, list: caches.map(everythingOf) } satisfies Message);
}

const everythingOf = (cache: string): LoggedInvalidation => ({
  cache,
  how: "cleared",
  keys: [],
  tags: [],
  prefixes: [],
});
