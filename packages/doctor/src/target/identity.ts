import { DoctorError } from "../errors.ts";
import type { Wire } from "./session.ts";
import type { Target } from "./types.ts";

type Identity = Pick<Target, "versionNum" | "major" | "database" | "rights" | "searchPath">;

const MAJOR_MIN = 14;
const PER_MAJOR = 10_000;

interface Row {
  readonly pid: number;
  readonly version: number;
  readonly database: string;
  readonly path: readonly string[];
  readonly role: string;
  readonly superuser: boolean;
  readonly statistics: boolean;
  readonly data: boolean;
}

/** Every name is qualified: nothing has been set for the session yet. "usage" counts inherited rights only. */
const IDENTITY = `select pg_catalog.pg_backend_pid() as pid,
  pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version,
  pg_catalog.current_database()::pg_catalog.text as database,
  pg_catalog.array_to_json(pg_catalog.current_schemas(false)) as path,
  current_user::pg_catalog.text as role,
  pg_catalog.current_setting('is_superuser') operator(pg_catalog.=) 'on'::pg_catalog.text as superuser,
  pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as statistics,
  pg_catalog.pg_has_role('pg_read_all_data', 'usage') as data`;

/** @throws DoctorError HST_DOCTOR_TARGET for what is no PostgreSQL of 14 or newer */
export async function readIdentity(
  wire: Wire,
): Promise<Identity & { readonly backendPid: number }> {
  const versionNum = await readVersion(wire);
  const major = Math.floor(versionNum / PER_MAJOR);
  if (!(major >= MAJOR_MIN))
    throw new DoctorError("HST_DOCTOR_TARGET", {
      message: `The server is PostgreSQL ${String(major)}; 14 is the oldest that is understood.`,
      fix: "Upgrade it: versions before 14 get no security fixes any more.",
    });
  const [row] = await wire.send<Row>(IDENTITY);
  if (row === undefined) throw noPostgres();
  return {
    backendPid: row.pid,
    versionNum,
    major,
    database: row.database,
    searchPath: row.path,
    rights: {
      role: row.role,
      superuser: row.superuser,
      statistics: row.statistics,
      data: row.data,
    },
  };
}

/** Alone and first: pg_read_all_data, which the rest asks for, came with 14. */
async function readVersion(wire: Wire): Promise<number> {
  try {
    const [row] = await wire.send<{ version: string }>("show server_version_num");
    const version = Number(Object.values(row ?? {})[0]);
    if (Number.isInteger(version) && version > 0) return version;
  } catch (cause) {
    if (!(cause instanceof DoctorError) || cause.code === "HST_DOCTOR_TARGET") throw cause;
  }
  throw noPostgres();
}

const noPostgres = (): DoctorError =>
  new DoctorError("HST_DOCTOR_TARGET", {
    message: "What answers there is no PostgreSQL that the doctor understands.",
    fix: "Check host, port and database; a pooler's console is no database.",
  });
