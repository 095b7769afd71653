/**
 * A TCP proxy that misbehaves on command, to put between a client and a real server in tests.
 * It knows nothing of the protocol: rules look at raw bytes.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

/** How connections behave. */
export type ProxyMode =
  /** Passes everything on. */
  | "pass"
  /** Accepts, then swallows everything in both directions. */
  | "black-hole"
  /** Resets each new connection at once. */
  | "refuse";

/** Cuts one connection when bytes pass; each rule is used once. */
export interface CutRule {
  /** "request": client to server. "response": server to client. */
  readonly when: "request" | "response";
  /** Text that must be in the chunk; any chunk when left out. */
  readonly holding?: string;
  /** Whether the server still gets the request (or the client the response) before the cut. @default true */
  readonly deliver?: boolean;
  /** For "request": cuts only when the server answered, and swallows that answer. @default false */
  readonly swallowAnswer?: boolean;
}

export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Changes the mode; black-hole also holds for connections that are open. */
  mode(next: ProxyMode): void;
  /** Arms a rule; resolves when it has fired. */
  cut(rule: CutRule): Promise<void>;
  /** Connections from now on lead to this port; those that are open stay where they are. */
  retarget(port: number): void;
  /** Resets every open connection. */
  cutAll(): void;
  close(): Promise<void>;
}

interface Armed extends CutRule {
  readonly fired: () => void;
}

/** Starts a proxy on a free loopback port in front of `target`. */
export async function faultyProxy(target: {
  readonly host?: string;
  readonly port: number;
}): Promise<FaultyProxy> {
  const pairs = new Set<Pair>();
  const rules: Armed[] = [];
  let mode: ProxyMode = "pass";
  let { port: upstreamPort } = target;
  let accepted = 0;
  const server = createServer((client) => {
    accepted++;
    if (mode === "refuse") return void client.resetAndDestroy();
    const upstream = connect(upstreamPort, target.host ?? "127.0.0.1");
    const pair = createPair(client, upstream, { rules, mode: () => mode });
    pairs.add(pair);
    client.once("close", () => pairs.delete(pair));
  });
  const port = await listen(server);
  const cutAll = (): void => {
    for (const pair of pairs) pair.cut();
  };
  const close = (): Promise<void> => {
    cutAll();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return {
    port,
    get open() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    mode(next) {
      mode = next;
    },
    retarget(next) {
      upstreamPort = next;
    },
    cut: (rule) => new Promise((resolve) => rules.push({ ...rule, fired: resolve })),
    cutAll,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Pair {
  cut(): void;
}

interface Behaviour {
  readonly rules: Armed[];
  readonly mode: () => ProxyMode;
}

function createPair(client: Socket, upstream: Socket, behaviour: Behaviour): Pair {
  let swallowing: Armed | undefined;
  const cut = (): void => {
    // libuv refuses to reset a socket that is already saying goodbye, and node then leaks its handle.
    if (client.writableEnded) client.destroy();
    else client.resetAndDestroy();
    upstream.destroy();
  };
  const pass = (from: "request" | "response", chunk: Buffer): void => {
    if (behaviour.mode() === "black-hole") return;
    const to = from === "request" ? upstream : client;
    const rule = from === "response" ? swallowing : undefined;
    if (rule !== undefined) cutFor(rule);
    else follow(takeRule(behaviour.rules, from, chunk), to, chunk);
  };
  const cutFor = (rule: Armed): void => {
    cut();
    rule.fired();
  };
  const follow = (rule: Armed | undefined, to: Socket, chunk: Buffer): void => {
    if (rule?.swallowAnswer === true) swallowing = rule;
    if (rule?.deliver === false) cutFor(rule);
    else if (rule === undefined || rule.swallowAnswer === true) to.write(chunk);
    else to.write(chunk, () => cutFor(rule));
  };
  client.on("data", (chunk) => pass("request", chunk));
  upstream.on("data", (chunk) => pass("response", chunk));
  client.on("error", () => undefined).on("close", () => upstream.destroy());
  upstream.on("error", () => undefined).on("close", () => client.destroy());
  return { cut };
}

function takeRule(rules: Armed[], when: CutRule["when"], chunk: Buffer): Armed | undefined {
  const index = rules.findIndex(
    (rule) => rule.when === when && (rule.holding === undefined || chunk.includes(rule.holding)),
  );
  return index === -1 ? undefined : rules.splice(index, 1)[0];
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
