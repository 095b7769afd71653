import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The repository's root, with a slash at its end. */
export const root: string = fileURLToPath(new URL("../../../", import.meta.url));

/** Runs a tool of the project in the root. No line: it passed. Else: what it printed. */
export function run(
  tool: string,
  args: readonly string[],
  folder: string = root,
): readonly string[] {
  const { status, output } = capture(tool, args, folder);
  if (status === 0) return [];
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return lines.length > 0 ? lines : [`${tool} ended with ${status}`];
}

/** Runs a tool of the project and returns its exit code with all it printed. */
export function capture(
  tool: string,
  args: readonly string[],
  folder: string = root,
): { readonly status: number | null; readonly output: string } {
  const path = `${root}node_modules/.bin:${process.env["PATH"] ?? ""}`;
  const child = spawnSync(tool, args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    env: { ...process.env, PATH: path, FORCE_COLOR: "0", NO_COLOR: "1" },
  });
  return {
    status: child.status,
    output: `${child.stdout ?? ""}${child.stderr ?? ""}${child.error ? child.error.message : ""}`,
  };
}
