-- The clock: `epoch seq head runId rootDeleted rootExpired floor generation`.
-- Numbers are printed whole: tostring would round them to 14 digits.
local function whole(number)
  return string.format('%.0f', number)
end

-- Microseconds of the server's clock.
local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- nil where it is missing, damaged or of another server; then also the sequence it had, if any.
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

-- Larger than every number before, also where the server's clock goes back.
local function clock_advance(clock)
  local now = now_us()
  clock.seq = clock.seq + 1
  if now > clock.seq then clock.seq = now end
  return clock.seq
end
