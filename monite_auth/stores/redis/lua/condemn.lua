#!lua flags=allow-oom
-- Decide that a value will be revoked. ARGV[1]: the place that handed it out. Return 0 if other places still hold the value, and
-- which: places, and what `hold_value` has written for them. With '' for the place it is decided in any case.
local value, place, now = KEYS[1], ARGV[1], clock()
if place ~= '' then redis.call('HDEL', value, place) end
local holders, condemned = {}, false
local fields = redis.call('HGETALL', value)
for i = 1, #fields, 2 do
  if struct.unpack('>d', fields[i + 1]) > now then
    if fields[i] == 'condemned' then
      condemned = true
    else
      holders[#holders + 1] = fields[i]
      holders[#holders + 1] = fields[i + 1]
    end
  end
end
if place ~= '' and #holders > 0 and not condemned then return { 0, holders } end
local moment = now + ARGV[2]
redis.call('HSET', value, 'condemned', struct.pack('>d', moment))
keep(value, now, moment)
return { 1, holders }
