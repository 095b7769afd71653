import type { Target } from "../target/types.ts";
import type { Server } from "./types.ts";

/** Extensions whose presence changes what is asked. */
const EXTENSIONS_SQL = `select e.extname::text as name, n.nspname::text as schema
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'`;

export async function readServer(target: Target): Promise<Server> {
  const extensions = await target.rows<{ name: string; schema: string }>(EXTENSIONS_SQL);
  return {
    major: target.major,
    extensions: new Map(extensions.map((extension) => [extension.name, extension.schema])),
  };
}
