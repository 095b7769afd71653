-- CONFIRM: one atomic look at clock, log and sources. Writes nothing.
-- KEYS[1] clock
-- ARGV[1] position: entries after it are wanted, [2] how many at most
-- Result: { clock or nil, { seconds, microseconds }, { { id, { 'b', body } }, … }, { source, record, … } }
-- include space
local entries = redis.pcall('XRANGE', SPACE .. 'log', '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])
if entries.err then entries = {} end
local sources = redis.pcall('HGETALL', SPACE .. 'src')
if sources.err then sources = {} end
local clock = redis.pcall('GET', KEYS[1])
return { type(clock) == 'string' and clock, redis.call('TIME'), entries, sources }
