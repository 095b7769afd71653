/** What a connection pooler looks like from outside: process numbers of its own, no replication. */
import { connect, createServer, type Server, type Socket } from "node:net";

export interface Pooler extends AsyncDisposable {
  /** The given URL, through the pooler. */
  readonly url: string;
}

export async function startPooler(target: string): Promise<Pooler> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.once("data", (startup) => {
      if (startup.includes("replication")) {
        client.end(refusal());
        return;
      }
      upstream.write(startup);
      client.pipe(upstream);
    });
    relay(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const through = new URL(target);
  through.port = String((server.address() as { port: number }).port);
  return {
    url: through.href,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes everything on; the first BackendKeyData gets another process number. */
function relay(from: Socket, to: Socket): void {
  let held = Buffer.alloc(0);
  let changed = false;
  from.on("data", (chunk: Buffer) => {
    if (changed) {
      to.write(chunk);
      return;
    }
    held = Buffer.concat([held, chunk]);
    for (let at = 0; at + 5 <= held.length; ) {
      const length = 1 + held.readInt32BE(at + 1);
      if (at + length > held.length) return;
      if (held[at] === 0x4b) {
        held.writeInt32BE(7, at + 5);
        changed = true;
      }
      at += length;
    }
    to.write(held);
    held = Buffer.alloc(0);
  });
}

function refusal(): Buffer {
  const fields = Buffer.from(
    "SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: replication\0\0",
  );
  const message = Buffer.alloc(5 + fields.length);
  message.write("E", 0);
  message.writeInt32BE(4 + fields.length, 1);
  fields.copy(message, 5);
  return message;
}
