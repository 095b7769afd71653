/** The server that is installed: Redis or Valkey, from PATH, or brought by apt where that may be asked. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const SERVERS = ["redis-server", "valkey-server"] as const;
const INSTALL_TIMEOUT_MS = 300_000;

/** Path of the program, or undefined. */
export function onPath(program: string): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Path of a server; root on Debian gets one from apt, which is announced. Throws saying what to install. */
export function redisServerProgram(): string {
  return installed() ?? fromApt();
}

function installed(): string | undefined {
  for (const name of SERVERS) {
    const path = onPath(name);
    if (path !== undefined) return path;
  }
  return undefined;
}

function fromApt(): string {
  const command = "apt-get install --yes --no-install-recommends redis-server";
  const mayInstall = process.getuid?.() === 0 && existsSync("/etc/debian_version");
  if (!mayInstall || onPath("apt-get") === undefined) throw missing(command);
  console.log(`No redis-server or valkey-server on PATH: running \`${command}\`.`);
  try {
    const options = {
      stdio: ["ignore", "ignore", "pipe"] as ["ignore", "ignore", "pipe"],
      timeout: INSTALL_TIMEOUT_MS,
      // The package would start a service, which nobody asked for.
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    };
    execFileSync("apt-get", ["update"], options);
    const words = command.split(" ");
    execFileSync(words[0]!, words.slice(1), options);
  } catch (cause) {
    throw missing(command, cause);
  }
  const path = installed();
  if (path === undefined) throw missing(command);
  return path;
}

function missing(command: string, cause?: unknown): Error {
  return new Error(
    `Neither redis-server nor valkey-server is on PATH. Install one, for example \`${command}\` on Debian or \`brew install redis\` on macOS.`,
    { cause },
  );
}
