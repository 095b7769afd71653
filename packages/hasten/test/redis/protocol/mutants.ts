/** Scripts that are wrong in one place each: what the tests must notice. */
import type { Mutation } from "./shard.ts";

/** Replaces text that must be there in some script. */
function replaced(what: string, by: string): Mutation {
  return (source) => source.replaceAll(what, by);
}

export const MUTANTS: Readonly<Record<string, Mutation>> = {
  "a tag that exists is not marked": replaced(
    "marks_add(clock, names, tonumber(ARGV[7]))\nfor index, raw in ipairs(records_raw(held)) do\n",
    "local unknown = {}\nlocal raws_held = records_raw(held)\nfor _, name in ipairs(names) do local there = false\nfor index, one in ipairs(held) do if one == name and raws_held[index] then there = true end end\nif not there then unknown[#unknown + 1] = name end end\nmarks_add(clock, unknown, tonumber(ARGV[7]))\nfor index, raw in ipairs(records_raw(held)) do\n",
  ),
  "keys are not marked": replaced(
    "names[#names + 1] = name\nlocal letter = string.byte(name)\n",
    "local letter = string.byte(name)\nif letter ~= 107 and letter ~= 75 then names[#names + 1] = name end\n",
  ),
  "expire does not mark": replaced(
    "marks_add(clock, names, tonumber(ARGV[7]))\nfor",
    "if deletes then marks_add(clock, names, tonumber(ARGV[7])) end\nfor",
  ),
  "the floor does not rise when marks rotate": replaced(
    "clock.floor = tonumber(string.sub(redis.call('HGET', current, ''), 18))\n",
    "",
  ),
  "the floor does not rise when marks were lost": replaced(
    "local function marks_begin(clock)\nclock.floor = clock.seq\n",
    "local function marks_begin(clock)\n",
  ),
  "lost marks are not noticed": replaced(
    "if type(sentinel) ~= 'string' or string.sub(sentinel, 1, 16) ~= clock.epoch then return false end\n",
    "",
  ),
  "a fill lowers a record": replaced(
    "elseif record.until_ms < needed then\n",
    "else\nrecord.deleted = clock.floor\nrecord.expired = 0\n",
  ),
  "a missing record is created as never invalidated": replaced(
    "deleted = marks[index] or clock.floor",
    "deleted = 0",
  ),
  "a fill does not look at marks": replaced("if clock.seq > captured then\n", "if false then\n"),
  "a fill does not look at the floor": replaced(
    "if clock.floor > captured then return 'floor' end\n",
    "",
  ),
  "a fill is not refused after a clear": replaced(
    "if clock.deleted > captured or clock.expired > captured then return 'cleared' end\n",
    "",
  ),
  "a fill does not compare epochs": replaced("or clock.epoch ~= ARGV[2] or", "or"),
  "another server's clock is taken": replaced(
    "if run ~= run_id then return nil, tonumber(seq) end\n",
    "",
  ),
  "a fill replaces a newer entry": replaced("> captured then return 'newer' end", "< 0 then end"),
  "a fill is blind": replaced(
    "local outcome = refusal(raws)\nif not outcome then",
    "local outcome = not clock and 'lost' or nil\nif not outcome then",
  ),
  "the older hash of marks is not looked at": replaced(
    "local mark = found[index] or older[index]",
    "local mark = found[index]",
  ),
  "the log's counter skips": replaced(
    "clock.head = clock.head + 1\n",
    "clock.head = clock.head + 2\n",
  ),
  "a new epoch keeps its log": replaced(
    "redis.call('UNLINK', SPACE .. 'log', SPACE .. 'src')\n",
    "",
  ),
  "the sequence may stand still": replaced("clock.seq = clock.seq + 1\n", ""),
  "sequences are printed short": replaced(
    "local function whole(number)\nreturn string.format('%.0f', number)\n",
    "local function whole(number)\nreturn tostring(number)\n",
  ),
  "expire deletes only": replaced("deletes and 17 or 34", "17"),
  "a delete leaves the lease": replaced("gone[#gone + 1] = key_of(name, 'l', 'L')\n", ""),
  "a lease is ended by anybody": replaced("lease_holder(key) ~= holder", "not lease_holder(key)"),
  "who waits is not woken": replaced("if waiting and clock then", "if false then"),
  "renew always wins": replaced(
    "if clock and clock.epoch ~= ARGV[2] then return clock_text(clock) end\n",
    "",
  ),
  "a source's record is overwritten": replaced("if record ~= expected or", "if"),
  "a counter forgets to mark": replaced(
    "clock_advance(clock)\nmarks_add(clock, { key_name }, tonumber(ARGV[7]))\nlog_append(clock, ARGV[5], ARGV[6])\nlocal text",
    "clock_advance(clock)\nlog_append(clock, ARGV[5], ARGV[6])\nlocal text",
  ),
};
