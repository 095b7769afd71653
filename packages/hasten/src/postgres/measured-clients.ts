/** Clients of our own Database: its statements are measured where their outcome is known. */
export const measuredClients: WeakSet<object> = new WeakSet();
