-- FILL: stores a loaded value unless something it depends on was invalidated since its capture,
-- or that is not known. Ends the lease either way.
-- KEYS[1] clock
-- ARGV[1] run id of the server, [2] epoch and [3] number of the capture, [4] name of the key (`k:…`),
--   [5] holder of the lease or '', [6] how long to keep it (ms), [7] log entry for who waits,
--   [8] entries of the log to keep, [9] body of the entry, [10…] names of its tags and prefixes
-- Result: { outcome, clock or false }; outcome: stored, lost, cleared, floor, marked, record, newer
-- include space clock marks log records records-raw keep lease
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
  -- Without any invalidation since the capture there is nothing to look for among the marks.
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
