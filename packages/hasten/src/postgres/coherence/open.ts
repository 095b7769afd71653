import type { Cache } from "../../cache/index.ts";
import { tell } from "../../core/tell.ts";
import { untraced } from "../../core/trace/index.ts";
import { identify } from "../watch/identity.ts";
import { createWatch } from "../watch/watch.ts";
import { Conductor } from "./conductor.ts";
import { createDirect } from "./direct.ts";
import { held } from "./held.ts";
import { resolveCoherence } from "./options.ts";
import { createSurroundings } from "./surroundings.ts";
import type { Coherence, CoherenceOptions } from "./types.ts";

/**
 * Keeps caches true to one database. Takes the best mode that the server can do; a database that
 * is down is tried again, and until then nothing is promised.
 *
 * ```ts
 * const coherence = await openCoherence({ url, autoSetup: true });
 * const cache = createCache({ tracked: true, log: coherence.log });
 * coherence.attach(cache);
 * const pool = coherence.watch(new pg.Pool({ connectionString: url }));
 * ```
 * @throws HST_PG_OPTION for an option out of bounds, HST_PG_DRIVER without the package `pg`.
 */
export function openCoherence(given: CoherenceOptions): Promise<Coherence> {
  // Its timers and connections are nobody's request, whoever opens it.
  return untraced(() => open(given));
}

async function open(given: CoherenceOptions): Promise<Coherence> {
  const options = resolveCoherence(given);
  const caches = new Set<Cache>(given.caches ?? []);
  const direct = createDirect({
    url: options.directUrl,
    driver: options.driver,
    applicationName: "hasten coherence",
  });
  const drop = (tags: readonly string[], because: string): void => {
    if (tags.length === 0) return;
    for (const cache of caches) cache.dropLocal(tags, because);
  };
  const conductor = new Conductor(
    options,
    createSurroundings({ options, direct, drop, audience: caches }),
  );
  const watch = createWatch({
    analyzer: () => conductor.part.analyzer,
    source: () => conductor.part.source,
    identify: () => identify(direct.run),
    clock: options.clock,
    allow: given.allow,
    onEvent: ({ kind, detail }) =>
      tell(options.onEvent, { kind: "watch", detail: `${kind}: ${detail}` }),
  });
  await held(firstLook(conductor.look(), options));

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= held(
      conductor
        .close()
        .then(() => watch.close())
        .then(() => direct.close()),
    );
    return closing;
  };
  return {
    watch: (target) => watch.watch(target),
    attach(cache) {
      if (caches.has(cache)) return () => undefined;
      caches.add(cache);
      // What it holds, or is about to store, was read while changes did not reach it.
      cache.dropLocal("everything", "attached to a source of changes");
      return () => {
        if (caches.delete(cache))
          cache.dropLocal("everything", "detached from its source of changes");
      };
    },
    log: conductor.relay.log,
    get promise() {
      return conductor.part.promise;
    },
    status: () => conductor.status(),
    async recheck() {
      await held(untraced(() => conductor.look()));
      return conductor.status();
    },
    handOver: () => held(untraced(() => conductor.part.handOver())),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Waits for the first answer, within bounds: a server that is down does not hold up the start. */
async function firstLook(
  look: Promise<void>,
  { clock, startMs }: { clock: ReturnType<typeof resolveCoherence>["clock"]; startMs: number },
): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const timer = clock.schedule(startMs, enough.resolve);
  await Promise.race([look, enough.promise]);
  timer.cancel();
}
