-- LEAVE: writes or removes what a node says of a source of changes, if what stands there is still
-- what it expects (and, where wanted, only if its time is over). Gone with the epoch.
-- KEYS[1] clock
-- ARGV[1] run id of the server, [2] source, [3] '1' if a record is expected, [4] that record,
--   [5] '1' to write a record, '0' to remove it, [6] the record, [7] how long its time is (ms),
--   [8] '1' only if the time of the one there is over, [9] log entry for who follows or '',
--   [10] entries of the log to keep
-- Result: { 'left' }, { 'lost' } or { 'other', record there or false, 1 if its time is over }
-- include space clock log
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
