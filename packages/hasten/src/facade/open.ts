import type { RequestListener, Server } from "node:http";
import { type Cache, createCache } from "../cache/index.ts";
import { createResponseCache, type ResponseCache } from "../http/index.ts";
import type { Coherence, CoherenceStatus, Database } from "../postgres/index.ts";
import type { HastenOptions } from "./options.ts";
import { drain, serve } from "./serve.ts";

/** The parts behind `hasten()`, whatever framework is on top. */
export interface OpenParts {
  readonly db: Database;
  readonly cache: Cache;
  readonly responses: ResponseCache;
  readonly coherence: Coherence;
  status(): HastenStatus;
  serve(listener: RequestListener, port?: number, host?: string): Promise<Server>;
  close(): Promise<void>;
}

export interface HastenStatus {
  readonly coherence: CoherenceStatus;
  readonly database: ReturnType<Database["stats"]>;
  readonly cache: ReturnType<Cache["stats"]>;
  readonly responses: ReturnType<ResponseCache["stats"]>;
}

const DRAIN_MS = 10_000;

/** Opens database, coherence, cache and response cache, and wires them. */
export async function openParts(options: HastenOptions): Promise<OpenParts> {
  const { createDatabase, openCoherence } = await import("../postgres/index.ts");
  const postgres =
    typeof options.postgres === "string" ? { url: options.postgres } : options.postgres;
  const coherence = await openCoherence({
    ...options.coherence,
    url: postgres.url,
    directUrl: options.directUrl,
  });
  const cache = createCache({ name: "hasten", memory: { entriesMax: 10_000 }, ...options.cache });
  coherence.attach(cache);
  const db = createDatabase({ ...postgres, cache });
  coherence.watch(db.pool);
  const responses = createResponseCache({ ...options.responses, cache });
  const servers = new Set<Server>();
  const shut = async (): Promise<void> => {
    await Promise.all([...servers].map((server) => drain(server, options.drainMs ?? DRAIN_MS)));
    await cache.close();
    await db.drain();
    await coherence.close();
  };
  let closing: Promise<void> | undefined;
  return {
    db,
    cache,
    responses,
    coherence,
    status: () => ({
      coherence: coherence.status(),
      database: db.stats(),
      cache: cache.stats(),
      responses: responses.stats(),
    }),
    async serve(listener, port = 0, host) {
      const server = await serve(listener, port, host);
      servers.add(server);
      return server;
    },
    close() {
      closing ??= shut();
      return closing;
    },
  };
}
