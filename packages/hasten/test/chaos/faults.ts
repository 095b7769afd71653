/**
 * What goes wrong, on purpose. Each fault ends with everything running again, and asks its reads
 * where a wrong answer would show: right before a stopped process goes on, right after a release.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Replica } from "hasten-tools/postgres";
import type { RedisServer } from "hasten-tools/redis";
import { nowMs } from "./clock.ts";
import type { Slot } from "./fleet.ts";
import type { Write } from "./oracle.ts";
import type { Pooler } from "./pooler.ts";
import type { Random } from "./random.ts";
import { accountOf, BULK_READ, bulkOf, ROUTES, STEADY, steadyIds } from "./schema.ts";
import type { ChaosServer } from "./server.ts";

export interface Surroundings {
  readonly server: ChaosServer;
  /** Undefined in a run without one. */
  readonly redis: RedisServer | undefined;
  /** Undefined in a run without one. */
  readonly pooler: Pooler | undefined;
  /** Undefined in a run without one. */
  readonly replica: Replica | undefined;
  readonly slots: readonly Slot[];
  readonly random: Random;
  readonly boundMs: number;
  /** Sends some reads of every route to the process, and does not wait for the answers. */
  probe(slot: Slot): void;
  /** One read. */
  ask(slot: Slot, path: string): Promise<void>;
  handOver(slot: Slot): Promise<void>;
  /** Something was committed that the oracle must know. */
  wrote(write: Write): void;
}

export type Inject = (surroundings: Surroundings) => Promise<void>;

const upSlot = ({ slots, random }: Surroundings): Slot =>
  // All of them may be starting: what is not up is not stopped either.
  random.pick(slots.filter((slot) => slot.state === "up")) ?? random.pick(slots);

export const FAULTS = {
  "many reads at once": async ({ slots, probe }) => {
    for (const slot of slots) {
      for (let round = 0; round < 3; round++) probe(slot);
    }
    await delay(20);
  },
  "rows change while handlers think": async (all) => {
    const { server, slots, boundMs, ask, wrote, random } = all;
    // Few, so that all of them have read before the write and answer after it.
    const ids = Array.from({ length: 6 }, () => random.pick(steadyIds));
    const everyone = (): Promise<void>[] =>
      slots.flatMap((slot) => ids.map((id) => ask(slot, `/slow/${id}`)));
    await bumpAll(server, wrote);
    await delay(boundMs / 4);
    const asked = everyone();
    await delay(ROUTES.slow.slowMs / 4);
    await bumpAll(server, wrote);
    await Promise.all(asked);
    await delay(boundMs * 1.1);
    await Promise.all(everyone());
  },
  "API process stopped for longer than the bound": async (all) => {
    const slot = upSlot(all);
    slot.stop();
    await delay(all.boundMs * (1.2 + all.random.next()));
    all.probe(slot);
    await delay(5);
    slot.go();
  },
  "API process stopped for less than the bound": async (all) => {
    const slot = upSlot(all);
    slot.stop();
    await delay(all.boundMs * 0.6 * all.random.next());
    all.probe(slot);
    await delay(5);
    slot.go();
  },
  "API process killed and started again": async ({ slots, random }) => {
    const slot = random.pick(slots);
    await slot.kill();
    await slot.start();
  },
  "stream handed over": async ({ slots, handOver }) => {
    await Promise.all(slots.filter((slot) => slot.state === "up").map((slot) => handOver(slot)));
  },
  "walsender ended": async ({ server }) => {
    await server.administer("select pg_terminate_backend(pid) from pg_stat_replication");
  },
  "walsender silent": async (all) => {
    const { server, boundMs, slots, probe } = all;
    const rows = await server.administer("select pid from pg_stat_replication");
    const pids = rows.map((row) => Number(row["pid"]));
    signal(pids, "SIGSTOP");
    try {
      await delay(boundMs * 1.5);
      for (const slot of slots) probe(slot);
      await delay(boundMs * 0.5);
    } finally {
      signal(pids, "SIGCONT");
    }
  },
  "connections of clients ended": async ({ server }) => {
    await server.administer(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
  },
  "synchronous standby hung": async (all) => {
    const { server, boundMs, slots, probe } = all;
    await standby(server, "nobody");
    try {
      // Commits are in the log, decoded and sent, and not visible: readers see the rows before them.
      for (let round = 0; round < 4; round++) {
        await delay(boundMs / 3);
        for (const slot of slots) probe(slot);
      }
    } finally {
      await standby(server, "");
    }
    await delay(boundMs * 1.1);
    for (const slot of slots) probe(slot);
  },
  "big transaction committed": async ({ server, wrote }) => {
    const startedAtMs = nowMs();
    const text = `with big as (update bulk set n = n + 1 returning id, n)
      select id, n from big where id <= ${BULK_READ}`;
    const base = { process: "administrator", startedAtMs, asynchronous: false };
    const rows = await server.administer(text);
    const changes = rows.map((row) => {
      return { row: bulkOf(Number(row["id"])), version: Number(row["n"]), state: "bulk" };
    });
    wrote({ ...base, resolvedAtMs: nowMs(), changes });
  },
  "big transaction rolled back": async ({ server }) => {
    await server.administer("begin; update bulk set n = n + 1; rollback");
  },
  "server crashed": async ({ server }) => {
    await server.crash();
    await answering(server);
  },
  "server restarted": async ({ server }) => {
    await server.restart();
    await answering(server);
  },
} as const satisfies Record<string, Inject>;

export type Fault = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as Fault[];

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile, and needs no signal any more.
    }
  }
}

async function standby(server: ChaosServer, names: string): Promise<void> {
  await server.administer(`alter system set synchronous_standby_names = '${names}'`);
  await server.administer("select pg_reload_conf()");
}

/** A new version of every row that is always there. */
async function bumpAll(server: ChaosServer, wrote: (write: Write) => void): Promise<void> {
  const startedAtMs = nowMs();
  const rows = await server.administer(
    // Locked in the order of everyone else: nothing waits in a circle.
    `with locked as materialized
       (select id from accounts where id <= ${STEADY} order by id for update)
     update accounts set version = version + 1 from locked where accounts.id = locked.id
     returning accounts.id, version, team`,
  );
  wrote({
    process: "administrator",
    startedAtMs,
    resolvedAtMs: nowMs(),
    asynchronous: false,
    changes: rows.map(({ id, version, team }) => ({
      row: accountOf(Number(id)),
      version: Number(version),
      state: String(team),
    })),
  });
}

const ANSWER_ATTEMPTS_MAX = 200;

async function answering(server: ChaosServer): Promise<void> {
  for (let attempt = 0; attempt < ANSWER_ATTEMPTS_MAX; attempt++) {
    try {
      await server.administer("select 1");
      return;
    } catch {
      await delay(100);
    }
  }
  throw new Error("the server did not come back");
}
