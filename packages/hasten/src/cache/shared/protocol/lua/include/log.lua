-- The log: a stream whose IDs count from 1 without a gap, the latest being the clock's head.
-- Writes the clock first: an entry that could not be added is then seen as a gap.
local function log_append(clock, body, kept)
  clock.head = clock.head + 1
  clock_write(clock)
  local key = SPACE .. 'log'
  local id = whole(clock.head) .. '-0'
  local added = redis.pcall('XADD', key, 'MAXLEN', '~', kept, id, 'b', body)
  if type(added) == 'table' and added.err then
    -- Not ours any more: another type, or an ID from elsewhere. Who reads it sees the gap.
    redis.call('UNLINK', key)
    redis.call('XADD', key, id, 'b', body)
  end
end
