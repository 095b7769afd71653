import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { faultyProxy } from "./index.ts";

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

test("cutting connections that are saying goodbye leaks no socket", async () => {
  let onData = (): void => undefined;
  const server = createServer((socket) => {
    socket.on("error", () => undefined).on("data", () => onData());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const before = sockets();
  const proxy = await faultyProxy({ port });
  onData = () => proxy.cutAll();
  const signal = connect(port, "127.0.0.1");
  for (let round = 0; round < 20; round++) {
    const clients = Array.from({ length: 5 }, () => connect(proxy.port, "127.0.0.1"));
    await expect.poll(() => proxy.open, { interval: 1 }).toBe(clients.length);
    // The proxy reads the goodbyes, then the signal, in one turn of its loop.
    for (const client of clients) client.on("error", () => undefined).destroy();
    signal.write("now");
    await expect.poll(() => proxy.open, { interval: 1 }).toBe(0);
  }
  signal.destroy();
  await proxy.close();
  await expect.poll(sockets).toBe(before);
  server.close();
});
