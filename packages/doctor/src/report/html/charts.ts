import { formatChange, formatCost } from "../format.ts";
import type { Score } from "../types.ts";
import { html, type Markup } from "./markup.ts";

const RING_RADIUS = 52;
const RING_LENGTH = 2 * Math.PI * RING_RADIUS;

/** The score as a ring that is as full as the score is high. */
export function scoreRing({ value, word }: Score): Markup {
  const filled = ((RING_LENGTH * value) / 100).toFixed(1);
  return html`<svg class="ring ${word}" viewBox="0 0 128 128" role="img" aria-label="Score ${value} of 100, ${word}">
<circle class="track" cx="64" cy="64" r="${RING_RADIUS}" />
<circle class="value" cx="64" cy="64" r="${RING_RADIUS}" stroke-dasharray="${filled} ${RING_LENGTH.toFixed(1)}" transform="rotate(-90 64 64)" />
<text class="number" x="64" y="70" text-anchor="middle">${value}</text>
<text class="word" x="64" y="88" text-anchor="middle">${word}</text>
</svg>`;
}

/** A bar of `share` of the room it is given; the number stands beside it in the text. */
export function shareBar(share: number, hot: boolean): Markup {
  const width = Math.max(0.4, Math.min(1, share) * 100).toFixed(2);
  return html`<svg class="bar${hot ? " hot" : ""}" height="8" aria-hidden="true"><rect class="track" width="100%" height="8" rx="4" /><rect class="value" width="${width}%" height="8" rx="4" /></svg>`;
}

/** How far a cost reaches on a scale of powers of ten whose end is `most`, 0 to 1. */
export const logShare = (cost: number, most: number): number =>
  most <= 0 ? 0 : Math.log10(1 + Math.max(0, cost)) / Math.log10(1 + most);

/** Two bars, one above the other, on one logarithmic scale. */
export function costBars(before: number, after: number, most: number): Markup {
  const width = (cost: number): string => `${(logShare(cost, most) * 100).toFixed(2)}%`;
  const label = `Cost ${formatCost(before)} before, ${formatCost(after)} after, ${formatChange(before, after)}`;
  return html`<svg class="costs" height="22" role="img" aria-label="${label}"><rect class="before" y="1" width="${width(before)}" height="8" rx="2" /><rect class="after" y="12" width="${width(after)}" height="8" rx="2" /></svg>`;
}
