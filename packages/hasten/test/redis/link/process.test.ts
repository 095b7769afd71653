/** A link is no reason for a process to stay; a call that is awaited is. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { startRedis } from "hasten-tools/redis";
import { expect, test } from "vitest";

async function run(url: string, body: string): Promise<string> {
  const program = `
    import { openLink } from "hasten/redis";
    import { createClient } from "redis";
    import { Redis } from "ioredis";
    const url = ${JSON.stringify(url)};
    ${body}`;
  const child = spawn(
    process.execPath,
    ["--conditions=hasten-source", "--input-type=module", "-e", program],
    { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"], timeout: 10_000 },
  );
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  const [code, signal] = await once(child, "close");
  return `${output.trim()} ${signal ?? code}`;
}

const sources = ["createClient({ url })", "new Redis(url, { lazyConnect: true })", "url"];

test.each(sources)("%s: ends by itself, closed or not, with calls answered", async (source) => {
  await using server = await startRedis();
  const open = `const link = openLink(${source}); await link.ready();`;
  const closed = `${open} console.log(String(await link.call(["PING"]))); await link.close();`;
  expect(await run(server.url, closed)).toBe("PONG 0");
  const left = `${open} link.block(["XREAD", "BLOCK", "0", "STREAMS", "a", "$"], 60_000).catch(() => {});
    setTimeout(async () => console.log(String(await link.call(["PING"]))), 300);`;
  expect(await run(server.url, left)).toBe("PONG 0");
  await server.kill();
  const unreachable = `const link = openLink(${source}); setTimeout(() => console.log(link.state.kind), 200);`;
  expect(await run(server.url, unreachable)).toBe("connecting 0");
  await server.restart();
  server.pause();
  expect(await run(server.url, unreachable)).toBe("connecting 0");
});
