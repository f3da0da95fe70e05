-- Appends bars to series, all of them in one step or, when the store is another one than the caller
-- thinks, none: what is acknowledged has a sequence number without a hole, and its event is in the
-- stream that every process reads.
--
-- KEYS: epoch, index of series, events stream, then the stream of each series
-- ARGV: expected epoch, bars retained, events retained,
--       then for each series: index member, number of bars, and for each bar: open time in ms, packed
-- An entry's id is "<open time in ms>-<sequence>": found by time and counted by sequence.
local epoch = redis.call('GET', KEYS[1])
if epoch ~= ARGV[1] then
  return redis.error_reply('EPOCH ' .. (epoch or ''))
end
local bars_retained, events_retained = ARGV[2], ARGV[3]

local function sequence_of(entry)
  return tonumber(string.match(entry[1], '-(%d+)$'))
end

local function time_of(entry)
  return tonumber(string.match(entry[1], '^(%d+)-'))
end

local function last_of(series)
  return redis.call('XREVRANGE', series, '+', '-', 'COUNT', 1)[1]
end

-- A bar that is not after the last one: stored before, in conflict, too old, or out of order.
local function standing(series, id, bar)
  local same = redis.call('XRANGE', series, id, id, 'COUNT', 1)[1]
  local first = redis.call('XRANGE', series, '-', '+', 'COUNT', 1)[1]
  if same and same[2][2] == bar then
    return {1, sequence_of(same), ''}
  elseif same then
    return {2, 0, same[2][2]}
  elseif tonumber(id) < time_of(first) and sequence_of(first) > 1 then
    return {4, 0, first[2][2]}
  end
  return {3, 0, last_of(series)[2][2]}
end

local function append(series, member, from, count)
  local last = last_of(series)
  local last_time = last and time_of(last) or -1
  local last_sequence = last and sequence_of(last) or 0
  local results = {}
  for i = from, from + 2 * (count - 1), 2 do
    local id, bar = ARGV[i], ARGV[i + 1]
    if tonumber(id) > last_time then
      last_time = tonumber(id)
      last_sequence = last_sequence + 1
      redis.call('XADD', series, 'MAXLEN', '~', bars_retained, id .. '-' .. last_sequence, 'b', bar)
      redis.call('XADD', KEYS[3], 'MAXLEN', '~', events_retained, '*',
        'k', member, 'e', epoch, 's', last_sequence, 'b', bar)
      results[#results + 1] = {0, last_sequence, ''}
    else
      results[#results + 1] = standing(series, id, bar)
    end
  end
  if not last then
    redis.call('ZADD', KEYS[2], 0, member)
  end
  return results
end

local all = {}
local at = 4
for k = 4, #KEYS do
  local count = tonumber(ARGV[at + 1])
  all[#all + 1] = append(KEYS[k], ARGV[at], at + 2, count)
  at = at + 2 + 2 * count
end
return all
