/** Which relations names mean, unqualified ones in the schemas given. */
import type { Registry, Resolution } from "../catalog/registry.ts";
import type { Item } from "../catalog/shelf.ts";
import type { QualifiedName } from "./tree.ts";

export interface ResolvedNames {
  /** In the order of the names; undefined where one means nothing. */
  readonly oids: readonly (number | undefined)[];
  readonly items: readonly Item<Resolution>[];
}

export async function resolveNames(
  names: readonly QualifiedName[],
  { registry, namespaces }: { registry: Registry; namespaces: readonly number[] },
): Promise<ResolvedNames> {
  const schemas = await registry.schemas(distinct(names.map(({ schema }) => schema)));
  const found = new Map<string, Item<Resolution>>();
  for (const schema of new Set(names.map((it) => it.schema))) {
    const oid = schema === undefined ? undefined : schemas.get(schema);
    if (schema !== undefined && oid === undefined) continue;
    const within = names.filter((it) => it.schema === schema).map(({ name }) => name);
    const places = oid === undefined ? namespaces : [oid];
    for (const [name, item] of await registry.resolve(places, distinct(within)))
      found.set(keyOf({ schema, name }), item);
  }
  return {
    oids: names.map((name) => found.get(keyOf(name))?.facts.signature ?? undefined),
    items: [...found.values()],
  };
}

function keyOf({ schema, name }: QualifiedName): string {
  return JSON.stringify([schema, name]);
}

function distinct(names: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(names)].filter((name) => name !== undefined);
}
