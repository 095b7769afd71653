-- READ: everything that judging an entry takes, whichever tags it has. Writes nothing.
-- KEYS[1] clock
-- ARGV[1] name of the entry (`e:…`), ARGV[2…] names of the key's prefixes and of declared tags
-- Result: { clock or nil, entry or nil, { records in the order of ARGV }, { records of its tags } }
-- include space entry records-raw look
local clock, entry, declared, tags = look(SPACE .. ARGV[1], 2)
return { clock, entry, declared, tags }
