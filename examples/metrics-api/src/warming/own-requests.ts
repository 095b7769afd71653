/** Requests of the API to itself, answered by this process whoever shares its port. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export interface OwnRequests extends AsyncDisposable {
  /** @throws Error when the answer is not 200 */
  get(path: string, token: string, signal: AbortSignal): Promise<void>;
}

export async function ownRequests(listener: RequestListener): Promise<OwnRequests> {
  const server = createServer(listener);
  const listening = Promise.withResolvers<void>();
  // Exclusive: processes of a cluster would share the port, and answer for one another.
  server
    .once("error", listening.reject)
    .listen({ host: "127.0.0.1", port: 0, exclusive: true }, listening.resolve);
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  return {
    async get(path, token, signal) {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, signal });
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
