import { putBackUnder } from "../layers.ts";

/** Remembers an object's own methods, to put them back: what it inherited is inherited again. */
export function puttingBack(target: object, names: readonly string[]): () => void {
  const before = names.map(
    (name) => [name, Object.getOwnPropertyDescriptor(target, name)] as const,
  );
  return () => {
    for (const [name, own] of before) putBackUnder(target, name, own);
  };
}
