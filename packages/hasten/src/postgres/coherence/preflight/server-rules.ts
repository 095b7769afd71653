/** What the server, the role and the way to it allow. */
import type { CoherencePromise } from "../../../core/trust.ts";
import { quoteIdentifier } from "../../ident.ts";
import { advises, blocks, narrows, type Rule } from "./rule.ts";

const version: Rule = ({ server }) => {
  if (server.versionNumber >= 140_000) return undefined;
  const stops: readonly CoherencePromise[] =
    server.versionNumber >= 130_000 ? ["stream"] : ["stream", "triggers"];
  return blocks("server-version", stops, {
    says: `The server is PostgreSQL ${server.version}; the stream needs 14, triggers need 13.`,
    fix: "Upgrade the server.",
  });
};

const recovery: Rule = ({ server }) =>
  server.inRecovery
    ? blocks("in-recovery", ["stream", "triggers"], {
        says: "This is a standby: it can be read only, so no heartbeat can be sent through its log.",
        fix: "Give the primary's address as directUrl; replicas may serve the application's reads.",
      })
    : undefined;

const pooler: Rule = ({ direct, url }) => {
  if (direct.pooler)
    return blocks("pooler", ["stream"], {
      says: "A connection pooler answers for the server: replication needs the server itself.",
      fix: "Pass directUrl, the same database without the pooler in between.",
    });
  if (url?.pooler !== true) return undefined;
  return advises("pooler", {
    says: "The application connects through a pooler, hasten beside it directly.",
    fix: "Nothing to do. With transaction pooling, SET outside a transaction reaches other clients: avoid it.",
  });
};

const otherDatabase: Rule = ({ direct, url }) =>
  url?.identity === undefined || direct.identity === undefined || url.identity === direct.identity
    ? undefined
    : blocks("other-database", ["stream", "triggers", "own-writes"], {
        says: "url and directUrl lead to different databases: changes of one say nothing of the other.",
        fix: "Make both lead to the same database of the same server.",
      });

const urlUnreachable: Rule = ({ url }) =>
  url?.refused === undefined
    ? undefined
    : advises("unreachable", {
        says: `The application's URL could not be used: ${url.refused}.`,
        fix: "Check that the pooler runs and can be reached.",
      });

const walLevel: Rule = ({ server }) =>
  server.walLevel === "logical"
    ? undefined
    : blocks("wal-level", ["stream"], {
        says: `wal_level is ${server.walLevel}; the stream needs logical.`,
        fix: "Set it and restart the server (managed servers: logical replication in the parameter group).",
        sql: ["ALTER SYSTEM SET wal_level = 'logical'"],
      });

const replicationRight: Rule = ({ server }) =>
  server.mayReplicate
    ? undefined
    : blocks("replication-right", ["stream"], {
        says: `The role ${server.role} may not replicate.`,
        fix: "Give it the right, as a superuser (RDS: grant rds_replication).",
        sql: [`ALTER ROLE ${quoteIdentifier(server.role)} REPLICATION`],
      });

const slots: Rule = ({ server, own }) =>
  server.slots - own < server.slotsMax
    ? undefined
    : blocks("slots-exhausted", ["stream"], {
        says: `All ${server.slotsMax} replication slots are in use.`,
        fix: "Drop slots that nobody uses, or raise the limit and restart; hasten tries again by itself.",
        sql: [
          "SELECT slot_name, active, restart_lsn FROM pg_replication_slots",
          `ALTER SYSTEM SET max_replication_slots = ${server.slotsMax + 10}`,
        ],
      });

const walSenders: Rule = ({ server, own }) =>
  server.walSenders - own < server.walSendersMax
    ? undefined
    : blocks("walsenders-exhausted", ["stream"], {
        says: `All ${server.walSendersMax} WAL senders are in use.`,
        fix: "Run fewer processes, or raise the limit and restart; hasten tries again by itself.",
        sql: [`ALTER SYSTEM SET max_wal_senders = ${server.walSendersMax + 10}`],
      });

/** Only what no other rule explains. */
const replicationRefused: Rule = (facts) => {
  const { replication } = facts;
  if (replication?.refused === undefined) return undefined;
  if ([walLevel, replicationRight, walSenders, pooler].some((rule) => rule(facts)?.stops.length))
    return undefined;
  return blocks("replication-refused", ["stream"], {
    says: `A replication connection was refused: ${replication.refused}.`,
    fix: "Allow it in pg_hba.conf (logical replication matches the database's name), and pass a directUrl without a pooler.",
  });
};

const processes: Rule = ({ server, own }) => {
  const senders = server.walSendersMax - server.walSenders + own;
  const free = Math.min(senders, server.slotsMax - server.slots + own);
  if (server.walLevel !== "logical" || free <= 0 || free >= 16) return undefined;
  return advises("processes", {
    says: `${free} more ${free === 1 ? "process" : "processes"} can stream from this server; a rolling restart needs one to spare.`,
    fix: "Raise both limits and restart the server where more will run.",
    sql: [
      `ALTER SYSTEM SET max_wal_senders = ${server.walSendersMax + 20}`,
      `ALTER SYSTEM SET max_replication_slots = ${server.slotsMax + 20}`,
    ],
  });
};

const synchronousCommit: Rule = ({ server }) =>
  server.synchronousCommit !== "off"
    ? undefined
    : advises("synchronous-commit", {
        says: "synchronous_commit is off: a commit may be acknowledged up to 0.6 s before it is in the log.",
        fix: "Nothing to do: hasten's heartbeat flushes the log, and settling a write does too. Foreign changes arrive with the next heartbeat.",
      });

const parser: Rule = ({ parser: present }) =>
  present
    ? undefined
    : narrows("parser-missing", {
        says: "The package libpg-query is not installed: no statement can be understood, every read is untracked.",
        fix: "Run npm install libpg-query@18 where the application runs.",
      });

export const SERVER_RULES: readonly Rule[] = [
  version,
  recovery,
  otherDatabase,
  urlUnreachable,
  pooler,
  walLevel,
  replicationRight,
  walSenders,
  slots,
  replicationRefused,
  parser,
  processes,
  synchronousCommit,
];
