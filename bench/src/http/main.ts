/**
 * Requests per second of a cached list, against what Node itself can do and what people use now.
 * Server and client are pinned to a core each; a run counts only if the server's core was the limit.
 */
import { fileURLToPath } from "node:url";
import { alternate, freshProcess, goal, report, row } from "hasten-tools/bench";
import { type LoadPlan, measureSubject } from "./load.ts";
import { GZIP_BYTES, JSON_BYTES } from "./payload.ts";
import { SUBJECTS, type Subject } from "./subjects.ts";

const quick = process.argv.includes("--quick");
const only = process.argv.find((arg) => arg.startsWith("--only="))?.slice("--only=".length);
const ROUNDS = quick ? 1 : 7;
const PLAN: LoadPlan = quick
  ? { warmUpSeconds: 1, seconds: 1, connections: 64 }
  : { warmUpSeconds: 2, seconds: 5, connections: 64 };
const BUSY_MIN = 0.95;
const ATTEMPTS_MAX = 4;

let invalid = 0;
const notBusy = new Set<Subject>();

/** Repeats a run whose server was not the bottleneck; a quick run takes what it gets. */
async function validRun(subject: Subject): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const { requestsPerSecond, busy } = await measureSubject(subject, PLAN);
    console.error(
      `${subject.padEnd(36)} ${Math.round(requestsPerSecond)} requests/s, core ${Math.round(busy * 100)} % busy`,
    );
    if (busy >= BUSY_MIN || quick) return requestsPerSecond;
    invalid += 1;
    if (attempt === ATTEMPTS_MAX) {
      notBusy.add(subject);
      throw new Error(`${subject}: the server's core was never ${BUSY_MIN * 100} % busy`);
    }
  }
}

interface MissCost {
  readonly addedUs: number;
  readonly addedWithStoringUs: number;
  readonly withoutUs: number;
  readonly gzipUs: number;
}

const missCosts = async (): Promise<MissCost[]> => {
  const script = fileURLToPath(new URL("miss.ts", import.meta.url));
  const costs: MissCost[] = [];
  for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
    costs.push(await freshProcess<MissCost>(script, { core: 0, args: [quick ? "3000" : "20000"] }));
  }
  return costs;
};

const subjects = SUBJECTS.filter((name) => only === undefined || name.includes(only));
const samples = await alternate(subjects, ROUNDS, validRun);
const rates = subjects.map((subject) => row(subject, "requests/s", samples.get(subject)!));
const rate = (subject: Subject): number =>
  rates.find((one) => one.name === subject)?.median ?? Number.NaN;
const costs = await missCosts();
const cost = (name: string, pick: (cost: MissCost) => number) => row(name, "µs", costs.map(pick));
const added = cost("a miss adds before the last byte", (one) => one.addedUs);

await report({
  bench: "http",
  command: "npm run bench:http",
  rows: [
    ...rates,
    added,
    cost("a miss adds in all, storing included", (one) => one.addedWithStoringUs),
    cost("for comparison: Express res.json without it", (one) => one.withoutUs),
    cost("apart: gzip of the list, once per coding", (one) => one.gzipUs),
  ],
  goals: [
    goal(
      "front / bare node:http",
      rate("hasten, front") / rate("node:http, the same buffer"),
      ">= 0.9",
    ),
    goal(
      "inline / Express res.end(buffer)",
      rate("hasten, inline") / rate("Express 5, res.end(buffer)"),
      ">= 0.95",
    ),
    goal(
      "inline / Express with compression",
      rate("hasten, inline") / rate("Express 5, compression, res.json"),
      ">= 6",
    ),
    goal("µs a miss adds before the last byte", added.median, "< 20"),
  ],
  notes: [
    `A list of ${JSON_BYTES.length} bytes of JSON, ${GZIP_BYTES.length} in gzip; wrk with ${PLAN.connections} connections and \`accept-encoding: gzip\`; a fresh server for each run, server and wrk on a core each, order reversed each round.`,
    "apicache and route-cache answer uncompressed: with compression in front of them they compress on every hit.",
    `A run counts only if the server's core was at least ${BUSY_MIN * 100} % busy; ${invalid} were repeated.`,
  ],
});
