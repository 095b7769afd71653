import { rmSync } from "node:fs";
import { root, run } from "./run.ts";

/** In the order of their dependencies: one is built against what the one before it publishes. */
const PUBLISHED = ["hasten", "doctor"] as const;

/** Builds what is published and has it judged as a user's tools would see it. */
export function builtPackages(): readonly string[] {
  return PUBLISHED.flatMap((name) => built(`${root}packages/${name}`));
}

function built(folder: string): readonly string[] {
  rmSync(`${folder}/dist`, { recursive: true, force: true });
  const build = run("tsc", ["-p", "tsconfig.build.json"], folder);
  if (build.length > 0) return build;
  return [
    ...run("publint", ["--strict", folder]),
    ...run("attw", ["--pack", folder, "--profile", "esm-only", "--format", "ascii"]),
  ];
}
