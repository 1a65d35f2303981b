#pragma once

#include <string_view>

/// How one Redis keeps the members of a cluster and their leases.
///
/// All of it is one hash: `n:<name>` holds `<incarnation>|<endpoint>|<end>`, `p:<NN>` holds
/// `<name>|<incarnation>|<end>`, where the end is in milliseconds of that Redis' own clock. What is
/// over stays until it is overwritten; only names, of which there is no end, are swept out later.
/// As everywhere, one write command a call: see store/redis/scripts.hpp.

namespace crossclear::store {

/// The hash of members and leases.
inline constexpr std::string_view directory_key = "crossclear:directory";

namespace scripts {

/// ARGV: id, what, and then
///   `beat`: name, incarnation, endpoint, ttl, wanted, released, how many may live, how long names
///           are kept. Answers OK, the number of names to sweep, when the first of the others ends
///           (empty if there are none), and each field and value that is not over; OCCUPIED, the
///           other incarnation and its endpoint; or FULL.
///   `yield`: name, incarnation, partitions to give up. Answers OK.
///   `leave`: name, incarnation. Answers OK.
///   `sweep`: how long names are kept. Answers OK.
/// Partitions are a list with commas, spans are in milliseconds.
inline constexpr std::string_view directory = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local stored, entries = redis.call('HGETALL', KEYS[2]), {}
for i = 1, #stored, 2 do entries[stored[i]] = stored[i + 1] end
-- No lease is so long. Where one seems to be, the clock was put back since, and it is over: or the
-- dead would live for as long as the clock was ahead.
local credible = ARGV[2] == 'beat' and math.max(60000, 10 * tonumber(ARGV[6])) or math.huge
local function left(value)
    local span = tonumber(string.match(value, '|(%d+)$') or '0') - now
    return span <= credible and span or 0
end
local function is_member(field) return string.sub(field, 1, 2) == 'n:' end

if ARGV[2] == 'sweep' then
    local gone = {}
    for field, value in pairs(entries) do
        if is_member(field) and left(value) < -tonumber(ARGV[3]) and #gone < 1000 then
            gone[#gone + 1] = field
        end
    end
    if #gone == 0 then return {'OK'} end
    local written = redis.pcall('HDEL', KEYS[2], unpack(gone))
    if type(written) == 'table' and written.err then return written end
    return {'OK'}
end

local name, incarnation = 'n:' .. ARGV[3], ARGV[4]
local claim = ARGV[3] .. '|' .. incarnation .. '|'
local own = entries[name]
local is_ours = own and string.match(own, '^(%d+)|') == incarnation
local changes = {}
local function change(field, value)
    entries[field] = value
    changes[#changes + 1] = field
    changes[#changes + 1] = value
end
local function give_up(field)
    local value = entries[field]
    if value and string.match(value, '^(.*|)%d+$') == claim then change(field, claim .. '0') end
end

if ARGV[2] == 'yield' then
    for partition in string.gmatch(ARGV[5], '%d+') do give_up('p:' .. partition) end
elseif ARGV[2] == 'leave' then
    if is_ours then change(name, string.match(own, '^(.*|)%d+$') .. '0') end
    for i = 1, #stored, 2 do
        if not is_member(stored[i]) then give_up(stored[i]) end
    end
else
    if own and left(own) > 0 and not is_ours then
        return {'OCCUPIED', string.match(own, '^(%d+)|(.*)|%d+$')}
    end
    local living = 0
    for field, value in pairs(entries) do
        if is_member(field) and left(value) > 0 then living = living + 1 end
    end
    if living >= tonumber(ARGV[9]) and not (own and left(own) > 0) then return {'FULL'} end
    local ends = string.format('%.0f', now + tonumber(ARGV[6]))
    change(name, incarnation .. '|' .. ARGV[5] .. '|' .. ends)
    for partition in string.gmatch(ARGV[7], '%d+') do
        local value = entries['p:' .. partition]
        if not value or left(value) <= 0 or string.match(value, '^(.*|)%d+$') == claim then
            change('p:' .. partition, claim .. ends)
        end
    end
    for partition in string.gmatch(ARGV[8], '%d+') do give_up('p:' .. partition) end
end
if #changes > 0 then
    local written = redis.pcall('HSET', KEYS[2], unpack(changes))
    if type(written) == 'table' and written.err then return written end
end
if ARGV[2] ~= 'beat' then return {'OK'} end
local answer, over, first = {'OK', '0', ''}, 0, nil
for field, value in pairs(entries) do
    local span = left(value)
    if span > 0 then
        answer[#answer + 1] = field
        answer[#answer + 1] = value
        if is_member(field) and field ~= name then first = math.min(first or span, span) end
    elseif is_member(field) and left(value) < -tonumber(ARGV[10]) then
        over = over + 1
    end
end
answer[2] = tostring(over)
if first then answer[3] = string.format('%.0f', first) end
return answer
)lua";

}  // namespace scripts
}  // namespace crossclear::store
