/**
 * Clients that our own Database has taken out of its pool: its statements are measured where their
 * outcome is known. What others send through that pool is measured by the watch.
 */
export const measuredClients: WeakSet<object> = new WeakSet();
