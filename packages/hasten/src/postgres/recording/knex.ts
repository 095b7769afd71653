/**
 * The line that builds a Knex query. Its queries are sent when they are awaited, and who awaits a
 * thenable that is no promise is on no stack.
 *
 * How: the client makes every builder and every raw query, also those of transactions, and runs them.
 * What it makes remembers the line of the application that asked for it.
 */
import { builderSite, type CallSite, currentTrace, fromSite } from "../../core/trace/index.ts";
import { addLayer } from "../layers.ts";
import { isModule } from "../watch/shapes.ts";

type Make = (...parts: unknown[]) => object;
interface Runner {
  run: (...parts: unknown[]) => unknown;
}

interface KnexClient {
  readonly config: object;
  driver?: object;
  readonly pool?: { readonly used?: readonly Held[]; readonly free?: readonly Held[] };
}

/** A connection in tarn's pool. */
interface Held {
  readonly resource?: object;
}

interface KnexInstance {
  readonly client: KnexClient;
}

export function isKnex(target: object): target is KnexInstance {
  const { client, raw } = target as { client?: { queryBuilder?: unknown }; raw?: unknown };
  return typeof raw === "function" && typeof client?.queryBuilder === "function";
}

const sites = new WeakMap<object, CallSite>();
/** Settings of the instances that are observed: a transaction's client has the same. */
const configs = new WeakSet<object>();

/** @param inner observes the driver's module and clients under it */
export function observeKnex(
  { client }: KnexInstance,
  inner: (target: object) => object,
): () => void {
  const { config } = client;
  if (configs.has(config)) return () => undefined;
  configs.add(config);
  const undo = [...carryLines(Object.getPrototypeOf(client) as object)];
  const { driver, pool } = client;
  if (driver !== undefined && isModule(driver)) {
    const seen = inner(driver);
    client.driver = seen;
    undo.push(() => {
      if (client.driver === seen) client.driver = driver;
    });
  }
  for (const { resource } of [...(pool?.used ?? []), ...(pool?.free ?? [])])
    if (resource !== undefined) inner(resource);
  return () => {
    configs.delete(config);
    for (const end of undo) end();
  };
}

function carryLines(clients: object): (() => void)[] {
  const remember = (name: "queryBuilder" | "raw"): (() => void) =>
    addLayer(clients, name, (below: Make): Make => {
      return function make(this: KnexClient, ...parts) {
        const made = below.apply(this, parts);
        if (!configs.has(this.config) || currentTrace() === undefined) return made;
        const site = builderSite(make);
        if (site !== undefined) sites.set(made, site);
        return made;
      };
    });
  const run = addLayer(clients, "runner", (below: (builder: object) => Runner) => {
    return function runner(this: KnexClient, builder: object): Runner {
      const made = below.call(this, builder);
      const site = sites.get(builder);
      if (site !== undefined) {
        const { run: start } = made;
        made.run = (...parts) => fromSite(site, () => start.apply(made, parts));
      }
      return made;
    };
  });
  return [remember("queryBuilder"), remember("raw"), run];
}
