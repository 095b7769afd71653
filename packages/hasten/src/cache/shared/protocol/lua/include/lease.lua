-- A lease: a hash of holder `h` and, once somebody waits, `w`.
local function lease_holder(key)
  local holder = redis.pcall('HGET', key, 'h')
  if type(holder) == 'table' then
    redis.call('UNLINK', key)
    return false
  end
  return holder
end

-- Ends it if it is the holder's. Who waits is told through the log, where there is a clock.
local function lease_end(clock, key, holder, wake, log_kept)
  if holder == '' or lease_holder(key) ~= holder then return 0 end
  local waiting = redis.call('HGET', key, 'w')
  redis.call('UNLINK', key)
  if waiting and clock then log_append(clock, wake, log_kept) end
  return 1
end
