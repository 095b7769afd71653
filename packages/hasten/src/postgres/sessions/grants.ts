import { quoteIdentifier } from "../ident.ts";

/**
 * What an administrator runs so that a role sees and may end the sessions of others, line by line.
 * Without them a role sees and ends its own.
 * @throws HST_PG_IDENTIFIER for a name that is none
 */
export function sessionGrants(role: string): readonly string[] {
  const name = quoteIdentifier(role);
  return [
    `grant pg_read_all_stats to ${name}; -- sees what sessions of other roles do`,
    `grant pg_signal_backend to ${name}; -- may cancel and end them, those of superusers never`,
    `grant pg_use_reserved_connections to ${name}; -- PostgreSQL 16: with reserved_connections > 0 it connects when the server is full`,
  ];
}
