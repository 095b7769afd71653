import { PLANNED } from "../parse/nodes.ts";
import { type Fields, isFields, namesOf, walk } from "../parse/walk.ts";

/**
 * What a statement is to the workload: `work` is planned and can be helped; `system` reads only the
 * catalogs, statistics views or hasten's own tables (monitoring, the doctor itself); `utility` is
 * everything that the planner does not see as a whole.
 */
export type StatementKind = "work" | "system" | "utility";

const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(["pg_catalog", "information_schema", "hasten"]);
/** Asked by drivers and monitors about the server, of no table. */
const SYSTEM_FUNCTIONS =
  /^(?:pg_(?!sleep|advisory|try_advisory)\w+|current_setting|set_config|version|current_schemas?|current_database|inet_\w+|txid_\w+)$/;

export function kindOf(tree: unknown): StatementKind {
  const [name] = isFields(tree) ? Object.keys(tree) : [];
  if (name === undefined || !PLANNED.has(name)) return "utility";
  const local = new Set<string>();
  const relations: Fields[] = [];
  const functions: (readonly string[])[] = [];
  const whole = walk(tree, (node, key) => {
    if (key === "CommonTableExpr" && typeof node["ctename"] === "string")
      local.add(node["ctename"]);
    // INSERT, UPDATE, DELETE and MERGE hold their table without a tag.
    if (typeof node["relname"] === "string") relations.push(node);
    if (key === "FuncCall") functions.push(namesOf(node["funcname"]));
  });
  if (!whole) return "work";
  const named = relations.filter(
    (it) => it["schemaname"] !== undefined || !local.has(String(it["relname"])),
  );
  if (named.length > 0) return named.every(isSystem) ? "system" : "work";
  return functions.length > 0 && functions.every(isSystemFunction) ? "system" : "work";
}

function isSystem(relation: Fields): boolean {
  const { schemaname: schema, relname } = relation;
  const name = String(relname);
  if (name.startsWith("pg_stat_statements")) return true;
  if (typeof schema === "string") return SYSTEM_SCHEMAS.has(schema);
  return name.startsWith("pg_") || name.startsWith("hasten_");
}

const isSystemFunction = (name: readonly string[]): boolean =>
  name[0] === "pg_catalog" || SYSTEM_FUNCTIONS.test(name.at(-1) ?? "");
