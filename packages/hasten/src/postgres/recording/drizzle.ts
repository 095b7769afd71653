/**
 * The line that builds a Drizzle query. Its queries are sent when they are awaited, and who awaits a
 * thenable that is no promise is on no stack.
 *
 * How: every query builder gets the database's `session` when it is made, and asks it to prepare the
 * statement. Each read of `session` gives one that carries the line of the application that reads.
 */
import { builderSite, type CallSite, currentTrace, fromSite } from "../../core/trace/index.ts";

type Work = (...parts: unknown[]) => unknown;

interface Prepared {
  execute?: Work;
  all?: Work;
  values?: Work;
}

interface Session {
  prepareQuery: (...parts: unknown[]) => Prepared;
  transaction?: Work;
}

interface DrizzleDatabase {
  session: Session;
  readonly $client?: object;
  readonly dialect: object;
  readonly query?: Readonly<Record<string, object>>;
}

export function isDrizzle(target: object): target is DrizzleDatabase {
  const { session, dialect } = target as Partial<DrizzleDatabase>;
  return typeof session?.prepareQuery === "function" && typeof dialect === "object";
}

/** @param inner observes the driver's pool or client under it */
export function observeDrizzle(db: DrizzleDatabase, inner: (target: object) => object): () => void {
  const { $client } = db;
  if (typeof $client === "object" || typeof $client === "function") inner($client);
  return carryLines(db);
}

const carrying = new WeakSet<object>();

function carryLines(db: DrizzleDatabase): () => void {
  if (carrying.has(db)) return () => undefined;
  carrying.add(db);
  const undo = [carrySession(db)];
  for (const table of Object.values(db.query ?? {})) undo.push(carrySession(table));
  return () => {
    carrying.delete(db);
    for (const end of undo) end();
  };
}

/** Of a database, or of what `db.query.users` is. */
function carrySession(owner: object): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, "session");
  const session = own?.value as Session | undefined;
  if (own === undefined || typeof session?.prepareQuery !== "function") return () => undefined;
  Object.defineProperty(owner, "session", {
    configurable: true,
    enumerable: own.enumerable === true,
    get: function read(): Session {
      if (currentTrace() === undefined) return session;
      return sessionOf(session, builderSite(read));
    },
  });
  return () => void Object.defineProperty(owner, "session", own);
}

/** The session, with the line that asked for it. */
function sessionOf(session: Session, site: CallSite | undefined): Session {
  const { transaction } = session;
  const carried = Object.create(session) as Session;
  carried.prepareQuery = (...parts) => {
    const prepared = session.prepareQuery(...parts);
    for (const name of ["execute", "all", "values"] as const) {
      const send = prepared[name];
      if (send !== undefined)
        prepared[name] = (...given) => fromSite(site, () => send.apply(prepared, given));
    }
    return prepared;
  };
  if (transaction !== undefined)
    carried.transaction = (work, config) =>
      transaction.call(
        session,
        (tx: DrizzleDatabase) => {
          carryLines(tx);
          return (work as Work)(tx);
        },
        config,
      );
  return carried;
}
