import type { InvalidationLog } from "../../core/invalidation-log.ts";
import { untraced } from "../../core/trace/index.ts";
import type { Trust } from "../../core/trust.ts";
import { held } from "./held.ts";
import type { ChangeSource } from "./source.ts";

/** The caches that changes are applied to. */
export interface Audience {
  has(cache: object): boolean;
}

/** The source whose every trust says which caches its changes reach, also those it makes later. */
export function reaching(source: ChangeSource, audience: Audience): ChangeSource {
  return {
    promise: source.promise,
    get trust() {
      return source.trust === undefined ? undefined : claimed(source.trust, audience);
    },
    get unmappedSeq() {
      return source.unmappedSeq;
    },
    get position() {
      return source.position;
    },
    settle: (write) => held(untraced(() => source.settle(write))),
    close: () => source.close(),
  };
}

/** The same for its log. */
export function logReaching(log: InvalidationLog, audience: Audience): InvalidationLog {
  return {
    get trust() {
      return claimed(log.trust, audience);
    },
    publish: (invalidation) => held(untraced(() => log.publish(invalidation))),
    subscribe: (apply) => log.subscribe(apply),
  };
}

function claimed(trust: Trust, audience: Audience): Trust {
  trust.audience ??= audience;
  return trust;
}
