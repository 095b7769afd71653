-- What the records of these names hold, in their order.
local function records_raw(names)
  if #names == 0 then return {} end
  local keys = {}
  for index, name in ipairs(names) do keys[index] = SPACE .. name end
  return redis.call('MGET', unpack(keys))
end
