/** The PgBouncer that is installed: from PATH or Debian's place, or brought by apt where that may be asked. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { onPath } from "../redis/binaries.ts";

/** Debian keeps it where only root looks. */
const SYSTEM_PLACE = "/usr/sbin/pgbouncer";
const INSTALL = "apt-get install --yes --no-install-recommends pgbouncer";
const INSTALL_TIMEOUT_MS = 300_000;

/** Path of the program; root on Debian gets it from apt, which is announced. Throws saying what to install. */
export function pgbouncerProgram(): string {
  return installed() ?? fromApt();
}

function installed(): string | undefined {
  return onPath("pgbouncer") ?? (existsSync(SYSTEM_PLACE) ? SYSTEM_PLACE : undefined);
}

function fromApt(): string {
  const mayInstall = process.getuid?.() === 0 && existsSync("/etc/debian_version");
  if (!mayInstall || onPath("apt-get") === undefined) throw missing();
  console.log(`No pgbouncer on PATH: running \`${INSTALL}\`.`);
  try {
    const options = {
      stdio: ["ignore", "ignore", "pipe"] as ["ignore", "ignore", "pipe"],
      timeout: INSTALL_TIMEOUT_MS,
      // The package would start a service, which nobody asked for.
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    };
    execFileSync("apt-get", ["update"], options);
    const [command, ...args] = INSTALL.split(" ");
    execFileSync(command!, args, options);
  } catch (cause) {
    throw missing(cause);
  }
  const path = installed();
  if (path === undefined) throw missing();
  return path;
}

function missing(cause?: unknown): Error {
  return new Error(
    `pgbouncer is not installed. Install it, for example \`${INSTALL}\` on Debian or \`brew install pgbouncer\` on macOS.`,
    { cause },
  );
}
