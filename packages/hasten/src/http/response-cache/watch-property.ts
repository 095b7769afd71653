/** Notes when a property of a request is read, whether it is there, not there, or an accessor. */
import type { IncomingMessage } from "node:http";

export type Note = (name: string) => void;

export interface Watch {
  readonly req: IncomingMessage;
  readonly note: Note;
  readonly undo: (() => void)[];
}

/** Puts an accessor in a property's place. It is asked only when the handler asks. */
export function watchProperty(watch: Watch, name: string, seen: (value: unknown) => unknown): void {
  const { req, undo } = watch;
  const own = Object.getOwnPropertyDescriptor(req, name);
  if (own?.configurable === false) return;
  const prototype: object = Object.getPrototypeOf(req);
  let last: unknown;
  let lastSeen: unknown;
  const get = (): unknown => {
    const value: unknown =
      own === undefined ? Reflect.get(prototype, name, req) : current(own, req);
    // One object is one proxy, so that it stays identical to itself.
    if (typeof value !== "object" || value === null) return seen(value);
    if (value !== last) {
      last = value;
      lastSeen = seen(value);
    } else if (lastSeen === value) seen(value);
    return lastSeen;
  };
  const set = (value: unknown): void => {
    if (own?.set !== undefined) own.set.call(req, value);
    else Object.defineProperty(req, name, { ...DATA, value });
  };
  Object.defineProperty(req, name, {
    configurable: true,
    enumerable: own?.enumerable ?? false,
    get,
    set,
  });
  undo.push(() => {
    // The handler may have replaced it; then its value stays.
    if (Object.getOwnPropertyDescriptor(req, name)?.get !== get) return;
    if (own === undefined) Reflect.deleteProperty(req, name);
    else Object.defineProperty(req, name, own);
  });
}

const DATA = { configurable: true, enumerable: true, writable: true } as const;

function current(own: PropertyDescriptor, req: IncomingMessage): unknown {
  return own.get === undefined ? own.value : own.get.call(req);
}
