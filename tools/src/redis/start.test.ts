import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { startRedis } from "./index.ts";

const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("answers, restarts on its port with a new run id, and is gone after stop", async () => {
  const server = await startRedis();
  expect(await server.command("SET", "a", "ü")).toBe("OK");
  expect(await server.command("GET", "a")).toBe("ü");
  const runId = async (): Promise<string> =>
    /run_id:(\w+)/.exec(String(await server.command("INFO", "server")))![1]!;
  const [first, pid] = [await runId(), server.pid];
  await server.kill();
  await expect(server.command("PING")).rejects.toThrow();
  await server.restart();
  expect(await runId()).not.toBe(first);
  expect(server.pid).not.toBe(pid);
  const folder = readlinkSync(`/proc/${server.pid}/cwd`);
  await server.stop();
  expect([existsSync(folder), runs(server.pid)]).toEqual([false, false]);
});

test("password, TLS, replica and pause", async () => {
  await using master = await startRedis({ password: "p:@ %", flags: ["--databases", "4"] });
  await using replica = await startRedis({ replicaOf: master, password: "p:@ %" });
  await using tls = await startRedis({ tls: true });
  await master.command("SET", "a", "1");
  await expect.poll(() => replica.command("GET", "a")).toBe("1");
  expect(tls.url).toMatch(/^rediss:/);
  expect(
    execFileSync("openssl", ["x509", "-noout", "-subject"], { input: tls.ca!, encoding: "utf8" }),
  ).toContain("authority");
  expect(await tls.command("PING")).toBe("PONG");
  master.pause();
  const answer = master.command("PING");
  expect(
    await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 50, "late"))]),
  ).toBe("late");
  master.resume();
  expect(await answer).toBe("PONG");
});

test("the server and its folder are gone when the process that started it is killed", async () => {
  const program = `
    import { startRedis } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
    const server = await startRedis();
    console.log(server.pid);
    process.stdin.resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const folder = readlinkSync(`/proc/${line}/cwd`);
  expect(runs(Number(line))).toBe(true);
  child.kill("SIGKILL");
  await expect.poll(() => runs(Number(line)), { timeout: 5_000 }).toBe(false);
  await expect.poll(() => existsSync(folder), { timeout: 5_000 }).toBe(false);
});
