/** The driver's module under a Sequelize instance: connections made from now on are observed. */
import { isModule } from "../watch/shapes.ts";

interface ConnectionManager {
  lib: object;
}

interface SequelizeInstance {
  readonly connectionManager: ConnectionManager;
}

export function isSequelize(target: object): target is SequelizeInstance {
  const { connectionManager } = target as Partial<SequelizeInstance>;
  return typeof connectionManager?.lib === "object" && isModule(connectionManager.lib);
}

/** @param inner observes the driver's module under it */
export function observeSequelize(
  { connectionManager }: SequelizeInstance,
  inner: (target: object) => object,
): () => void {
  const { lib } = connectionManager;
  const seen = inner(lib);
  connectionManager.lib = seen;
  return () => {
    if (connectionManager.lib === seen) connectionManager.lib = lib;
  };
}
