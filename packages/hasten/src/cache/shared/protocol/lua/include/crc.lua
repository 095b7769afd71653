-- CRC-32 as zlib has it, four bits at a time.
local function crc32(text)
  local step = {}
  for nibble = 0, 15 do
    local value = nibble
    for _ = 1, 4 do
      local odd = bit.band(value, 1) == 1
      value = bit.rshift(value, 1)
      if odd then value = bit.bxor(value, 0xEDB88320) end
    end
    step[nibble] = value
  end
  local crc = 0xFFFFFFFF
  for index = 1, #text do
    crc = bit.bxor(crc, string.byte(text, index))
    crc = bit.bxor(bit.rshift(crc, 4), step[bit.band(crc, 15)])
    crc = bit.bxor(bit.rshift(crc, 4), step[bit.band(crc, 15)])
  end
  return bit.bnot(crc)
end
