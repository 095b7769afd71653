-- PUT: stores a value of unknown age; the last to arrive wins, fills from before are void.
-- KEYS[1] clock
-- ARGV[1] run id of the server, [2] epoch to begin if the clock is lost, [3] name of the key (`k:…`),
--   [4] how long to keep it (ms), [5] log entry, [6] entries of the log to keep, [7] marks to keep,
--   [8] body of the entry, [9…] names of its tags and prefixes
-- Result: { clock, 1 if it was lost and began anew }
-- include space clock marks log epoch records records-raw keep
local clock, renewed = clock_ready(ARGV[1], ARGV[2])
local key_name = ARGV[3]
local names = {}
for index = 9, #ARGV do names[#names + 1] = ARGV[index] end
clock_advance(clock)
marks_add(clock, { key_name }, tonumber(ARGV[7]))
-- Before the entry: the clock must know the number first, or it could be given out again.
log_append(clock, ARGV[5], ARGV[6])
records_keep(clock, names, records_raw(names), tonumber(ARGV[4]))
local seq = wide(clock.seq)
redis.call('UNLINK', key_of(key_name, 'l', 'L'))
redis.call('SET', key_of(key_name, 'e', 'E'),
  'H10' .. clock.epoch .. seq .. seq .. ARGV[8], 'PX', ARGV[4])
return { clock_text(clock), renewed }
