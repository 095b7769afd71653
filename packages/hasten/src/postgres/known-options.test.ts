/** An option with a wrong name is refused, not passed over: a misspelt `dryRun` would end sessions. */
import { expect, test } from "vitest";
import { noNPlusOne } from "../testing/index.ts";
import { watchFindings } from "../traces/index.ts";
import { collectHistory } from "./history/index.ts";
import { resolveWatching } from "./pool-watch/options.ts";
import { resolvePooler } from "./pooler/options.ts";
import { watchPgBouncer } from "./pooler/watch-console.ts";
import { resolveReads } from "./replicas/resolve.ts";
import { resolveSessions } from "./sessions/options.ts";

const url = "postgres://app:s3cret-word@localhost/shop";
const given = (options: object): never => options as never;

test.each<[string, () => unknown]>([
  ["policy", () => resolveSessions({ url, policy: given({ dryrun: true }) })],
  [
    "policy.longRunning",
    () => resolveSessions({ url, policy: { longRunning: given({ terminateAfterMs: 1_000 }) } }),
  ],
  ["watchSessions", () => resolveSessions(given({ url, everySeconds: 1 }))],
  ["poolWatch", () => resolveWatching(given({ leakSeconds: 1 }))],
  ["pooler", () => resolvePooler(given({ keepNames: true }))],
  ["replicaReads", () => resolveReads(given({ lagMs: 1 }))],
  ["collectHistory", () => collectHistory(given({ windowsMs: 1 }))],
  ["watchPgBouncer", () => watchPgBouncer(given({ adminUrl: url, onAlert: () => undefined }))],
  ["findings", () => watchFindings(given({ threshold: {} }))],
])("%s has only its own options", (owner, make) => {
  expect(make).toThrow(new RegExp(`^${owner} has no option ".+"\\. It has .+`));
  expect(make).not.toThrow(/s3cret/);
});

test("noNPlusOne with a kind that there is not would let everything pass", async () => {
  const wrong = noNPlusOne(() => undefined, given({ kinds: ["n+1"] }));
  await expect(wrong).rejects.toMatchObject({ code: "HST_TRACE_OPTION" });
  const unknown = noNPlusOne(() => undefined, given({ kind: "n-plus-one" }));
  await expect(unknown).rejects.toThrow(/no option "kind"/);
});
