import { randomUUID } from "node:crypto";
import { cp, lstat, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir, platform, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

const WORKING_PREFIX = "hasten-doctor-model-";
const PRIVATE = 0o700;
/** Directories left by killed processes that one start removes at most. */
const SWEEP_MAX = 20;

export interface WorkingDirectory extends AsyncDisposable {
  readonly path: string;
  /** What it is a copy of; undefined when the cache could not be used. */
  readonly template: string | undefined;
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
  await sweep(tmpdir(), WORKING_PREFIX);
  const path = await mkdtemp(join(tmpdir(), `${WORKING_PREFIX}${process.pid}-`));
  const data = join(path, "data");
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  try {
    const template = await cachedTemplate(options);
    const isCopy = template !== undefined && (await copied(template, data));
    if (!isCopy) await options.fill(data);
    return {
      path: data,
      template: isCopy ? template : undefined,
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Takes a template that does not start out of the cache: the next copy is of a new one. */
export async function forgetTemplate(template: string): Promise<void> {
  const away = join(dirname(template), `.${basename(template)}.${process.pid}.${randomUUID()}`);
  await rename(template, away).catch(() => undefined);
  await rm(away, { recursive: true, force: true });
}

/** Another process may take a template away meanwhile. */
async function copied(template: string, directory: string): Promise<boolean> {
  try {
    await cp(template, directory, { recursive: true });
    return true;
  } catch {
    await rm(directory, { recursive: true, force: true });
    return false;
  }
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
  await sweep(cache, `.${options.key}.`);
  const making = join(cache, `.${options.key}.${process.pid}.${randomUUID()}`);
  try {
    await mkdir(making, { mode: PRIVATE });
    await options.fill(join(making, "data"));
    await rename(join(making, "data"), template);
  } catch {
    // No room, perhaps: the working copy may lie on another disk, and is then made without a template.
    if (!(await isOurs(template).catch(() => false))) return undefined;
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

/** Removes what processes that no longer live have left: directories named `<prefix><pid>…`. */
async function sweep(directory: string, prefix: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  const left = names.filter((name) => isLeft(name, prefix)).slice(0, SWEEP_MAX);
  for (const name of left) {
    const path = join(directory, name);
    if (await isOurs(path).catch(() => false))
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isLeft(name: string, prefix: string): boolean {
  if (!name.startsWith(prefix)) return false;
  const pid = Number.parseInt(name.slice(prefix.length), 10);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}
