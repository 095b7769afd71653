/** A cache of keys 0..keys-1 that holds `entriesMax` of them; only hits and misses matter. */
export interface Policy {
  /** True when `key` was held; otherwise the policy may take it in. */
  access(key: number): boolean;
}

export type PolicyFactory = (size: { entriesMax: number; keys: number }) => Policy;
