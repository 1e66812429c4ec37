#!lua flags=allow-oom
-- What is remembered of sessions. KEYS: the clock of a shard, when everything ended there, and three for each user (hash, known, ended).
-- Return how long ago everything before ended, '' if nothing has; and for each user the same, the ended sessions, and the known
-- ones, each before how long ago it began ('' if nobody knows any more).
local now = clock()

local function since(record)
  return record and text(now - before(record, now, KEYS[1])) or ''
end

local found = { since(redis.call('GET', KEYS[2]) or nil) }
for i = 3, #KEYS, 3 do
  local known, sessions = KEYS[i + 1], {}
  for _, name in ipairs(redis.call('ZRANGE', known, '(' .. text(now), '(' .. text(FAR), 'BYSCORE')) do
    local began = began_at(known, name)
    sessions[#sessions + 1] = name
    sessions[#sessions + 1] = began and text(now - began) or ''
  end
  local ended = redis.call('ZRANGE', KEYS[i + 2], '(' .. text(now), '+inf', 'BYSCORE')
  found[#found + 1] = { since(redis.call('HGET', KEYS[i], 'before') or nil), ended, sessions }
end
return found
