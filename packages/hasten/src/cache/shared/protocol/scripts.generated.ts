// Made from lua/*.lua by `node tools/src/lua.ts`; `npm run check -- lua` compares.
import type { RedisScript } from "../../../redis/index.ts";

export const confirm: RedisScript = {
  name: "confirm",
  sha: "c93ff8e8420b0993d9a7d6980858d57d08b7e69f",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local entries = redis.pcall('XRANGE', SPACE .. 'log', '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])
if entries.err then entries = {} end
local sources = redis.pcall('HGETALL', SPACE .. 'src')
if sources.err then sources = {} end
local clock = redis.pcall('GET', KEYS[1])
return { type(clock) == 'string' and clock, redis.call('TIME'), entries, sources }
`,
};

export const extend: RedisScript = {
  name: "extend",
  sha: "2e27b9f7d747b78c0b0f696fc2021869a48f6db1",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local function lease_holder(key)
local holder = redis.pcall('HGET', key, 'h')
if type(holder) == 'table' then
redis.call('UNLINK', key)
return false
end
return holder
end
local function lease_end(clock, key, holder, wake, log_kept)
if holder == '' or lease_holder(key) ~= holder then return 0 end
local waiting = redis.call('HGET', key, 'w')
redis.call('UNLINK', key)
if waiting and clock then log_append(clock, wake, log_kept) end
return 1
end
local key = key_of(ARGV[1], 'l', 'L')
if lease_holder(key) ~= ARGV[2] then return 0 end
return redis.call('PEXPIRE', key, ARGV[3])
`,
};

export const fill: RedisScript = {
  name: "fill",
  sha: "fd8f92c088e4c75b9b275b3e2b414ffd1ef21e93",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local function whole(number)
return string.format('%.0f', number)
end
local function now_us()
local time = redis.call('TIME')
return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function clock_read(run_id)
local raw = redis.pcall('GET', KEYS[1])
if type(raw) ~= 'string' then return nil, 0 end
local epoch, seq, head, run, deleted, expired, floor, generation =
string.match(raw, '^(%x+) (%d+) (%d+) (%S+) (%d+) (%d+) (%d+) ([01])$')
if not epoch or #epoch ~= 16 then return nil, 0 end
if run ~= run_id then return nil, tonumber(seq) end
return {
epoch = epoch, seq = tonumber(seq), head = tonumber(head), run_id = run,
deleted = tonumber(deleted), expired = tonumber(expired),
floor = tonumber(floor), generation = tonumber(generation)
}
end
local function clock_text(clock)
return clock.epoch .. ' ' .. whole(clock.seq) .. ' ' .. whole(clock.head) .. ' ' .. clock.run_id
.. ' ' .. whole(clock.deleted) .. ' ' .. whole(clock.expired) .. ' ' .. whole(clock.floor)
.. ' ' .. whole(clock.generation)
end
local function clock_write(clock)
redis.call('SET', KEYS[1], clock_text(clock))
end
local function clock_advance(clock)
local now = now_us()
clock.seq = clock.seq + 1
if now > clock.seq then clock.seq = now end
return clock.seq
end
local function marks_key(generation)
return SPACE .. 'm' .. whole(generation)
end
local function marks_begin(clock)
clock.floor = clock.seq
clock_write(clock)
local sentinel = clock.epoch .. ' ' .. whole(clock.seq)
redis.call('UNLINK', marks_key(0), marks_key(1))
redis.call('HSET', marks_key(0), '', sentinel)
redis.call('HSET', marks_key(1), '', sentinel)
end
local function marks_whole(clock)
for generation = 0, 1 do
local sentinel = redis.pcall('HGET', marks_key(generation), '')
if type(sentinel) ~= 'string' or string.sub(sentinel, 1, 16) ~= clock.epoch then return false end
end
return true
end
local function marks_of(clock, names)
if #names == 0 then return {} end
local found = redis.call('HMGET', marks_key(clock.generation), unpack(names))
local older = redis.call('HMGET', marks_key(1 - clock.generation), unpack(names))
for index = 1, #names do
local mark = found[index] or older[index]
found[index] = mark and tonumber(mark)
end
return found
end
local function marks_add(clock, names, kept)
if #names == 0 then return end
local current = marks_key(clock.generation)
local seq = whole(clock.seq)
local pairs_of = {}
for _, name in ipairs(names) do
pairs_of[#pairs_of + 1] = name
pairs_of[#pairs_of + 1] = seq
end
redis.call('HSET', current, unpack(pairs_of))
if redis.call('HLEN', current) - 1 <= kept / 2 then return end
clock.floor = tonumber(string.sub(redis.call('HGET', current, ''), 18))
clock.generation = 1 - clock.generation
clock_write(clock)
local next_key = marks_key(clock.generation)
redis.call('UNLINK', next_key)
redis.call('HSET', next_key, '', clock.epoch .. ' ' .. seq)
end
local function log_append(clock, body, kept)
clock.head = clock.head + 1
clock_write(clock)
local key = SPACE .. 'log'
local id = whole(clock.head) .. '-0'
local added = redis.pcall('XADD', key, 'MAXLEN', '~', kept, id, 'b', body)
if type(added) == 'table' and added.err then
redis.call('UNLINK', key)
redis.call('XADD', key, id, 'b', body)
end
end
local function wide(number)
return string.format('%016.0f', number)
end
local function record_read(raw, epoch)
if not raw or string.sub(raw, 1, 16) ~= epoch then return nil end
local deleted, expired, until_ms =
string.match(raw, '^ (%d+) (%d+) (%d+)$', 17)
if not deleted or #deleted ~= 16 or #expired ~= 16 then return nil end
return { deleted = tonumber(deleted), expired = tonumber(expired), until_ms = tonumber(until_ms) }
end
local function record_write(name, epoch, record, now_ms)
redis.call('SET', SPACE .. name,
epoch .. ' ' .. wide(record.deleted) .. ' ' .. wide(record.expired) .. ' ' .. whole(record.until_ms),
'PX', whole(record.until_ms - now_ms))
end
local function records_raw(names)
if #names == 0 then return {} end
local keys = {}
for index, name in ipairs(names) do keys[index] = SPACE .. name end
return redis.call('MGET', unpack(keys))
end
local function records_keep(clock, names, raws, keep_ms)
local now_ms = math.floor(now_us() / 1000)
local needed = now_ms + keep_ms
local generous = needed + math.floor(keep_ms / 4)
local marks = nil
for index, name in ipairs(names) do
local record = record_read(raws[index], clock.epoch)
if not record then
marks = marks or marks_of(clock, names)
record_write(name, clock.epoch, {
deleted = marks[index] or clock.floor, expired = 0, until_ms = generous
}, now_ms)
elseif record.until_ms < needed then
record.until_ms = generous
record_write(name, clock.epoch, record, now_ms)
end
end
end
local function lease_holder(key)
local holder = redis.pcall('HGET', key, 'h')
if type(holder) == 'table' then
redis.call('UNLINK', key)
return false
end
return holder
end
local function lease_end(clock, key, holder, wake, log_kept)
if holder == '' or lease_holder(key) ~= holder then return 0 end
local waiting = redis.call('HGET', key, 'w')
redis.call('UNLINK', key)
if waiting and clock then log_append(clock, wake, log_kept) end
return 1
end
local captured = tonumber(ARGV[3])
local key_name = ARGV[4]
local entry_key = key_of(key_name, 'e', 'E')
local clock = clock_read(ARGV[1])
local names = {}
for index = 10, #ARGV do names[#names + 1] = ARGV[index] end
local function refusal(raws)
if not clock or clock.epoch ~= ARGV[2] or clock.seq < captured then return 'lost' end
if clock.deleted > captured or clock.expired > captured then return 'cleared' end
if not marks_whole(clock) then marks_begin(clock) end
if clock.floor > captured then return 'floor' end
if clock.seq > captured then
local marks = marks_of(clock, names)
marks[#names + 1] = marks_of(clock, { key_name })[1]
for index = 1, #names + 1 do
if marks[index] and marks[index] > captured then return 'marked' end
end
end
for index = 1, #names do
local record = record_read(raws[index], clock.epoch)
if record and (record.deleted > captured or record.expired > captured) then return 'record' end
end
local there = redis.pcall('GETRANGE', entry_key, 0, 34)
if type(there) == 'string' and string.sub(there, 1, 2) == 'H1'
and string.sub(there, 4, 19) == clock.epoch
and (tonumber(string.sub(there, 20, 35)) or 0) > captured then return 'newer' end
return nil
end
local raws = records_raw(names)
local outcome = refusal(raws)
if not outcome then
outcome = 'stored'
local seq = wide(captured)
records_keep(clock, names, raws, tonumber(ARGV[6]))
redis.call('SET', entry_key, 'H10' .. clock.epoch .. seq .. seq .. ARGV[9], 'PX', ARGV[6])
end
lease_end(clock, key_of(key_name, 'l', 'L'), ARGV[5], ARGV[7], ARGV[8])
return { outcome, clock and clock_text(clock) or false }
`,
};

export const increment: RedisScript = {
  name: "increment",
  sha: "ed31c7f59453a53167a60c95aeb32151954de96d",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local function whole(number)
return string.format('%.0f', number)
end
local function now_us()
local time = redis.call('TIME')
return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function clock_read(run_id)
local raw = redis.pcall('GET', KEYS[1])
if type(raw) ~= 'string' then return nil, 0 end
local epoch, seq, head, run, deleted, expired, floor, generation =
string.match(raw, '^(%x+) (%d+) (%d+) (%S+) (%d+) (%d+) (%d+) ([01])$')
if not epoch or #epoch ~= 16 then return nil, 0 end
if run ~= run_id then return nil, tonumber(seq) end
return {
epoch = epoch, seq = tonumber(seq), head = tonumber(head), run_id = run,
deleted = tonumber(deleted), expired = tonumber(expired),
floor = tonumber(floor), generation = tonumber(generation)
}
end
local function clock_text(clock)
return clock.epoch .. ' ' .. whole(clock.seq) .. ' ' .. whole(clock.head) .. ' ' .. clock.run_id
.. ' ' .. whole(clock.deleted) .. ' ' .. whole(clock.expired) .. ' ' .. whole(clock.floor)
.. ' ' .. whole(clock.generation)
end
local function clock_write(clock)
redis.call('SET', KEYS[1], clock_text(clock))
end
local function clock_advance(clock)
local now = now_us()
clock.seq = clock.seq + 1
if now > clock.seq then clock.seq = now end
return clock.seq
end
local function marks_key(generation)
return SPACE .. 'm' .. whole(generation)
end
local function marks_begin(clock)
clock.floor = clock.seq
clock_write(clock)
local sentinel = clock.epoch .. ' ' .. whole(clock.seq)
redis.call('UNLINK', marks_key(0), marks_key(1))
redis.call('HSET', marks_key(0), '', sentinel)
redis.call('HSET', marks_key(1), '', sentinel)
end
local function marks_whole(clock)
for generation = 0, 1 do
local sentinel = redis.pcall('HGET', marks_key(generation), '')
if type(sentinel) ~= 'string' or string.sub(sentinel, 1, 16) ~= clock.epoch then return false end
end
return true
end
local function marks_of(clock, names)
if #names == 0 then return {} end
local found = redis.call('HMGET', marks_key(clock.generation), unpack(names))
local older = redis.call('HMGET', marks_key(1 - clock.generation), unpack(names))
for index = 1, #names do
local mark = found[index] or older[index]
found[index] = mark and tonumber(mark)
end
return found
end
local function marks_add(clock, names, kept)
if #names == 0 then return end
local current = marks_key(clock.generation)
local seq = whole(clock.seq)
local pairs_of = {}
for _, name in ipairs(names) do
pairs_of[#pairs_of + 1] = name
pairs_of[#pairs_of + 1] = seq
end
redis.call('HSET', current, unpack(pairs_of))
if redis.call('HLEN', current) - 1 <= kept / 2 then return end
clock.floor = tonumber(string.sub(redis.call('HGET', current, ''), 18))
clock.generation = 1 - clock.generation
clock_write(clock)
local next_key = marks_key(clock.generation)
redis.call('UNLINK', next_key)
redis.call('HSET', next_key, '', clock.epoch .. ' ' .. seq)
end
local function log_append(clock, body, kept)
clock.head = clock.head + 1
clock_write(clock)
local key = SPACE .. 'log'
local id = whole(clock.head) .. '-0'
local added = redis.pcall('XADD', key, 'MAXLEN', '~', kept, id, 'b', body)
if type(added) == 'table' and added.err then
redis.call('UNLINK', key)
redis.call('XADD', key, id, 'b', body)
end
end
local function clock_begin(run_id, epoch, seq_before)
local now = now_us()
local seq = seq_before + 1
if now > seq then seq = now end
local clock = {
epoch = epoch, seq = seq, head = 0, run_id = run_id,
deleted = 0, expired = 0, floor = seq, generation = 0
}
redis.call('UNLINK', SPACE .. 'log', SPACE .. 'src')
marks_begin(clock)
return clock
end
local function clock_ready(run_id, epoch)
local clock, seq_before = clock_read(run_id)
if not clock then return clock_begin(run_id, epoch, seq_before), 1 end
if not marks_whole(clock) then marks_begin(clock) end
return clock, 0
end
local function wide(number)
return string.format('%016.0f', number)
end
local function record_read(raw, epoch)
if not raw or string.sub(raw, 1, 16) ~= epoch then return nil end
local deleted, expired, until_ms =
string.match(raw, '^ (%d+) (%d+) (%d+)$', 17)
if not deleted or #deleted ~= 16 or #expired ~= 16 then return nil end
return { deleted = tonumber(deleted), expired = tonumber(expired), until_ms = tonumber(until_ms) }
end
local function record_write(name, epoch, record, now_ms)
redis.call('SET', SPACE .. name,
epoch .. ' ' .. wide(record.deleted) .. ' ' .. wide(record.expired) .. ' ' .. whole(record.until_ms),
'PX', whole(record.until_ms - now_ms))
end
local function records_raw(names)
if #names == 0 then return {} end
local keys = {}
for index, name in ipairs(names) do keys[index] = SPACE .. name end
return redis.call('MGET', unpack(keys))
end
local function records_keep(clock, names, raws, keep_ms)
local now_ms = math.floor(now_us() / 1000)
local needed = now_ms + keep_ms
local generous = needed + math.floor(keep_ms / 4)
local marks = nil
for index, name in ipairs(names) do
local record = record_read(raws[index], clock.epoch)
if not record then
marks = marks or marks_of(clock, names)
record_write(name, clock.epoch, {
deleted = marks[index] or clock.floor, expired = 0, until_ms = generous
}, now_ms)
elseif record.until_ms < needed then
record.until_ms = generous
record_write(name, clock.epoch, record, now_ms)
end
end
end
local ENTRY_BODY = 52
local ENTRY_TAG_COUNT = ENTRY_BODY + 38
local ENTRY_TAGS = ENTRY_BODY + 40
local ENTRY_TAGS_MAX = 256
local function entry_tags(entry)
local length = #entry
if length < ENTRY_TAGS + 3 or string.sub(entry, 1, 2) ~= 'H1' then return nil end
local count = struct.unpack('>I2', entry, ENTRY_TAG_COUNT)
if count > ENTRY_TAGS_MAX then return nil end
local names = {}
local at = ENTRY_TAGS
for index = 1, count do
if at + 1 > length then return nil end
local size = struct.unpack('>I2', entry, at)
if at + 1 + size > length then return nil end
names[index] = string.sub(entry, at + 2, at + 1 + size)
at = at + 2 + size
end
return names
end
local function crc32(text)
local step = {}
for nibble = 0, 15 do
local value = nibble
for _ = 1, 4 do
local odd = bit.band(value, 1) == 1
value = bit.rshift(value, 1)
if odd then value = bit.bxor(value, 0xEDB88320) end
end
step[nibble] = value
end
local crc = 0xFFFFFFFF
for index = 1, #text do
crc = bit.bxor(crc, string.byte(text, index))
crc = bit.bxor(bit.rshift(crc, 4), step[bit.band(crc, 15)])
crc = bit.bxor(bit.rshift(crc, 4), step[bit.band(crc, 15)])
end
return bit.bnot(crc)
end
local COUNTER_BYTES_MAX = 65536
local function fresh_body(clock, entry, names, raws)
if not entry or string.sub(entry, 1, 3) ~= 'H10' or #entry > COUNTER_BYTES_MAX then return nil end
if string.sub(entry, 4, 19) ~= clock.epoch or string.sub(entry, 20, 35) ~= string.sub(entry, 36, 51)
then return nil end
local seq = tonumber(string.sub(entry, 20, 35))
local tags = entry_tags(entry)
if not seq or not tags or clock.deleted > seq or clock.expired > seq then return nil end
local body = string.sub(entry, ENTRY_BODY)
if struct.unpack('>d', body) <= now_us() / 1000 then return nil end
if string.sub(body, -4) ~= struct.pack('>i4', crc32(string.sub(body, 1, -5))) then return nil end
for _, list in ipairs({ raws, records_raw(tags) }) do
for index = 1, list == raws and #names or #tags do
local record = record_read(list[index], clock.epoch)
if not record or record.deleted > seq or record.expired > seq then return nil end
end
end
return body
end
local function number_in(body, form)
if string.byte(body, 33) ~= form then return nil end
local size = struct.unpack('>I4', body, 35)
local text = string.sub(body, -4 - size, -5)
if not string.find(text, '^%-?%d[%d.eE+-]*$') then return nil end
return tonumber(text)
end
local function body_with(body, text)
local size = struct.unpack('>I4', body, 35)
local changed = string.sub(body, 1, 34) .. struct.pack('>I4', #text)
.. string.sub(body, 39, -5 - size) .. text
return changed .. struct.pack('>i4', crc32(changed))
end
local clock, renewed = clock_ready(ARGV[1], ARGV[2])
local key_name = ARGV[3]
local entry_key = key_of(key_name, 'e', 'E')
local prefixes = {}
local names = {}
for index = 11, #ARGV do
names[#names + 1] = ARGV[index]
if index - 10 <= tonumber(ARGV[10]) then prefixes[#prefixes + 1] = ARGV[index] end
end
local entry = redis.call('MGET', entry_key)[1]
local body = fresh_body(clock, entry, prefixes, records_raw(prefixes))
local before = 0
if body then
before = number_in(body, string.byte(ARGV[8], 33))
if not before then return { 'notNumber' } end
end
local sum = before + tonumber(ARGV[9])
if sum ~= sum or sum == math.huge or sum == -math.huge then return { 'notNumber' } end
clock_advance(clock)
marks_add(clock, { key_name }, tonumber(ARGV[7]))
log_append(clock, ARGV[5], ARGV[6])
local text = string.format('%.17g', sum)
local start = 'H10' .. clock.epoch .. wide(clock.seq) .. wide(clock.seq)
if body then
redis.call('SET', entry_key, start .. body_with(body, text), 'KEEPTTL')
else
records_keep(clock, names, records_raw(names), tonumber(ARGV[4]))
redis.call('SET', entry_key, start .. body_with(ARGV[8], text), 'PX', ARGV[4])
end
redis.call('UNLINK', key_of(key_name, 'l', 'L'))
return { 'added', text, clock_text(clock), renewed }
`,
};

export const invalidate: RedisScript = {
  name: "invalidate",
  sha: "9c6a12223cd348f2854372f7f268df02687ac1a9",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local function whole(number)
return string.format('%.0f', number)
end
local function now_us()
local time = redis.call('TIME')
return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function clock_read(run_id)
local raw = redis.pcall('GET', KEYS[1])
if type(raw) ~= 'string' then return nil, 0 end
local epoch, seq, head, run, deleted, expired, floor, generation =
string.match(raw, '^(%x+) (%d+) (%d+) (%S+) (%d+) (%d+) (%d+) ([01])$')
if not epoch or #epoch ~= 16 then return nil, 0 end
if run ~= run_id then return nil, tonumber(seq) end
return {
epoch = epoch, seq = tonumber(seq), head = tonumber(head), run_id = run,
deleted = tonumber(deleted), expired = tonumber(expired),
floor = tonumber(floor), generation = tonumber(generation)
}
end
local function clock_text(clock)
return clock.epoch .. ' ' .. whole(clock.seq) .. ' ' .. whole(clock.head) .. ' ' .. clock.run_id
.. ' ' .. whole(clock.deleted) .. ' ' .. whole(clock.expired) .. ' ' .. whole(clock.floor)
.. ' ' .. whole(clock.generation)
end
local function clock_write(clock)
redis.call('SET', KEYS[1], clock_text(clock))
end
local function clock_advance(clock)
local now = now_us()
clock.seq = clock.seq + 1
if now > clock.seq then clock.seq = now end
return clock.seq
end
local function marks_key(generation)
return SPACE .. 'm' .. whole(generation)
end
local function marks_begin(clock)
clock.floor = clock.seq
clock_write(clock)
local sentinel = clock.epoch .. ' ' .. whole(clock.seq)
redis.call('UNLINK', marks_key(0), marks_key(1))
redis.call('HSET', marks_key(0), '', sentinel)
redis.call('HSET', marks_key(1), '', sentinel)
end
local function marks_whole(clock)
for generation = 0, 1 do
local sentinel = redis.pcall('HGET', marks_key(generation), '')
if type(sentinel) ~= 'string' or string.sub(sentinel, 1, 16) ~= clock.epoch then return false end
end
return true
end
local function marks_of(clock, names)
if #names == 0 then return {} end
local found = redis.call('HMGET', marks_key(clock.generation), unpack(names))
local older = redis.call('HMGET', marks_key(1 - clock.generation), unpack(names))
for index = 1, #names do
local mark = found[index] or older[index]
found[index] = mark and tonumber(mark)
end
return found
end
local function marks_add(clock, names, kept)
if #names == 0 then return end
local current = marks_key(clock.generation)
local seq = whole(clock.seq)
local pairs_of = {}
for _, name in ipairs(names) do
pairs_of[#pairs_of + 1] = name
pairs_of[#pairs_of + 1] = seq
end
redis.call('HSET', current, unpack(pairs_of))
if redis.call('HLEN', current) - 1 <= kept / 2 then return end
clock.floor = tonumber(string.sub(redis.call('HGET', current, ''), 18))
clock.generation = 1 - clock.generation
clock_write(clock)
local next_key = marks_key(clock.generation)
redis.call('UNLINK', next_key)
redis.call('HSET', next_key, '', clock.epoch .. ' ' .. seq)
end
local function log_append(clock, body, kept)
clock.head = clock.head + 1
clock_write(clock)
local key = SPACE .. 'log'
local id = whole(clock.head) .. '-0'
local added = redis.pcall('XADD', key, 'MAXLEN', '~', kept, id, 'b', body)
if type(added) == 'table' and added.err then
redis.call('UNLINK', key)
redis.call('XADD', key, id, 'b', body)
end
end
local function clock_begin(run_id, epoch, seq_before)
local now = now_us()
local seq = seq_before + 1
if now > seq then seq = now end
local clock = {
epoch = epoch, seq = seq, head = 0, run_id = run_id,
deleted = 0, expired = 0, floor = seq, generation = 0
}
redis.call('UNLINK', SPACE .. 'log', SPACE .. 'src')
marks_begin(clock)
return clock
end
local function clock_ready(run_id, epoch)
local clock, seq_before = clock_read(run_id)
if not clock then return clock_begin(run_id, epoch, seq_before), 1 end
if not marks_whole(clock) then marks_begin(clock) end
return clock, 0
end
local function wide(number)
return string.format('%016.0f', number)
end
local function record_read(raw, epoch)
if not raw or string.sub(raw, 1, 16) ~= epoch then return nil end
local deleted, expired, until_ms =
string.match(raw, '^ (%d+) (%d+) (%d+)$', 17)
if not deleted or #deleted ~= 16 or #expired ~= 16 then return nil end
return { deleted = tonumber(deleted), expired = tonumber(expired), until_ms = tonumber(until_ms) }
end
local function record_write(name, epoch, record, now_ms)
redis.call('SET', SPACE .. name,
epoch .. ' ' .. wide(record.deleted) .. ' ' .. wide(record.expired) .. ' ' .. whole(record.until_ms),
'PX', whole(record.until_ms - now_ms))
end
local function records_raw(names)
if #names == 0 then return {} end
local keys = {}
for index, name in ipairs(names) do keys[index] = SPACE .. name end
return redis.call('MGET', unpack(keys))
end
redis.call('UNLINK', SPACE .. '-')
local clock, renewed = clock_ready(ARGV[1], ARGV[2])
local deletes = ARGV[3] == 'd'
local seq = clock_advance(clock)
local names = {}
local held = {}
local gone = {}
for index = 8, #ARGV do
local name = ARGV[index]
names[#names + 1] = name
local letter = string.byte(name)
if letter ~= 107 and letter ~= 75 then
held[#held + 1] = name
elseif deletes then
gone[#gone + 1] = key_of(name, 'e', 'E')
gone[#gone + 1] = key_of(name, 'l', 'L')
else
local key = key_of(name, 'e', 'E')
local live = redis.pcall('GETRANGE', key, 0, 2)
if live == 'H10' then
redis.call('SETRANGE', key, 2, 'x')
redis.call('SETRANGE', key, 35, wide(seq))
end
end
end
if ARGV[4] == '1' then
if deletes then clock.deleted = seq else clock.expired = seq end
end
marks_add(clock, names, tonumber(ARGV[7]))
for index, raw in ipairs(records_raw(held)) do
if record_read(raw, clock.epoch) then
redis.call('SETRANGE', SPACE .. held[index], deletes and 17 or 34, wide(seq))
end
end
if #gone > 0 then redis.call('UNLINK', unpack(gone)) end
log_append(clock, ARGV[5], ARGV[6])
return { clock_text(clock), renewed }
`,
};

export const lease: RedisScript = {
  name: "lease",
  sha: "a5f6845a36404dfeb8a1e610563d06c3b6103953",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local ENTRY_BODY = 52
local ENTRY_TAG_COUNT = ENTRY_BODY + 38
local ENTRY_TAGS = ENTRY_BODY + 40
local ENTRY_TAGS_MAX = 256
local function entry_tags(entry)
local length = #entry
if length < ENTRY_TAGS + 3 or string.sub(entry, 1, 2) ~= 'H1' then return nil end
local count = struct.unpack('>I2', entry, ENTRY_TAG_COUNT)
if count > ENTRY_TAGS_MAX then return nil end
local names = {}
local at = ENTRY_TAGS
for index = 1, count do
if at + 1 > length then return nil end
local size = struct.unpack('>I2', entry, at)
if at + 1 + size > length then return nil end
names[index] = string.sub(entry, at + 2, at + 1 + size)
at = at + 2 + size
end
return names
end
local function records_raw(names)
if #names == 0 then return {} end
local keys = {}
for index, name in ipairs(names) do keys[index] = SPACE .. name end
return redis.call('MGET', unpack(keys))
end
local function look(entry_key, first)
local both = redis.call('MGET', KEYS[1], entry_key)
local names = {}
for index = first, #ARGV do names[#names + 1] = ARGV[index] end
local tags = both[2] and entry_tags(both[2]) or {}
return both[1], both[2], records_raw(names), records_raw(tags)
end
local function lease_holder(key)
local holder = redis.pcall('HGET', key, 'h')
if type(holder) == 'table' then
redis.call('UNLINK', key)
return false
end
return holder
end
local function lease_end(clock, key, holder, wake, log_kept)
if holder == '' or lease_holder(key) ~= holder then return 0 end
local waiting = redis.call('HGET', key, 'w')
redis.call('UNLINK', key)
if waiting and clock then log_append(clock, wake, log_kept) end
return 1
end
local key = key_of(ARGV[1], 'l', 'L')
local holder = lease_holder(key)
local mine = 0
local left = tonumber(ARGV[3])
if holder and holder ~= ARGV[2] then
redis.call('HSET', key, 'w', '1')
left = redis.call('PTTL', key)
if left < 0 then
redis.call('PEXPIRE', key, ARGV[3])
left = tonumber(ARGV[3])
end
else
mine = 1
redis.call('HSET', key, 'h', ARGV[2])
redis.call('PEXPIRE', key, ARGV[3])
end
local clock, entry, declared, tags = look(key_of(ARGV[1], 'e', 'E'), 4)
return { mine, left, clock, entry, declared, tags }
`,
};

export const leave: RedisScript = {
  name: "leave",
  sha: "2c419e7f9fbc8ecd73658d2970a13c514eff4310",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local function whole(number)
return string.format('%.0f', number)
end
local function now_us()
local time = redis.call('TIME')
return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function clock_read(run_id)
local raw = redis.pcall('GET', KEYS[1])
if type(raw) ~= 'string' then return nil, 0 end
local epoch, seq, head, run, deleted, expired, floor, generation =
string.match(raw, '^(%x+) (%d+) (%d+) (%S+) (%d+) (%d+) (%d+) ([01])$')
if not epoch or #epoch ~= 16 then return nil, 0 end
if run ~= run_id then return nil, tonumber(seq) end
return {
epoch = epoch, seq = tonumber(seq), head = tonumber(head), run_id = run,
deleted = tonumber(deleted), expired = tonumber(expired),
floor = tonumber(floor), generation = tonumber(generation)
}
end
local function clock_text(clock)
return clock.epoch .. ' ' .. whole(clock.seq) .. ' ' .. whole(clock.head) .. ' ' .. clock.run_id
.. ' ' .. whole(clock.deleted) .. ' ' .. whole(clock.expired) .. ' ' .. whole(clock.floor)
.. ' ' .. whole(clock.generation)
end
local function clock_write(clock)
redis.call('SET', KEYS[1], clock_text(clock))
end
local function clock_advance(clock)
local now = now_us()
clock.seq = clock.seq + 1
if now > clock.seq then clock.seq = now end
return clock.seq
end
local function log_append(clock, body, kept)
clock.head = clock.head + 1
clock_write(clock)
local key = SPACE .. 'log'
local id = whole(clock.head) .. '-0'
local added = redis.pcall('XADD', key, 'MAXLEN', '~', kept, id, 'b', body)
if type(added) == 'table' and added.err then
redis.call('UNLINK', key)
redis.call('XADD', key, id, 'b', body)
end
end
local clock = clock_read(ARGV[1])
if not clock then return { 'lost' } end
local key = SPACE .. 'src'
local raw = redis.pcall('HGET', key, ARGV[2])
if type(raw) == 'table' then
redis.call('UNLINK', key)
raw = false
end
local now_ms = math.floor(now_us() / 1000)
local until_ms, record
if raw then until_ms, record = string.match(raw, '^(%d+) (.*)$') end
local over = not record or now_ms >= tonumber(until_ms)
local expected = ARGV[3] == '1' and ARGV[4] or nil
if record ~= expected or (ARGV[8] == '1' and not over) then
return { 'other', record or false, over and 1 or 0 }
end
if ARGV[5] == '1' then
redis.call('HSET', key, ARGV[2], whole(now_ms + tonumber(ARGV[7])) .. ' ' .. ARGV[6])
else
redis.call('HDEL', key, ARGV[2])
end
if ARGV[9] ~= '' then log_append(clock, ARGV[9], ARGV[10]) end
return { 'left' }
`,
};

export const put: RedisScript = {
  name: "put",
  sha: "8e36cdc7f9e6b7882ad9efd8814f8960b9463842",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local function whole(number)
return string.format('%.0f', number)
end
local function now_us()
local time = redis.call('TIME')
return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function clock_read(run_id)
local raw = redis.pcall('GET', KEYS[1])
if type(raw) ~= 'string' then return nil, 0 end
local epoch, seq, head, run, deleted, expired, floor, generation =
string.match(raw, '^(%x+) (%d+) (%d+) (%S+) (%d+) (%d+) (%d+) ([01])$')
if not epoch or #epoch ~= 16 then return nil, 0 end
if run ~= run_id then return nil, tonumber(seq) end
return {
epoch = epoch, seq = tonumber(seq), head = tonumber(head), run_id = run,
deleted = tonumber(deleted), expired = tonumber(expired),
floor = tonumber(floor), generation = tonumber(generation)
}
end
local function clock_text(clock)
return clock.epoch .. ' ' .. whole(clock.seq) .. ' ' .. whole(clock.head) .. ' ' .. clock.run_id
.. ' ' .. whole(clock.deleted) .. ' ' .. whole(clock.expired) .. ' ' .. whole(clock.floor)
.. ' ' .. whole(clock.generation)
end
local function clock_write(clock)
redis.call('SET', KEYS[1], clock_text(clock))
end
local function clock_advance(clock)
local now = now_us()
clock.seq = clock.seq + 1
if now > clock.seq then clock.seq = now end
return clock.seq
end
local function marks_key(generation)
return SPACE .. 'm' .. whole(generation)
end
local function marks_begin(clock)
clock.floor = clock.seq
clock_write(clock)
local sentinel = clock.epoch .. ' ' .. whole(clock.seq)
redis.call('UNLINK', marks_key(0), marks_key(1))
redis.call('HSET', marks_key(0), '', sentinel)
redis.call('HSET', marks_key(1), '', sentinel)
end
local function marks_whole(clock)
for generation = 0, 1 do
local sentinel = redis.pcall('HGET', marks_key(generation), '')
if type(sentinel) ~= 'string' or string.sub(sentinel, 1, 16) ~= clock.epoch then return false end
end
return true
end
local function marks_of(clock, names)
if #names == 0 then return {} end
local found = redis.call('HMGET', marks_key(clock.generation), unpack(names))
local older = redis.call('HMGET', marks_key(1 - clock.generation), unpack(names))
for index = 1, #names do
local mark = found[index] or older[index]
found[index] = mark and tonumber(mark)
end
return found
end
local function marks_add(clock, names, kept)
if #names == 0 then return end
local current = marks_key(clock.generation)
local seq = whole(clock.seq)
local pairs_of = {}
for _, name in ipairs(names) do
pairs_of[#pairs_of + 1] = name
pairs_of[#pairs_of + 1] = seq
end
redis.call('HSET', current, unpack(pairs_of))
if redis.call('HLEN', current) - 1 <= kept / 2 then return end
clock.floor = tonumber(string.sub(redis.call('HGET', current, ''), 18))
clock.generation = 1 - clock.generation
clock_write(clock)
local next_key = marks_key(clock.generation)
redis.call('UNLINK', next_key)
redis.call('HSET', next_key, '', clock.epoch .. ' ' .. seq)
end
local function log_append(clock, body, kept)
clock.head = clock.head + 1
clock_write(clock)
local key = SPACE .. 'log'
local id = whole(clock.head) .. '-0'
local added = redis.pcall('XADD', key, 'MAXLEN', '~', kept, id, 'b', body)
if type(added) == 'table' and added.err then
redis.call('UNLINK', key)
redis.call('XADD', key, id, 'b', body)
end
end
local function clock_begin(run_id, epoch, seq_before)
local now = now_us()
local seq = seq_before + 1
if now > seq then seq = now end
local clock = {
epoch = epoch, seq = seq, head = 0, run_id = run_id,
deleted = 0, expired = 0, floor = seq, generation = 0
}
redis.call('UNLINK', SPACE .. 'log', SPACE .. 'src')
marks_begin(clock)
return clock
end
local function clock_ready(run_id, epoch)
local clock, seq_before = clock_read(run_id)
if not clock then return clock_begin(run_id, epoch, seq_before), 1 end
if not marks_whole(clock) then marks_begin(clock) end
return clock, 0
end
local function wide(number)
return string.format('%016.0f', number)
end
local function record_read(raw, epoch)
if not raw or string.sub(raw, 1, 16) ~= epoch then return nil end
local deleted, expired, until_ms =
string.match(raw, '^ (%d+) (%d+) (%d+)$', 17)
if not deleted or #deleted ~= 16 or #expired ~= 16 then return nil end
return { deleted = tonumber(deleted), expired = tonumber(expired), until_ms = tonumber(until_ms) }
end
local function record_write(name, epoch, record, now_ms)
redis.call('SET', SPACE .. name,
epoch .. ' ' .. wide(record.deleted) .. ' ' .. wide(record.expired) .. ' ' .. whole(record.until_ms),
'PX', whole(record.until_ms - now_ms))
end
local function records_raw(names)
if #names == 0 then return {} end
local keys = {}
for index, name in ipairs(names) do keys[index] = SPACE .. name end
return redis.call('MGET', unpack(keys))
end
local function records_keep(clock, names, raws, keep_ms)
local now_ms = math.floor(now_us() / 1000)
local needed = now_ms + keep_ms
local generous = needed + math.floor(keep_ms / 4)
local marks = nil
for index, name in ipairs(names) do
local record = record_read(raws[index], clock.epoch)
if not record then
marks = marks or marks_of(clock, names)
record_write(name, clock.epoch, {
deleted = marks[index] or clock.floor, expired = 0, until_ms = generous
}, now_ms)
elseif record.until_ms < needed then
record.until_ms = generous
record_write(name, clock.epoch, record, now_ms)
end
end
end
local clock, renewed = clock_ready(ARGV[1], ARGV[2])
local key_name = ARGV[3]
local names = {}
for index = 9, #ARGV do names[#names + 1] = ARGV[index] end
clock_advance(clock)
marks_add(clock, { key_name }, tonumber(ARGV[7]))
log_append(clock, ARGV[5], ARGV[6])
records_keep(clock, names, records_raw(names), tonumber(ARGV[4]))
local seq = wide(clock.seq)
redis.call('UNLINK', key_of(key_name, 'l', 'L'))
redis.call('SET', key_of(key_name, 'e', 'E'),
'H10' .. clock.epoch .. seq .. seq .. ARGV[8], 'PX', ARGV[4])
return { clock_text(clock), renewed }
`,
};

export const read: RedisScript = {
  name: "read",
  sha: "7aa21b0edb534cea28841e0cbeb3ce68b90ceb2b",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local ENTRY_BODY = 52
local ENTRY_TAG_COUNT = ENTRY_BODY + 38
local ENTRY_TAGS = ENTRY_BODY + 40
local ENTRY_TAGS_MAX = 256
local function entry_tags(entry)
local length = #entry
if length < ENTRY_TAGS + 3 or string.sub(entry, 1, 2) ~= 'H1' then return nil end
local count = struct.unpack('>I2', entry, ENTRY_TAG_COUNT)
if count > ENTRY_TAGS_MAX then return nil end
local names = {}
local at = ENTRY_TAGS
for index = 1, count do
if at + 1 > length then return nil end
local size = struct.unpack('>I2', entry, at)
if at + 1 + size > length then return nil end
names[index] = string.sub(entry, at + 2, at + 1 + size)
at = at + 2 + size
end
return names
end
local function records_raw(names)
if #names == 0 then return {} end
local keys = {}
for index, name in ipairs(names) do keys[index] = SPACE .. name end
return redis.call('MGET', unpack(keys))
end
local function look(entry_key, first)
local both = redis.call('MGET', KEYS[1], entry_key)
local names = {}
for index = first, #ARGV do names[#names + 1] = ARGV[index] end
local tags = both[2] and entry_tags(both[2]) or {}
return both[1], both[2], records_raw(names), records_raw(tags)
end
local clock, entry, declared, tags = look(SPACE .. ARGV[1], 2)
return { clock, entry, declared, tags }
`,
};

export const release: RedisScript = {
  name: "release",
  sha: "eab37d3863377311bb7654f26aef6e80debf993e",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local function whole(number)
return string.format('%.0f', number)
end
local function now_us()
local time = redis.call('TIME')
return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function clock_read(run_id)
local raw = redis.pcall('GET', KEYS[1])
if type(raw) ~= 'string' then return nil, 0 end
local epoch, seq, head, run, deleted, expired, floor, generation =
string.match(raw, '^(%x+) (%d+) (%d+) (%S+) (%d+) (%d+) (%d+) ([01])$')
if not epoch or #epoch ~= 16 then return nil, 0 end
if run ~= run_id then return nil, tonumber(seq) end
return {
epoch = epoch, seq = tonumber(seq), head = tonumber(head), run_id = run,
deleted = tonumber(deleted), expired = tonumber(expired),
floor = tonumber(floor), generation = tonumber(generation)
}
end
local function clock_text(clock)
return clock.epoch .. ' ' .. whole(clock.seq) .. ' ' .. whole(clock.head) .. ' ' .. clock.run_id
.. ' ' .. whole(clock.deleted) .. ' ' .. whole(clock.expired) .. ' ' .. whole(clock.floor)
.. ' ' .. whole(clock.generation)
end
local function clock_write(clock)
redis.call('SET', KEYS[1], clock_text(clock))
end
local function clock_advance(clock)
local now = now_us()
clock.seq = clock.seq + 1
if now > clock.seq then clock.seq = now end
return clock.seq
end
local function log_append(clock, body, kept)
clock.head = clock.head + 1
clock_write(clock)
local key = SPACE .. 'log'
local id = whole(clock.head) .. '-0'
local added = redis.pcall('XADD', key, 'MAXLEN', '~', kept, id, 'b', body)
if type(added) == 'table' and added.err then
redis.call('UNLINK', key)
redis.call('XADD', key, id, 'b', body)
end
end
local function lease_holder(key)
local holder = redis.pcall('HGET', key, 'h')
if type(holder) == 'table' then
redis.call('UNLINK', key)
return false
end
return holder
end
local function lease_end(clock, key, holder, wake, log_kept)
if holder == '' or lease_holder(key) ~= holder then return 0 end
local waiting = redis.call('HGET', key, 'w')
redis.call('UNLINK', key)
if waiting and clock then log_append(clock, wake, log_kept) end
return 1
end
local clock = clock_read(ARGV[1])
return lease_end(clock, key_of(ARGV[2], 'l', 'L'), ARGV[3], ARGV[4], ARGV[5])
`,
};

export const renew: RedisScript = {
  name: "renew",
  sha: "a30298e32864fe673ab11370c8ccb7f289d0ad97",
  source: `local SPACE = string.sub(KEYS[1], 1, -4)
local function key_of(name, small, capital)
local letter = string.byte(name) == 107 and small or capital
return SPACE .. letter .. string.sub(name, 2)
end
local function whole(number)
return string.format('%.0f', number)
end
local function now_us()
local time = redis.call('TIME')
return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function clock_read(run_id)
local raw = redis.pcall('GET', KEYS[1])
if type(raw) ~= 'string' then return nil, 0 end
local epoch, seq, head, run, deleted, expired, floor, generation =
string.match(raw, '^(%x+) (%d+) (%d+) (%S+) (%d+) (%d+) (%d+) ([01])$')
if not epoch or #epoch ~= 16 then return nil, 0 end
if run ~= run_id then return nil, tonumber(seq) end
return {
epoch = epoch, seq = tonumber(seq), head = tonumber(head), run_id = run,
deleted = tonumber(deleted), expired = tonumber(expired),
floor = tonumber(floor), generation = tonumber(generation)
}
end
local function clock_text(clock)
return clock.epoch .. ' ' .. whole(clock.seq) .. ' ' .. whole(clock.head) .. ' ' .. clock.run_id
.. ' ' .. whole(clock.deleted) .. ' ' .. whole(clock.expired) .. ' ' .. whole(clock.floor)
.. ' ' .. whole(clock.generation)
end
local function clock_write(clock)
redis.call('SET', KEYS[1], clock_text(clock))
end
local function clock_advance(clock)
local now = now_us()
clock.seq = clock.seq + 1
if now > clock.seq then clock.seq = now end
return clock.seq
end
local function marks_key(generation)
return SPACE .. 'm' .. whole(generation)
end
local function marks_begin(clock)
clock.floor = clock.seq
clock_write(clock)
local sentinel = clock.epoch .. ' ' .. whole(clock.seq)
redis.call('UNLINK', marks_key(0), marks_key(1))
redis.call('HSET', marks_key(0), '', sentinel)
redis.call('HSET', marks_key(1), '', sentinel)
end
local function marks_whole(clock)
for generation = 0, 1 do
local sentinel = redis.pcall('HGET', marks_key(generation), '')
if type(sentinel) ~= 'string' or string.sub(sentinel, 1, 16) ~= clock.epoch then return false end
end
return true
end
local function marks_of(clock, names)
if #names == 0 then return {} end
local found = redis.call('HMGET', marks_key(clock.generation), unpack(names))
local older = redis.call('HMGET', marks_key(1 - clock.generation), unpack(names))
for index = 1, #names do
local mark = found[index] or older[index]
found[index] = mark and tonumber(mark)
end
return found
end
local function marks_add(clock, names, kept)
if #names == 0 then return end
local current = marks_key(clock.generation)
local seq = whole(clock.seq)
local pairs_of = {}
for _, name in ipairs(names) do
pairs_of[#pairs_of + 1] = name
pairs_of[#pairs_of + 1] = seq
end
redis.call('HSET', current, unpack(pairs_of))
if redis.call('HLEN', current) - 1 <= kept / 2 then return end
clock.floor = tonumber(string.sub(redis.call('HGET', current, ''), 18))
clock.generation = 1 - clock.generation
clock_write(clock)
local next_key = marks_key(clock.generation)
redis.call('UNLINK', next_key)
redis.call('HSET', next_key, '', clock.epoch .. ' ' .. seq)
end
local function clock_begin(run_id, epoch, seq_before)
local now = now_us()
local seq = seq_before + 1
if now > seq then seq = now end
local clock = {
epoch = epoch, seq = seq, head = 0, run_id = run_id,
deleted = 0, expired = 0, floor = seq, generation = 0
}
redis.call('UNLINK', SPACE .. 'log', SPACE .. 'src')
marks_begin(clock)
return clock
end
local function clock_ready(run_id, epoch)
local clock, seq_before = clock_read(run_id)
if not clock then return clock_begin(run_id, epoch, seq_before), 1 end
if not marks_whole(clock) then marks_begin(clock) end
return clock, 0
end
local clock, seq_before = clock_read(ARGV[1])
if clock and clock.epoch ~= ARGV[2] then return clock_text(clock) end
redis.call('UNLINK', SPACE .. '-')
return clock_text(clock_begin(ARGV[1], ARGV[3], clock and clock.seq or seq_before))
`,
};
