-- Records of tags and prefixes: `epoch deleted expired untilMs`, the two numbers 16 digits wide.
local function wide(number)
  return string.format('%016.0f', number)
end

-- nil where it is missing, damaged or of another epoch.
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
