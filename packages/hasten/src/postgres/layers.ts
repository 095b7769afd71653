/**
 * Methods of an object that is not ours, with something of ours around them.
 *
 * Invariants:
 * - Several may be around one method, and go in any order: what is taken away from the middle only
 *   passes on, and is gone when the one above it goes.
 * - With the last one the object has what it had before; what it inherited is inherited again.
 */
type Method = (this: unknown, ...parts: unknown[]) => unknown;

interface Layer {
  /** What is below, as the object had it; undefined: inherited. */
  own: PropertyDescriptor | undefined;
  /** The same as a function. */
  below: Method;
  live: boolean;
}

const layers = new WeakMap<object, Layer>();

/**
 * Puts `make(below)` around `target[name]`, and gives how to take it away.
 * @param make its result is called with the arguments and the `this` of each call
 */
export function addLayer<M extends (...parts: never[]) => unknown>(
  target: object,
  name: string,
  make: (below: M) => M,
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  const layer: Layer = { own, below: methodOf(target, name), live: true };
  const below: Method = function (...parts) {
    return layer.below.apply(this, parts);
  };
  const made = make(below as unknown as M) as unknown as Method;
  const installed: Method = function (...parts) {
    return layer.live ? made.apply(this, parts) : layer.below.apply(this, parts);
  };
  layers.set(installed, layer);
  Object.defineProperty(target, name, {
    value: installed,
    configurable: true,
    enumerable: own?.enumerable ?? false,
    writable: true,
  });
  return () => {
    if (!layer.live) return;
    layer.live = false;
    const now = Object.getOwnPropertyDescriptor(target, name);
    if (now?.value === installed) assign(target, name, layer.own);
  };
}

/** Gives an object back what it had, under whatever was put around it since. */
export function putBackUnder(
  target: object,
  name: string,
  own: PropertyDescriptor | undefined,
): void {
  const current = Object.getOwnPropertyDescriptor(target, name)?.value as object | undefined;
  let lowest = layerOf(current);
  if (lowest === undefined) {
    assign(target, name, own);
    return;
  }
  for (let next = lowest; next !== undefined; next = layerOf(next.own?.value)!) lowest = next;
  lowest.own = own;
  lowest.below = (own?.value ?? inherited(target, name)) as Method;
}

const layerOf = (method: unknown): Layer | undefined =>
  typeof method === "function" ? layers.get(method) : undefined;

const methodOf = (target: object, name: string): Method =>
  (target as Record<string, Method>)[name]!;

const inherited = (target: object, name: string): unknown =>
  (Object.getPrototypeOf(target) as Record<string, unknown> | null)?.[name];

/** Those that were taken away from the middle go on the way. */
function assign(target: object, name: string, own: PropertyDescriptor | undefined): void {
  let wanted = own;
  for (let layer = layerOf(wanted?.value); layer?.live === false; layer = layerOf(wanted?.value))
    wanted = layer.own;
  if (wanted === undefined) Reflect.deleteProperty(target, name);
  else Object.defineProperty(target, name, wanted);
}
