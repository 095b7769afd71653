/** Pools whose statements are understood: what is read there is kept only while it is known to be true. */
export const watchedPools: WeakSet<object> = new WeakSet<object>();
