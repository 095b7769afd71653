// The Lua scripts of the shared tier as checked-in TypeScript: `node tools/src/lua.ts [--check]`.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROTOCOL = "packages/hasten/src/cache/shared/protocol/";
const TARGET = `${PROTOCOL}scripts.generated.ts`;
const INCLUDE = /^-- include (.+)$/m;

/** What a script is sent as: its includes and itself without comments. */
function compile(folder: string, file: string): string {
  const text = readFileSync(`${folder}${file}`, "utf8");
  const included = INCLUDE.exec(text)?.[1]?.split(" ") ?? [];
  const parts = included.map((name) => readFileSync(`${folder}include/${name}.lua`, "utf8"));
  return [...parts, text].map(withoutComments).join("");
}

/** Whole lines only: a `--` within a line may be in a string. */
function withoutComments(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "" && !line.startsWith("--"))
    .map((line) => `${line}\n`)
    .join("");
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The module as it must be checked in. */
export function generated(tree: string): string {
  const folder = `${tree}${PROTOCOL}lua/`;
  const files = readdirSync(folder).filter((name) => name.endsWith(".lua"));
  const constants = files.sort().map((file) => {
    const source = compile(folder, file);
    const name = file.slice(0, -".lua".length);
    const sha = createHash("sha1").update(source).digest("hex");
    const text = source.replace(/[\\`]|\$\{/g, "\\$&");
    return `export const ${camel(name)}: RedisScript = {\n  name: "${name}",\n  sha: "${sha}",\n  source: \`${text}\`,\n};\n`;
  });
  return `// Made from lua/*.lua by \`node tools/src/lua.ts\`; \`npm run check -- lua\` compares.\nimport type { RedisScript } from "../../../redis/index.ts";\n\n${constants.join("\n")}`;
}

/** Whether the checked-in module is the one that the scripts give. */
export function luaScripts(tree: string): readonly string[] {
  const have = readFileSync(`${tree}${TARGET}`, "utf8");
  if (have === generated(tree)) return [];
  return [`${TARGET} is not what lua/*.lua give: run node tools/src/lua.ts`];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tree = fileURLToPath(new URL("../../", import.meta.url));
  if (process.argv.includes("--check")) {
    for (const line of luaScripts(tree)) {
      console.error(line);
      process.exitCode = 1;
    }
  } else {
    writeFileSync(`${tree}${TARGET}`, generated(tree));
  }
}
