-- A counter: an entry whose payload is a number as JSON text, under the form that the caller names.
local COUNTER_BYTES_MAX = 65536

-- The body of the entry if it is fresh, else nil. The same rules as judge.ts.
local function fresh_body(clock, entry, names, raws)
  if not entry or string.sub(entry, 1, 3) ~= 'H10' or #entry > COUNTER_BYTES_MAX then return nil end
  if string.sub(entry, 4, 19) ~= clock.epoch or string.sub(entry, 20, 35) ~= string.sub(entry, 36, 51)
  then return nil end
  local seq = tonumber(string.sub(entry, 20, 35))
  local tags = entry_tags(entry)
  if not seq or not tags or clock.deleted > seq or clock.expired > seq then return nil end
  local body = string.sub(entry, ENTRY_BODY)
  if struct.unpack('>d', body) <= now_us() / 1000 then return nil end
  if string.sub(body, -4) ~= struct.pack('>i4', crc32(string.sub(body, 1, -5))) then return nil end
  for _, list in ipairs({ raws, records_raw(tags) }) do
    for index = 1, list == raws and #names or #tags do
      local record = record_read(list[index], clock.epoch)
      if not record or record.deleted > seq or record.expired > seq then return nil end
    end
  end
  return body
end

-- nil where it is no number of that form.
local function number_in(body, form)
  if string.byte(body, 33) ~= form then return nil end
  local size = struct.unpack('>I4', body, 35)
  local text = string.sub(body, -4 - size, -5)
  if not string.find(text, '^%-?%d[%d.eE+-]*$') then return nil end
  return tonumber(text)
end

local function body_with(body, text)
  local size = struct.unpack('>I4', body, 35)
  local changed = string.sub(body, 1, 34) .. struct.pack('>I4', #text)
    .. string.sub(body, 39, -5 - size) .. text
  return changed .. struct.pack('>i4', crc32(changed))
end
