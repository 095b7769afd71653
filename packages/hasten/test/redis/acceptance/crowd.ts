/** One process of a crowd: asks its cache as often at once as it is told, loading from its parent. */
import { createCache } from "../../../src/cache/index.ts";

interface Order {
  readonly id: number;
  readonly key: string;
  readonly callers: number;
}

const [url = "", name = ""] = process.argv.slice(2);
const cache = createCache({ name, redis: { source: url }, handoversMax: 0 });
const loading = new Map<string, PromiseWithResolvers<string>>();

process.on("disconnect", () => process.exit(0));
process.on("message", (message: Order | { readonly loaded: string; readonly error?: string }) => {
  if ("loaded" in message) {
    const waiting = loading.get(message.loaded);
    loading.delete(message.loaded);
    if (message.error === undefined) waiting?.resolve(`value of ${message.loaded}`);
    else waiting?.reject(new Error(message.error));
  } else void obey(message);
});
while (cache.shared?.status().state !== "ready")
  await new Promise((resolve) => setTimeout(resolve, 5));
process.send?.({ ready: true });

async function obey({ id, key, callers }: Order): Promise<void> {
  const calls = Array.from({ length: callers }, async () => await cache.getOrSet(key, load));
  const settled = await Promise.allSettled(calls);
  const values: Record<string, number> = {};
  for (const one of settled) {
    const text = one.status === "fulfilled" ? one.value : String(one.reason.message);
    values[text] = (values[text] ?? 0) + 1;
  }
  process.send?.({ id, values });
}

function load({ key }: { readonly key: string }): Promise<string> {
  const waiting = Promise.withResolvers<string>();
  loading.set(key, waiting);
  process.send?.({ load: key });
  return waiting.promise;
}
