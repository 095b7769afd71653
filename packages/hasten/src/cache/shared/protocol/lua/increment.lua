-- INCREMENT: adds to a number in one step. One that is not valid any more counts as 0.
-- KEYS[1] clock
-- ARGV[1] run id of the server, [2] epoch to begin if the clock is lost, [3] name of the key (`k:…`),
--   [4] how long to keep it if it is new (ms), [5] log entry, [6] entries of the log to keep,
--   [7] marks to keep, [8] body of the entry if it is new (its number is ignored), [9] what to add,
--   [10] how many of the following are prefixes, [11…] names of its prefixes, then of its tags
-- Result: { 'added', the sum as text, clock, 1 if it was lost and began anew } or { 'notNumber' }
-- include space clock marks log epoch records records-raw keep entry crc counter
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
