/**
 * A server that ends without cutting anybody off.
 *
 * Invariants:
 * - After `drain` begins no connection is accepted, a request under way is answered, a connection
 *   that waits for its next request is closed, and after drainMs everything is cut.
 */
import { createServer, type RequestListener, type Server } from "node:http";

/** Listens; rejects where the port cannot be had. */
export async function serve(
  listener: RequestListener,
  port: number,
  host: string | undefined,
): Promise<Server> {
  const server = createServer(listener);
  const ready = Promise.withResolvers<void>();
  server.once("error", ready.reject);
  server.listen(port, host, ready.resolve);
  await ready.promise;
  server.off("error", ready.reject);
  return server;
}

const IDLE_EVERY_MS = 25;

export async function drain(server: Server, drainMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  // A connection becomes idle when its answer is out: it would wait for another request.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_EVERY_MS);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed.promise;
  clearInterval(idle);
  clearTimeout(cut);
}
