/** Clients of the API processes: they ask, and keep what they were told with when they asked. */
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "./clock.ts";
import type { Slot } from "./fleet.ts";
import { TOKEN_FIELD } from "./messages.ts";
import type { Read, Write } from "./oracle.ts";
import type { Random } from "./random.ts";
import { ROUTE_NAMES, ROUTES } from "./schema.ts";
import { type Plan, unknownWrite } from "./writes.ts";

const ASK_TIMEOUT_MS = 12_000;
const DOWN_PAUSE_MS = 20;
const PROBES = 24;

/** How answers came about, over the run. */
export interface Tally {
  hits: number;
  misses: number;
  /** Marked as stale, because the database could not be asked. */
  marked: number;
  untracked: number;
  /** Loaded in a session of the pooler that another client had changed, as without any cache. */
  strange: number;
  errors: number;
}

export interface Readers {
  readonly reads: Read[];
  readonly writes: Write[];
  readonly tally: Tally;
  rolledBack: number;
  /** Asks the process to hand its stream over to a new one. */
  handOver(slot: Slot): Promise<void>;
  /** Reads at random until it is stopped. */
  lane(slot: Slot, pauseMs: number): Promise<void>;
  /** Writes at random through the process, until it is stopped. */
  writing(slot: Slot, plan: () => Plan, pauseMs: number): Promise<void>;
  /** Some reads at once, whatever state the process is in. */
  probe(slot: Slot): void;
  /** One read. */
  ask(slot: Slot, path: string): Promise<void>;
  /** Has every lane end after what it is doing. */
  stop(): void;
  /** Waits for reads under way, and closes connections. Call it when the lanes have ended. */
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly cacheStatus: string;
  readonly text: string;
}

export function createReaders(random: Random): Readers {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  const tally: Tally = { hits: 0, misses: 0, marked: 0, untracked: 0, strange: 0, errors: 0 };
  const reads: Read[] = [];
  const writes: Write[] = [];
  const underWay = new Set<Promise<void>>();
  /** Of each process, what shows its writes to a replica. */
  const tokens = new Map<string, string>();
  let stopped = false;
  const randomPath = (): string => {
    const route = random.pick(ROUTE_NAMES);
    // Some far more often than others, as in life: what is asked once is never a hit.
    return `/${route}/${random.upTo(random.upTo(ROUTES[route].count))}`;
  };
  const ask = async (slot: Slot, path: string): Promise<void> => {
    const { name, port } = slot;
    const startedAtMs = nowMs();
    const reply = await send(agent, { port, path, method: "GET", token: tokens.get(name) });
    if (reply === undefined || reply.status !== 200) {
      tally.errors += 1;
      return;
    }
    if (reply.cacheStatus.includes("detail=stale-if-error")) {
      tally.marked += 1;
      return;
    }
    const hit = reply.cacheStatus.includes("; hit");
    const untracked = reply.cacheStatus.includes("detail=untracked");
    tally[hit ? "hits" : "misses"] += 1;
    if (untracked) tally.untracked += 1;
    const when = { process: name, startedAtMs, endedAtMs: nowMs() };
    // A row of another table is the database's own answer, as long as nobody keeps it for others.
    const said = reply.cacheStatus;
    const loaded = !hit && !said.includes("collapsed") && !wasKept(reply.text);
    const read = { ...readOf(path, reply.text, when), hit, loaded, untracked, said };
    if (loaded && isStrange(read)) tally.strange += 1;
    else reads.push(read);
  };
  const readers: Readers = {
    reads,
    writes,
    tally,
    rolledBack: 0,
    ask,
    async handOver({ port }) {
      await send(agent, { port, path: "/hand-over", method: "POST" });
    },
    async lane(slot, pauseMs) {
      while (!stopped) {
        if (slot.state === "up") await ask(slot, randomPath());
        await delay(slot.state === "up" ? 2 * random.next() * pauseMs : DOWN_PAUSE_MS);
      }
    },
    async writing(slot, plan, pauseMs) {
      while (!stopped) {
        await delay(2 * random.next() * pauseMs);
        if (slot.state !== "up") continue;
        const { name } = slot;
        const { write, token } = await writeThrough(agent, slot, plan());
        if (token !== undefined) tokens.set(name, later(tokens.get(name) ?? token, token));
        if (write === undefined) readers.rolledBack += 1;
        else writes.push(write);
      }
    },
    probe(slot) {
      for (let at = 0; at < PROBES; at++) {
        const asked = ask(slot, randomPath()).finally(() => underWay.delete(asked));
        underWay.add(asked);
      }
    },
    stop() {
      stopped = true;
    },
    async close() {
      await Promise.all(underWay);
      agent.destroy();
    },
  };
  return readers;
}

const isStrange = ({ rows, sum = 0 }: Read): boolean =>
  sum < 0 || rows.some(([, version]) => version < 0);

const wasKept = (text: string): boolean => (JSON.parse(text) as { kept: boolean }).kept;

function readOf(
  path: string,
  text: string,
  when: Pick<Read, "process" | "startedAtMs" | "endedAtMs">,
): Read {
  const [, route, id] = path.split("/");
  const { rows, sum } = JSON.parse(text) as Pick<Read, "rows" | "sum">;
  const question = ROUTES[route as keyof typeof ROUTES].question(Number(id));
  return { ...when, path, question, rows, sum };
}

/** Asks the process to write. Its own clock says when the promise had resolved: it is the same one. */
async function writeThrough(agent: Agent, slot: Slot, plan: Plan): Promise<Written> {
  const { name, port } = slot;
  const startedAtMs = nowMs();
  const reply = await send(agent, { port, path: "/write", method: "POST", body: plan });
  if (reply === undefined || reply.status !== 200)
    return { write: unknownWrite(plan, name, startedAtMs), token: undefined };
  const { write, token } = JSON.parse(reply.text) as Told;
  const toldAtMs = token === undefined ? undefined : nowMs();
  return { write: write === null ? undefined : { ...write, toldAtMs }, token };
}

interface Told {
  readonly write: Write | null;
  /** A position in the log, such as `16/B374D848`. */
  readonly token?: string;
}

interface Written {
  readonly write: Write | undefined;
  readonly token: string | undefined;
}

const placeOf = (token: string): bigint => {
  const [high = "0", low = "0"] = token.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
};

const later = (one: string, other: string): string => (placeOf(one) > placeOf(other) ? one : other);

interface Sending {
  readonly port: number;
  readonly path: string;
  readonly method: string;
  readonly body?: object;
  /** What the answer must show, if it comes from a replica. */
  readonly token?: string | undefined;
}

/** Undefined where no whole answer came. */
function send(agent: Agent, { body, token, ...target }: Sending): Promise<Reply | undefined> {
  const { promise, resolve } = Promise.withResolvers<Reply | undefined>();
  const headers = {
    ...(body !== undefined && { "content-type": "application/json" }),
    ...(token !== undefined && { [TOKEN_FIELD]: token }),
  };
  const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
  const outgoing = request({ ...target, host: "127.0.0.1", agent, headers, signal }, (incoming) => {
    let text = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => {
      text += chunk;
    });
    incoming.on("error", () => resolve(undefined));
    incoming.on("close", () => resolve(undefined));
    incoming.on("end", () => {
      const cacheStatus = String(incoming.headers["cache-status"] ?? "");
      resolve({ status: incoming.statusCode ?? 0, cacheStatus, text });
    });
  });
  outgoing.on("error", () => resolve(undefined));
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}
