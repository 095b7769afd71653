import { type SiteCapture, siteCapture } from "../core/trace/index.ts";

const wanted = new Set<SiteCapture>();
const usual: SiteCapture = { ...siteCapture };

/** Captures call sites as this asks for; of several that look, as the one does that asks for most. */
export function captureSites(capture: SiteCapture): () => void {
  const mine = { ...capture };
  wanted.add(mine);
  apply();
  return () => {
    wanted.delete(mine);
    apply();
  };
}

function apply(): void {
  const all = wanted.size === 0 ? [usual] : [...wanted];
  siteCapture.from = all.some(({ from }) => from === 1) ? 1 : 2;
  siteCapture.max = Math.max(...all.map(({ max }) => max));
}
