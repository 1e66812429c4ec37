#!lua flags=allow-oom
-- Return the revocations that have been due longest. KEYS: four for each shard (stamp, copy of the envelope, queue, records). A
-- shard without a copy that belongs to its stamp counts as foreign, so that it gets one.
local data_key, limit, seconds = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local MOST = 1000 -- looks per call, so that a long queue of the expired cannot keep the server from others
local STRANGE = 60 -- seconds until another look at what was of another store
local LONGEST = 600 -- seconds; nothing is put off for longer, so what is due later was put off before the clock was set back
local now = clock()
local shards = {}

local function look(shard)
  local first = redis.call('ZRANGE', shard.queue, shard.seen, shard.seen, 'WITHSCORES')
  shard.name, shard.due = first[1], first[2] and tonumber(first[2])
end

for i = 1, #KEYS, 4 do
  local its_key, queue = redis.call('GET', KEYS[i]), KEYS[i + 2]
  if its_key == data_key and string.sub(copy_in(KEYS[i + 1]), 1, #data_key) == data_key then
    for _, name in ipairs(redis.call('ZRANGE', queue, '(' .. text(now + LONGEST), '+inf', 'BYSCORE', 'LIMIT', 0, MOST)) do
      redis.call('ZADD', queue, text(now), name)
    end
    local shard = { number = (i - 1) / 4, queue = queue, records = KEYS[i + 3], seen = 0 }
    look(shard)
    shards[#shards + 1] = shard
  elseif its_key then
    return { 'foreign', (i - 1) / 4 }
  end
end

local function first()
  local best
  for _, shard in ipairs(shards) do
    if shard.name and (not best or shard.due < best.due) then best = shard end
  end
  return best
end

local batch, leases, expired = {}, {}, 0
for _ = 1, MOST do
  local shard = first()
  if not shard or shard.due > now or #batch >= 3 * limit then break end
  local name, record = shard.name, redis.call('HGET', shard.records, shard.name)
  local is_whole = record and #record >= 34 -- else something else has overwritten it: the caller throws it away
  if not record or is_whole and is_over(struct.unpack('>d', record), now) then
    redis.call('ZREM', shard.queue, name)
    redis.call('HDEL', shard.records, name, '@' .. name)
    if record then expired = expired + 1 end
  else
    local ours = not is_whole or string.sub(record, 13, 34) == store_of(data_key)
    if ours then
      batch[#batch + 1] = shard.number
      batch[#batch + 1] = name
      batch[#batch + 1] = record
    end
    leases[#leases + 1] = { shard.queue, text(now + (ours and seconds or STRANGE)), name }
    shard.seen = shard.seen + 1
  end
  look(shard)
end
for _, lease in ipairs(leases) do
  redis.call('ZADD', lease[1], lease[2], lease[3])
end

for _, shard in ipairs(shards) do
  shard.seen = 0
  look(shard)
end
local left = first()
return { text(now), expired, left and text(math.max(0, left.due - now)) or '', batch }
