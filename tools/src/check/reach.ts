import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./run.ts";

/**
 * The packages that importing a subpath may load at once (dynamic imports come later and do not
 * count): `hasten/cache` must pull in neither a database driver nor HTTP code.
 */
const MAY_LOAD: Readonly<
  Record<string, { packages: readonly string[]; folders: readonly string[] }>
> = {
  cache: { packages: [], folders: ["core", "redis", "cache"] },
  redis: { packages: [], folders: ["core", "redis"] },
  "metrics/prom-client.ts": { packages: [], folders: ["core", "redis", "cache", "metrics"] },
  "metrics/opentelemetry.ts": { packages: [], folders: ["core", "redis", "cache", "metrics"] },
  traces: { packages: ["dataloader"], folders: ["core", "traces"] },
  postgres: { packages: ["cockatiel"], folders: ["core", "redis", "cache", "postgres"] },
  http: { packages: [], folders: ["core", "redis", "cache", "http"] },
  express: {
    packages: [],
    folders: ["core", "redis", "cache", "http", "traces", "facade", "express"],
  },
};

const IMPORT = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/g;

/** Walks the static value imports of each subpath. */
export function reach(tree: string = root): readonly string[] {
  return Object.entries(MAY_LOAD).flatMap(([subpath, allowed]) => {
    const src = `${tree}packages/hasten/src/`;
    const seen = new Set<string>();
    const wrong: string[] = [];
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const folder = file.slice(src.length).split("/")[0]!;
      if (!allowed.folders.includes(folder))
        wrong.push(`hasten/${subpath} loads ${file.slice(src.length)}`);
      for (const [, typeOnly, target] of readFileSync(file, "utf8").matchAll(IMPORT)) {
        if (typeOnly !== undefined || target === undefined || target.startsWith("node:")) continue;
        if (target.startsWith(".")) visit(join(dirname(file), target));
        else if (!allowed.packages.includes(target))
          wrong.push(`hasten/${subpath} loads ${target} (${file.slice(src.length)})`);
      }
    };
    visit(subpath.endsWith(".ts") ? `${src}${subpath}` : `${src}${subpath}/index.ts`);
    return wrong;
  });
}
