/**
 * The source of truth: versions of rows, in the process of the run, over TCP.
 * One line in, one line out: `r <row>` → `<version>`; `w <row> <row>…` → their new versions.
 */
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

export interface Source extends AsyncDisposable {
  readonly port: number;
  readonly reads: number;
  readonly writes: number;
}

export async function startSource(): Promise<Source> {
  const versions = new Map<string, number>();
  const sockets = new Set<Socket>();
  const counts = { reads: 0, writes: 0 };
  const answer = (line: string): string => {
    const [what, ...rows] = line.split(" ");
    if (what === "r") {
      counts.reads += 1;
      return String(versions.get(rows[0]!) ?? 1);
    }
    counts.writes += 1;
    return rows
      .map((row) => {
        const version = (versions.get(row) ?? 1) + 1;
        versions.set(row, version);
        return String(version);
      })
      .join(" ");
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    linesOf(socket, (line) => socket.write(`${answer(line)}\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { readonly port: number }).port,
    get reads() {
      return counts.reads;
    },
    get writes() {
      return counts.writes;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The interface tells the errors of its socket once more. */
function linesOf(socket: Socket, onLine: (line: string) => void): void {
  createInterface({ input: socket })
    .on("line", onLine)
    .on("error", () => undefined);
}

export interface SourceClient {
  read(row: string): Promise<number>;
  /** Commits; resolves with the new versions, in the order of the rows. */
  write(rows: readonly string[]): Promise<readonly number[]>;
}

export async function openSource(port: number): Promise<SourceClient> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  const waiting: ((line: string) => void)[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
  // The run has ended.
  socket.on("error", () => process.exit(0));
  socket.on("close", () => process.exit(0));
  linesOf(socket, (line) => waiting.shift()?.(line));
  const ask = (line: string): Promise<string> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      socket.write(`${line}\n`);
    });
  return {
    read: async (row) => Number(await ask(`r ${row}`)),
    write: async (rows) => (await ask(`w ${rows.join(" ")}`)).split(" ").map(Number),
  };
}
