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

/** Refuses new connections and lets requests under way finish, at most `drainMs`. */
export async function drain(server: Server, drainMs: number): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed.promise;
  clearTimeout(cut);
}
