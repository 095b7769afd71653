/** What a statement's text tells about what it reads and writes. */

/** What the meaning of a text hangs on besides the text. */
export interface SessionFacts {
  /** The raw `search_path` setting of the connection. */
  readonly searchPath: string;
  /** The role that privileges and row security are judged by (`current_user`). */
  readonly role: string;
}

export type Analysis = ReadAnalysis | WriteAnalysis | SessionAnalysis | OpaqueAnalysis;

/** Reads nothing but what its tags name. */
export interface ReadAnalysis {
  readonly kind: "read";
  /** The tags of one run with these parameters (driver values, not yet text). */
  tagsOf(values: readonly unknown[]): readonly string[];
}

/** INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY FROM, DDL; alone or in a WITH. */
export interface WriteAnalysis {
  readonly kind: "write";
  /** What it makes untrue as far as its text and the foreign keys tell: table and broad tags. */
  readonly tags: readonly string[];
  /** False where triggers, rules or functions may write what the text does not name. */
  readonly complete: boolean;
  /** DDL: meanings of other texts may have changed. */
  readonly changesSchema: boolean;
}

/** Changes the connection or its transaction, reads nothing. */
export interface SessionAnalysis {
  readonly kind: "session";
  readonly effect: SessionEffect;
}

export type SessionEffect =
  | { readonly kind: "begin"; readonly isolation: Isolation | undefined }
  | { readonly kind: "isolation"; readonly isolation: Isolation }
  | { readonly kind: "commit" }
  | { readonly kind: "rollback" }
  | { readonly kind: "savepoint" }
  /** DISCARD ALL: everything as it was at connect. */
  | { readonly kind: "discard-all" }
  /** Settings of a fixed allow-list that change neither rows nor their meaning. */
  | { readonly kind: "harmless" }
  /** The meaning of later texts is no longer known: SET ROLE, search_path, temporary tables, … */
  | {
      readonly kind: "stateful";
      readonly because: string;
      /** Where it sets constants only: a pool that sends the same to each new connection is even. */
      readonly settings?: readonly SessionSetting[] | undefined;
    };

export interface SessionSetting {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
  /** SET LOCAL: until the transaction ends. */
  readonly local: boolean;
}

export type Isolation = "read uncommitted" | "read committed" | "repeatable read" | "serializable";

/** Not understood, or understood to be uncacheable: untracked. */
export interface OpaqueAnalysis {
  readonly kind: "opaque";
  /** For the author: `the function now()`, `EXECUTE`, `several statements in one text`. */
  readonly because: string;
  /** It may write: treat like a write that is not complete. */
  readonly mayWrite: boolean;
  /** It leaves the connection stateful. */
  readonly stateful: boolean;
  /** What it gives differs by who asks: row security, current_user, current_setting. */
  readonly personal?: boolean | undefined;
  /** Nothing tells when this no longer holds: what was read so is not kept at all. */
  readonly passing?: boolean | undefined;
  /** Stateful only until the transaction ends: `set_config(…, true)`. */
  readonly local?: boolean;
}

/** Analyses texts once each; bounded. Made by `createAnalyzer`. */
export interface Analyzer {
  /** The analysis if it is known now. Synchronous; undefined means: ask `analyse`. */
  peek(text: string, session: SessionFacts): Analysis | undefined;
  /** Never rejects: what fails is opaque. */
  analyse(text: string, session: SessionFacts): Promise<Analysis>;
}
