import { createServer } from "node:net";
import { isAlive, ownerOf } from "hasten-tools/postgres";
import type { Config } from "../config/index.ts";

/** A reason not to start that the person at the terminal can remove. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}

/** Finds out before the database is started, which takes longer. @throws StartRefused */
export async function assertPortFree(config: Config): Promise<void> {
  if (config.port === 0) return;
  const probe = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  probe.once("error", reject).listen(config.port, config.host, resolve);
  try {
    await promise;
  } catch (error) {
    throw listenFailure(error, config);
  } finally {
    await new Promise((done) => probe.close(done));
  }
}

export function listenFailure(error: unknown, config: Config): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = `Port ${config.port} on ${config.host}`;
  switch (code) {
    case "EADDRINUSE":
      return new StartRefused(
        `${where} is taken${byWhom(config)}. Stop what listens there, or choose another port: PORT=${config.port + 1} npm start`,
      );
    case "EACCES":
      return new StartRefused(`${where} needs more rights. Choose a port from 1024 on.`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new StartRefused(`HOST: got "${config.host}"; allowed: an address of this machine.`);
    default:
      return new StartRefused(`${where} cannot be listened on: ${message}`);
  }
}

function byWhom({ dataDir }: Config): string {
  const owner = ownerOf(dataDir);
  return owner !== undefined && isAlive(owner)
    ? `; process ${owner.pid} has used ${dataDir} since ${owner.since}, maybe it is an earlier \`npm start\``
    : "";
}
