/** Mistakes, planted in the text of the rules: what each of them says must be noticed by the cases. */
export interface Mutant {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  "n+1: one repeat too few is enough": {
    file: "rules/n-plus-one.ts",
    from: "records.length < repeatsMin) return",
    to: "records.length < repeatsMin - 1) return",
  },
  "n+1: the same parameters count as different": {
    file: "rules/n-plus-one.ts",
    from: "if (distinctOf(records) < distinctMin) return false;",
    to: "",
  },
  "n+1: a line that was seen once is a loop": {
    file: "rules/n-plus-one.ts",
    from: "sampled < 2",
    to: "sampled < 1",
  },
  "n+1: loads by many keys are told": {
    file: "rules/n-plus-one.ts",
    from: "records[0]!.shape.traits.batched ||",
    to: "",
  },
  "n+1: the floor of time always holds": {
    file: "rules/n-plus-one.ts",
    from: "quick && records.length < repeatsMin * ALWAYS_FACTOR",
    to: "quick",
  },
  "n+1: pages are told": { file: "rules/n-plus-one.ts", from: "isPaging(records) ||", to: "" },
  "n+1: validators are told": {
    file: "rules/n-plus-one.ts",
    from: "isCheckedBeforeInsert(records, facts) ||",
    to: "",
  },
  "n+1: items in transactions of their own are told": {
    file: "rules/loops.ts",
    from: "return writing.size * 2 >= numbers.size;",
    to: "return false;",
  },
  "n+1: reading in transactions of their own is let pass": {
    file: "rules/loops.ts",
    from: "return writing.size * 2 >= numbers.size;",
    to: "return true;",
  },
  "duplicate: parameters are not looked at": {
    file: "rules/duplicate.ts",
    from: "$" + "{dataOf(record)}",
    to: "",
  },
  "duplicate: writes in between are not seen": {
    file: "rules/duplicate.ts",
    from: 'record.shape.role === "write" && mayChange(record, words, asked)',
    to: "false",
  },
  "duplicate: any write is one in between": {
    file: "rules/duplicate.ts",
    from: "table === undefined || words.has(table)",
    to: "true",
  },
  "duplicate: waiting is told": {
    file: "rules/duplicate.ts",
    from: "&& !isPolling(run, facts)",
    to: "",
  },
  "duplicate: what is one row after the other is waiting": {
    file: "rules/duplicate.ts",
    from: "if (looks.every(({ rows }) => rows === 0))",
    to: "if (run[0]!.shape.traits.limited) return true;\n  if (looks.every(({ rows }) => rows === 0))",
  },
  "duplicate: N+1 is told twice": {
    file: "rules/duplicate.ts",
    from: "|| isClaimed(group, claimed)",
    to: "",
  },
  "serial: where parameters come from is not asked": {
    file: "rules/serial.ts",
    from: "return values.every((value) => known.has(valueKey(value)) || (counted && isNoNumber(value)));",
    to: "return true;",
  },
  "serial: a word may come from a count": {
    file: "rules/serial.ts",
    from: "|| (counted && isNoNumber(value))",
    to: "",
  },
  "serial: no number comes from a count": {
    file: "rules/serial.ts",
    from: "|| (counted && isNoNumber(value))",
    to: "|| counted",
  },
  "n+1: one that follows is enough for a chain": {
    file: "rules/loops.ts",
    from: "records.every(({ follows }, at) => at === 0 || follows)",
    to: "records.some(({ follows }) => follows)",
  },
  "n+1: chains are told": { file: "rules/n-plus-one.ts", from: "isChain(records)", to: "false" },
  "n+1: variants are told": {
    file: "rules/n-plus-one.ts",
    from: "isTryingVariants(records) ||",
    to: "",
  },
  "n+1: any words are variants": {
    file: "rules/loops.ts",
    from: "text.startsWith(first[at]!)",
    to: "text !== first[at]",
  },
  "n+1: what is locked to be written is told": {
    file: "rules/n-plus-one.ts",
    from: "isLockedToBeWritten(records, facts) ||",
    to: "",
  },
  "n+1: what is locked is let pass": {
    file: "rules/loops.ts",
    from: "return writes.length * 2 >= records.length;",
    to: "return true;",
  },
  "serial: a lookup decides nothing": {
    file: "rules/serial.ts",
    from: "open = !mayDecide(record);",
    to: "open = true;",
  },
  "serial: all that finds one row decides": {
    file: "rules/serial.ts",
    from: "return looksUp && !AGGREGATE.test(shape.statement);",
    to: "return rows === 1;",
  },
  "serial: side by side is serial": {
    file: "rules/serial.ts",
    from: "idleMs < 0 ||",
    to: "",
  },
  "serial: one transaction has many connections": {
    file: "rules/serial.ts",
    from: "record.transaction === 0 &&",
    to: "",
  },
  "serial: data in the text are constants": {
    file: "rules/serial.ts",
    from: "return !holdsData(shape.statement);",
    to: "return true;",
  },
  "unbounded: a limit is none": {
    file: "rules/large-answers.ts",
    from: "!limited && !batched &&",
    to: "!batched &&",
  },
  "unbounded: streams hold their rows": {
    file: "rules/large-answers.ts",
    from: "record.streamed ||",
    to: "",
  },
  "SELECT *: narrow rows are told": {
    file: "rules/large-answers.ts",
    from: "&& bytes / rows >= thresholds.wideRowBytesMin",
    to: "",
  },
  "SELECT *: named columns are told": {
    file: "rules/large-answers.ts",
    from: "!shape.traits.selectsEverything ||",
    to: "",
  },
  "budget: the last one allowed is one too many": {
    file: "rules/budget.ts",
    from: "count <= thresholds.statementsMax",
    to: "count < thresholds.statementsMax",
  },
  "what a cache answered is judged": {
    file: "exempt.ts",
    from: 'record.unjudged || record.cache === "hit"',
    to: "record.unjudged",
  },
  "what is excepted is judged": {
    file: "exempt.ts",
    from: 'record.unjudged || record.cache === "hit"',
    to: 'record.cache === "hit"',
  },
  "queues are judged": {
    file: "exempt.ts",
    from: 'record.application !== "" && QUEUES.test(record.application)',
    to: "false",
  },
  "writes are always judged": {
    file: "facts.ts",
    from: "!(writes && isRowWrite(record))",
    to: "!isRowWrite(record)",
  },
};
