/**
 * What an error of the server says about the connection it came on.
 *
 * `elsewhere`: this server is not, or no longer, the one to ask: nothing was done; connect anew.
 * `paused`: it answers nobody now: nothing was done; ask again when a probe is answered.
 * `refused`: it did not do this; everything else goes on.
 */
export type ReplyRule = "elsewhere" | "paused" | "refused";

const RULES: Readonly<Record<string, ReplyRule>> = {
  // A replica now: failover, or somebody ran REPLICAOF.
  READONLY: "elsewhere",
  // A replica that has lost its master and may not answer.
  MASTERDOWN: "elsewhere",
  // The slot lives on another server.
  MOVED: "elsewhere",
  CLUSTERDOWN: "elsewhere",
  // It has just started, or reads everything anew.
  LOADING: "elsewhere",
  // The password was changed after this connection was authenticated.
  NOAUTH: "elsewhere",
  // A script that runs too long blocks everyone.
  BUSY: "paused",
  // Everything that follows is about this one command; named for those who look for them.
  OOM: "refused",
  MISCONF: "refused",
  NOREPLICAS: "refused",
  NOPERM: "refused",
  // The slot is being moved: until that ends, neither server can do it.
  ASK: "refused",
  TRYAGAIN: "refused",
};

export function replyRule(kind: string): ReplyRule {
  return RULES[kind] ?? "refused";
}
