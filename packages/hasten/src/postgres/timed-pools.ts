/** Pools whose waits for connections are told to traces already: nobody else adds them. */
export const timedPools: WeakSet<object> = new WeakSet<object>();
