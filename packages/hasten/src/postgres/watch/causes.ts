/** Why a read is not tracked, in words for the author of the route. */
export const CAUSES: {
  readonly adrift: string;
  readonly failed: string;
  readonly writes: string;
  readonly afterWrite: string;
  readonly oldSnapshot: string;
  readonly unmapped: string;
  readonly noSource: string;
  readonly otherDatabase: string;
  readonly unidentified: string;
  readonly noSystem: string;
  readonly preparing: string;
  readonly usedBefore: string;
  readonly beforeOpen: string;
  readonly noFacts: string;
  readonly noText: string;
  readonly timedOut: string;
  readonly replica: string;
  readonly display: string;
  readonly searchPath: string;
  readonly role: string;
  readonly changedSession: string;
  readonly backslashes: string;
  readonly parameters: string;
  readonly client: string;
  readonly pool: string;
} = {
  adrift:
    "a query outside any trace while this one was open: its context was lost, or it is background work; run that in untraced()",
  failed: "a query that failed",
  writes: "a statement that writes",
  afterWrite: "a read after a write in its transaction",
  oldSnapshot: "a transaction that began before this trace",
  unmapped: "tables changed before the statement was understood for the first time",
  noSource: "nothing tells what changes",
  otherDatabase: "a connection to another database than the one whose changes are known",
  unidentified:
    "a connection whose server was not compared yet with the one whose changes are known",
  noSystem:
    "a replica that cannot be told from those of other servers: its role may not call pg_control_system()",
  preparing: "the catalog was read to prepare a new connection",
  usedBefore: "a connection that was changed before it was watched",
  beforeOpen: "a query sent before its connection was open",
  noFacts: "a connection whose role and settings could not be asked for",
  noText: "a prepared statement whose text is not known",
  timedOut: "a connection on which a query was given up",
  replica: "a replica that has not replayed the changes known here",
  display:
    "a connection whose time zone, date style or encoding is not that of the others of its pool",
  searchPath: "a connection whose search_path was changed",
  role: "a connection whose role was changed",
  changedSession: "a query sent before what precedes it on its connection had ended",
  backslashes: "a connection with standard_conforming_strings off",
  parameters: "parameters that could not be understood",
  client: "a pg client that is not watched: give it to watch()",
  pool: "a pg pool that is not watched: give it to watch()",
};
