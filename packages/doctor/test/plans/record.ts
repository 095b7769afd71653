/**
 * `npm run record:plans`: runs every scenario on PostgreSQL 14 to 18 and keeps the plans in
 * recorded/. Exit code 1 when a major is not to be had here or a scenario fails.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import type { PostgresServer } from "hasten-tools/postgres";
import {
  MAJORS,
  type Major,
  startDebianPostgres,
  startPostgresOf,
  type Unavailable,
} from "hasten-tools/postgres-versions";
import pg from "pg";
import { recordHealthy } from "./healthy.ts";
import { RECORDED, writeRecording } from "./recordings.ts";
import { type Database, runScenario } from "./run-scenario.ts";
import { fileOf, majorsOf, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

const HELP = `npm run record:plans -- [options]

  --rule=<text>    only rules whose id contains this; "healthy" for the plans without findings;
                   may be given more than once
  --major=<14-18>  only this major
`;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rule: { type: "string", multiple: true },
      major: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    say(HELP);
    return 0;
  }
  const wanted = SCENARIOS.filter(
    (it) => values.rule?.some((text) => it.rule.includes(text)) ?? true,
  );
  const majors = MAJORS.filter((it) => values.major === undefined || values.major === String(it));
  const healthy = values.rule?.includes("healthy") ?? true;
  let failed = 0;
  for (const major of majors) {
    const flags = ["-c", "autovacuum=off"];
    const npm = wanted.filter((it) => it.build === undefined && majorsOf(it).includes(major));
    failed += await recordOn(await startPostgresOf(major, { flags }), major, {
      scenarios: npm,
      healthy,
    });
    const debian = wanted.filter((it) => it.build === `debian-${major}`);
    if (debian.length === 0) continue;
    const server = await startDebianPostgres(major, { flags });
    failed += await recordOn(server, major, { scenarios: debian, healthy: false });
  }
  execFileSync("npx", ["biome", "format", "--write", RECORDED], { stdio: "ignore" });
  return failed > 0 ? 1 : 0;
}

async function recordOn(
  server: PostgresServer | Unavailable,
  major: Major,
  { scenarios, healthy }: { scenarios: readonly Scenario[]; healthy: boolean },
): Promise<number> {
  if ("unavailable" in server) {
    say(server.unavailable);
    return 1;
  }
  let failed = 0;
  try {
    for (const scenario of scenarios)
      failed += await recordOne({ url: server.url, major }, scenario);
    if (healthy)
      await inNewDatabase({ url: server.url, major }, async (database) =>
        writeRecording("healthy.json", await recordHealthy(database)),
      );
  } finally {
    await server.stop();
  }
  return failed;
}

async function recordOne(server: Database, scenario: Scenario): Promise<number> {
  try {
    const plans = await inNewDatabase(server, (database) => runScenario(database, scenario));
    writeRecording(fileOf(scenario), plans);
    say(`${server.major} ${fileOf(scenario)}`);
    return 0;
  } catch (error) {
    say(`${server.major} ${fileOf(scenario)} FAILED: ${String(error)}`);
    return 1;
  }
}

async function inNewDatabase<T>(
  server: Database,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  const name = `plans_${randomUUID().replaceAll("-", "")}`;
  try {
    await admin.query(`create database ${name} template template0`);
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    return await work({ ...server, url: url.href });
  } finally {
    await admin.query(`drop database if exists ${name}`);
    await admin.end();
  }
}

process.exitCode = await main();
