import { groupUnknown } from "../errors.ts";
import type { Cache, InvalidateOptions, Outcome, Targets } from "../types.ts";

/** What happened, and what it makes untrue: by name, from what is known where it happens. */
export type GroupDefinitions = Readonly<
  Record<string, (...args: never[]) => Targets | readonly Targets[]>
>;

/** Invalidations by the name of what happened. */
export interface InvalidationGroups<D extends GroupDefinitions> {
  /** From now on nobody is given anything of the group. One step, whatever it holds. */
  delete<N extends keyof D & string>(name: N, ...args: Parameters<D[N]>): Promise<Outcome>;
  /** Like delete, but old values may be served as stale within their grace. */
  expire<N extends keyof D & string>(name: N, ...args: Parameters<D[N]>): Promise<Outcome>;
  /** What the group names, each once: to be passed to another cache, or looked at in a test. */
  targets<N extends keyof D & string>(name: N, ...args: Parameters<D[N]>): Required<Targets>;
}

const APPLIED: Outcome = { kind: "applied" };

/**
 * Names what is to be dropped when something happens, in one place.
 * @param definitions each names keys, tags and prefixes; several lists are joined
 * @param options how sure each invalidation must be
 */
export function defineGroups<const D extends GroupDefinitions>(
  cache: Pick<Cache, "delete" | "expire">,
  definitions: D,
  options: InvalidateOptions = {},
): InvalidationGroups<D> {
  const targets = (name: string, args: readonly unknown[]): Required<Targets> => {
    const define = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (define === undefined) throw groupUnknown(name, Object.keys(definitions));
    return joined(define(...(args as never[])));
  };
  const invalidate = async (
    verb: "delete" | "expire",
    name: string,
    args: readonly unknown[],
  ): Promise<Outcome> => {
    const named = targets(name, args);
    const { keys, tags, prefixes } = named;
    if (keys.length + tags.length + prefixes.length === 0) return APPLIED;
    return cache[verb](named, options);
  };
  return {
    delete: (name, ...args) => invalidate("delete", name, args),
    expire: (name, ...args) => invalidate("expire", name, args),
    targets: (name, ...args) => targets(name, args),
  };
}

function joined(named: Targets | readonly Targets[]): Required<Targets> {
  const all = Array.isArray(named) ? (named as readonly Targets[]) : [named as Targets];
  const each = (part: keyof Targets): readonly string[] => [
    ...new Set(all.flatMap((one) => one[part] ?? [])),
  ];
  return { keys: each("keys"), tags: each("tags"), prefixes: each("prefixes") };
}
