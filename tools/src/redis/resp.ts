/** The smallest Redis client there is, so that tests look at a server without what they test. */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export type Reply = string | number | null | readonly Reply[] | Error;

export interface CommandTarget {
  readonly port: number;
  readonly password?: string | undefined;
  /** PEM of the authority that signed the server's certificate: then TLS is used. */
  readonly ca?: string | undefined;
}

const COMMAND_LIMIT_MS = 5_000;

/** Sends commands on a connection of their own and gives their replies; errors of the server reject. */
export async function redisCommands(
  target: CommandTarget,
  commands: readonly (readonly string[])[],
): Promise<readonly Reply[]> {
  const auth = target.password === undefined ? [] : [["AUTH", target.password]];
  const all = [...auth, ...commands];
  const replies = await exchange(target, all);
  const failed = replies.find((reply) => reply instanceof Error);
  if (failed !== undefined) throw failed;
  return replies.slice(auth.length);
}

function exchange(
  target: CommandTarget,
  commands: readonly (readonly string[])[],
): Promise<readonly Reply[]> {
  return new Promise((resolve, reject) => {
    const socket = open(target);
    let received = Buffer.alloc(0);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const timer = setTimeout(
      () => end(() => reject(new Error(`no answer on port ${target.port}`))),
      COMMAND_LIMIT_MS,
    );
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("close", () => end(() => reject(new Error("connection closed"))));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const replies = parseAll(received, commands.length);
      if (replies !== undefined) end(() => resolve(replies));
    });
    socket.write(commands.map(encode).join(""));
  });
}

function open({ port, ca }: CommandTarget): Socket {
  if (ca === undefined) return connectPlain(port, "127.0.0.1");
  return connectTls({ port, host: "127.0.0.1", servername: "localhost", ca });
}

function encode(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}

function parseAll(bytes: Buffer, count: number): readonly Reply[] | undefined {
  const replies: Reply[] = [];
  let at = 0;
  for (let n = 0; n < count; n++) {
    const one = parse(bytes, at);
    if (one === undefined) return undefined;
    replies.push(one.reply);
    at = one.end;
  }
  return replies;
}

interface Parsed {
  readonly reply: Reply;
  readonly end: number;
}

function parse(bytes: Buffer, at: number): Parsed | undefined {
  const line = bytes.indexOf("\r\n", at);
  if (line === -1) return undefined;
  const text = bytes.toString("utf8", at + 1, line);
  const end = line + 2;
  switch (String.fromCharCode(bytes[at]!)) {
    case ":":
      return { reply: Number(text), end };
    case "-":
      return { reply: new Error(text), end };
    case "$":
      return parseBulk(bytes, end, Number(text));
    case "*":
      return parseArray(bytes, end, Number(text));
    default:
      return { reply: text, end };
  }
}

function parseBulk(bytes: Buffer, at: number, length: number): Parsed | undefined {
  if (length < 0) return { reply: null, end: at };
  if (bytes.length < at + length + 2) return undefined;
  return { reply: bytes.toString("utf8", at, at + length), end: at + length + 2 };
}

function parseArray(bytes: Buffer, at: number, count: number): Parsed | undefined {
  if (count < 0) return { reply: null, end: at };
  const reply: Reply[] = [];
  let end = at;
  for (let n = 0; n < count; n++) {
    const one = parse(bytes, end);
    if (one === undefined) return undefined;
    reply.push(one.reply);
    end = one.end;
  }
  return { reply, end };
}
