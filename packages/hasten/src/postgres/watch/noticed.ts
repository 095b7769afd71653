/** The driver's methods behind those that notice who calls them: what is watched need not be noticed. */
export const noticed: WeakMap<object, unknown> = new WeakMap();

export function unnoticed<F extends object>(method: F): F {
  return (noticed.get(method) as F | undefined) ?? method;
}
