/** An analyzer of few words, for tests of the watch alone. Knows only the statements they send. */
import { broadTag, rowTag, tableTag } from "../../src/core/sql-tag.ts";
import type { Analysis, Analyzer, SessionEffect } from "../../src/postgres/statements/analysis.ts";

/** Answers at once, or (`late`) only when asked asynchronously the first time. */
export function smallAnalyzer(database: string, { late = false } = {}): Analyzer {
  const known = new Set<string>();
  const analyse = (text: string): Analysis => understand(text, database);
  return {
    peek: (text) => (late && !known.has(text) ? undefined : analyse(text)),
    async analyse(text) {
      await new Promise((resolve) => setImmediate(resolve));
      known.add(text);
      return analyse(text);
    },
  };
}

const session = (effect: SessionEffect): Analysis => ({ kind: "session", effect });
const opaque = (because: string, mayWrite = false): Analysis => ({
  kind: "opaque",
  because,
  mayWrite,
  stateful: false,
});

function understand(text: string, database: string): Analysis {
  const words = text.trim().toLowerCase().replace(/;$/, "").replaceAll('"', "");
  if (words.includes(";"))
    return /^(set [^;]+;?)+$/.test(words)
      ? session({ kind: "harmless" })
      : opaque("several statements in one text", true);
  if (/^(begin|start transaction)/.test(words)) return session(begin(words));
  if (words.startsWith("commit prepared")) return opaque("COMMIT PREPARED", true);
  if (words === "commit") return session({ kind: "commit" });
  if (words === "discard all") return session({ kind: "discard-all" });
  if (/^rollback to|^savepoint|^release/.test(words)) return session({ kind: "savepoint" });
  if (/^rollback/.test(words)) return session({ kind: "rollback" });
  const setting = /^set (local )?([a-z_.]+)(?: to|=| =) '?([^']*)'?$/.exec(words);
  if (setting !== null) {
    const local = setting[1] !== undefined;
    const because = `SET ${local ? "LOCAL " : ""}${setting[2]}`;
    const settings = [{ name: setting[2]!, value: setting[3]!, local }];
    return session({ kind: "stateful", because, settings });
  }
  if (words.startsWith("set ")) return session({ kind: "stateful", because: "SET" });
  if (words.startsWith("create temp"))
    return { kind: "opaque", because: "a temporary table", mayWrite: true, stateful: true };
  if (/^(create|alter|drop)/.test(words)) return write(words, database, true);
  if (/^(insert|update|delete|truncate)/.test(words)) return write(words, database, false);
  if (words.includes("set_config"))
    return {
      kind: "opaque",
      because: "the function set_config()",
      mayWrite: false,
      stateful: true,
    };
  if (/pg_sleep|now\(\)|version\(\)|pg_type|fetch |do |call /.test(words))
    return opaque("a function");
  const table = /\bfrom (?:public\.)?([a-z_]+)/.exec(words)?.[1];
  if (table === undefined) return opaque(`unknown: ${words.slice(0, 40)}`);
  const tag = tableTag({ database, schema: "public", table });
  if (!/\bid = \$1/.test(words)) return { kind: "read", tagsOf: () => [tag] };
  return {
    kind: "read",
    tagsOf: ([id]) => [rowTag(tag, "id", String(id)), broadTag(tag)],
  };
}

function begin(words: string): SessionEffect {
  const isolation = /repeatable read|serializable|read committed/.exec(words)?.[0];
  return { kind: "begin", isolation: isolation as "serializable" | undefined };
}

function write(words: string, database: string, changesSchema: boolean): Analysis {
  const table = /(?:into|update|from|table|truncate) (?:public\.)?([a-z_]+)/.exec(words)?.[1] ?? "";
  const tag = tableTag({ database, schema: "public", table });
  return { kind: "write", tags: [tag, broadTag(tag)], complete: true, changesSchema };
}
