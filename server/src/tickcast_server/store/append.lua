-- Appends bars to one series, all or none of the epoch check, in one step: what is acknowledged
-- has a sequence number without a hole, and its event is in the stream that every process reads.
--
-- KEYS: series stream, events stream, index of series, epoch
-- ARGV: expected epoch, index member, bars retained, events retained,
--       then for each bar: open time in ms, packed bar
-- An entry's id is "<open time in ms>-<sequence>": found by time and counted by sequence.
local epoch = redis.call('GET', KEYS[4])
if epoch ~= ARGV[1] then
  return redis.error_reply('EPOCH ' .. (epoch or ''))
end

local function sequence_of(entry)
  return tonumber(string.match(entry[1], '-(%d+)$'))
end

local function time_of(entry)
  return tonumber(string.match(entry[1], '^(%d+)-'))
end

local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last_time = last and time_of(last) or -1
local last_sequence = last and sequence_of(last) or 0
local results = {}

for i = 5, #ARGV, 2 do
  local time, bar = tonumber(ARGV[i]), ARGV[i + 1]
  if time > last_time then
    last_time = time
    last_sequence = last_sequence + 1
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], ARGV[i] .. '-' .. last_sequence, 'b', bar)
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*',
      'k', ARGV[2], 'e', epoch, 's', last_sequence, 'b', bar)
    results[#results + 1] = {0, last_sequence, ''}
  else
    local same = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i], 'COUNT', 1)[1]
    local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
    if same and same[2][2] == bar then
      results[#results + 1] = {1, sequence_of(same), ''}
    elseif same then
      results[#results + 1] = {2, 0, same[2][2]}
    elseif time < time_of(first) and sequence_of(first) > 1 then
      results[#results + 1] = {4, 0, first[2][2]}
    else
      last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
      results[#results + 1] = {3, 0, last[2][2]}
    end
  end
end

redis.call('ZADD', KEYS[3], 0, ARGV[2])
return results
