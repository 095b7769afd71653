/** Ways to get the protocol wrong. The model must find a stale answer for each. */
export const MUTANTS = {
  "blind-set": "a fill stores whatever happened since its capture",
  "late-capture": "the capture is taken when the load has ended",
  "missing-is-zero": "a tag without a record counts as never invalidated",
  "wall-clock-tags": "captures by the loader's own clock, which is ahead",
  "unsealed-flight": "a flight is joined while its FILL is under way",
  "landed-before-fill": "who joined is answered, and L1 filled, before FILL was heard",
  "marks-shed-silently": "a generation of marks is dropped and the floor stays",
  "marks-lost-silently": "evicted marks count as no invalidations",
  "fill-lowers-clock": "a fill writes the number it captured back to the clock",
  "fill-lowers-record": "a fill overwrites the record of a tag, and does not look at it",
  "expire-does-not-mark": "an expiry leaves no mark for loads under way",
  "present-tags-unmarked": "tags that have a record are not marked",
  "records-without-marks":
    "a missing record is made from the capture, without marks (rejected draft)",
  "lost-epoch": "a new clock begins with the old epoch",
  "run-id-unchecked": "what a lagging replica kept is taken for the present",
  "arrival-does-not-renew": "who comes from another server goes on where that one's clock fits",
  "confirmed-by-xread": "entries after a position, without head and contiguity",
  "confirmed-at-receipt": "a confirmation counts from when its reply came",
  "first-confirmation-keeps": "the first position starts no new trust",
  "fence-unasked": "what was read is put into L1 whatever was heard meanwhile",
  "capture-of-read":
    "a value made from one in memory is filled by the capture of its READ, which may be ahead of what was heard here",
  "own-read-overtakes": "reads do not wait for own invalidations that are under way",
} as const;

export type Mutant = keyof typeof MUTANTS;
export type Wrong = ReadonlySet<Mutant>;
export const NOTHING_WRONG: Wrong = new Set();
