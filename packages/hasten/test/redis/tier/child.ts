/** A process with a tier of its own: does what its parent asks by IPC, and reports by IPC. */
import { openSharedTier } from "../../../src/cache/shared/tier/index.ts";
import { deleted, fill, seen, value } from "./values.ts";

const [url = "", settle = ""] = process.argv.slice(2);
const tier = openSharedTier({ source: url }, { namespace: "ns" });

type Ask =
  | { readonly ask: "read" | "fill" | "delete"; readonly key: string }
  | { readonly ask: "gaps" | "trust" | "close" };

process.on("message", (message: Ask) => {
  void answer(message).then((result) => process.send?.({ result }));
});
tier.log.subscribe(({ how, keys }) => process.send?.({ told: { how, keys } }));
await tier.ready(5_000);
process.send?.({ ready: true });
if (settle === "exit") process.disconnect();

async function answer(message: Ask): Promise<unknown> {
  switch (message.ask) {
    case "read":
      return seen(await tier.read(message.key, []));
    case "fill":
      return await fill(tier, message.key, value("from the child"));
    case "delete":
      return (await tier.log.publish(deleted({ keys: [message.key] }))).kind;
    case "gaps":
      return tier.stats().gaps;
    case "trust":
      return tier.log.trust.confirmed;
    case "close": {
      await tier.close();
      // Nothing else keeps this process.
      setTimeout(() => process.disconnect(), 0);
      return "closed";
    }
  }
}
