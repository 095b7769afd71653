-- INVALIDATE: deletes or expires keys, tags and prefixes, or everything. May be repeated.
-- KEYS[1] clock
-- ARGV[1] run id of the server, [2] epoch to begin if the clock is lost,
--   [3] how: 'd' delete, 'x' expire, [4] '1' for everything, [5] log entry, [6] entries of the log to
--   keep, [7] marks to keep, [8…] names (`k:…`, `t:…`, `p:…`; a capital for the escaped), at most 1,000
-- Result: { clock, 1 if it was lost and began anew }
-- include space clock marks log epoch records records-raw
-- A server at its memory's limit refuses what may grow it, but only as a script's first write.
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
-- Tags that exist too: a record may be evicted and made again by a fill from before.
marks_add(clock, names, tonumber(ARGV[7]))
for index, raw in ipairs(records_raw(held)) do
  if record_read(raw, clock.epoch) then
    redis.call('SETRANGE', SPACE .. held[index], deletes and 17 or 34, wide(seq))
  end
end
if #gone > 0 then redis.call('UNLINK', unpack(gone)) end
log_append(clock, ARGV[5], ARGV[6])
return { clock_text(clock), renewed }
