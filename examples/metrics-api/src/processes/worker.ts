/**
 * One of several processes that share a port.
 *
 * Invariants: it ends when its parent does, however that ends (the channel between them closes); Ctrl-C at the
 * terminal is the parent's to handle.
 */
import type { Config } from "../config/index.ts";
import type { Log } from "../lifecycle/log.ts";
import { serve } from "../lifecycle/serve.ts";
import { createShutdown, exitWithin, STOP_LIMIT_MS } from "../lifecycle/shutdown.ts";
import { messageOf } from "../storage/index.ts";
import type { ToParent, ToWorker } from "./messages.ts";

/** Less than the parent takes to stop everything. */
export const WORKER_STOP_MS = 2_800;

export function runWorker(config: Config, log: Log): void {
  const shutdown = createShutdown((error) => log.error("stopping", { reason: messageOf(error) }));
  const stop = (): void => {
    exitWithin(Math.min(WORKER_STOP_MS, STOP_LIMIT_MS), 1);
    void shutdown.run().then(() => process.exit(0));
  };
  const start = async (it: Extract<ToWorker, { kind: "start" }>): Promise<void> => {
    const serving = await serve({
      config,
      secrets: it.secrets,
      mode: it.mode,
      url: it.databaseUrl,
      find: async () => undefined,
      log,
      shutdown,
      fixedBecause: `${config.processes} processes are attached to the storage in use. Start with one process to switch.`,
    });
    tell({ kind: "ready", port: serving.port, coherence: serving.storage.coherence() });
  };
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
  process.on("SIGTERM", stop);
  process.on("disconnect", stop);
  process.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "start":
        start(message).catch((error: unknown) => {
          tell({ kind: "failed", message: messageOf(error) });
          stop();
        });
        return;
      case "stop":
        stop();
        return;
      default:
        message satisfies never;
    }
  });
}

function tell(message: ToParent): void {
  if (process.connected) process.send?.(message);
}
