import { randomUUID } from "node:crypto";
import { cp, lstat, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir, platform, tmpdir } from "node:os";
import { join } from "node:path";

const WORKING_PREFIX = "hasten-doctor-model-";
const PRIVATE = 0o700;
/** Directories left by killed processes that one start removes at most. */
const SWEEP_MAX = 20;

export interface WorkingDirectory extends AsyncDisposable {
  readonly path: string;
}

export interface TemplateOptions {
  readonly cacheDir: string | undefined;
  /** Name of the template: same name, same content. */
  readonly key: string;
  /** Fills an empty directory. */
  readonly fill: (directory: string) => Promise<void>;
}

/**
 * A private copy of the cached template, which is made first where there is none. Two processes may
 * do so at once: both fill a directory of their own, and the first to rename it wins. A cache that
 * cannot be used (no rights, another user's) costs time only: the template is then made each time.
 */
export async function workingCopy(options: TemplateOptions): Promise<WorkingDirectory> {
  await sweep();
  const path = await mkdtemp(join(tmpdir(), `${WORKING_PREFIX}${process.pid}-`));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  try {
    const template = await cachedTemplate(options);
    if (template === undefined) await options.fill(join(path, "data"));
    else await cp(template, join(path, "data"), { recursive: true });
  } catch (error) {
    await remove();
    throw error;
  }
  return { path: join(path, "data"), [Symbol.asyncDispose]: remove };
}

async function cachedTemplate(options: TemplateOptions): Promise<string | undefined> {
  const cache = options.cacheDir ?? defaultCacheDir();
  try {
    await mkdir(cache, { recursive: true, mode: PRIVATE });
    if (!(await isOurs(cache))) return undefined;
  } catch {
    return undefined;
  }
  const template = join(cache, options.key);
  if (await isOurs(template).catch(() => false)) return template;
  const making = join(cache, `.${options.key}.${process.pid}.${randomUUID()}`);
  try {
    await mkdir(making, { mode: PRIVATE });
    await options.fill(join(making, "data"));
    await rename(join(making, "data"), template);
  } catch (error) {
    if (!(await isOurs(template).catch(() => false))) throw error;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return template;
}

/** A directory of this user that nobody else may write to. */
async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory);
  if (!found.isDirectory()) return false;
  if (process.getuid === undefined) return true;
  return found.uid === process.getuid() && (found.mode & 0o022) === 0;
}

function defaultCacheDir(): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  if (platform() === "win32" && local !== undefined) return join(local, "hasten-doctor");
  if (platform() === "darwin") return join(homedir(), "Library", "Caches", "hasten-doctor");
  return join(xdg === undefined || xdg === "" ? join(homedir(), ".cache") : xdg, "hasten-doctor");
}

/** Removes what processes that no longer live have left. */
async function sweep(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  const left = names.filter((name) => isLeft(name)).slice(0, SWEEP_MAX);
  for (const name of left) {
    const path = join(tmpdir(), name);
    if (await isOurs(path).catch(() => false))
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isLeft(name: string): boolean {
  if (!name.startsWith(WORKING_PREFIX)) return false;
  const pid = Number.parseInt(name.slice(WORKING_PREFIX.length), 10);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}
