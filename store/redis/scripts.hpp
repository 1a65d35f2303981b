#pragma once

#include "base/check.hpp"
#include "store/redis/directory_script.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// What Redis executes for us, atomically.
///
/// The problem: a script that writes twice is logged as MULTI ... EXEC, and a tail torn inside it
/// is replayed in part on the next start but one. The rule: at most one write command a script, and
/// everything that can refuse comes before it. Each script first compares the instance's mark, so
/// that an instance that was wiped cannot answer. KEYS[1] is the mark, ARGV[1] the cluster's id.
///
/// Numbers stay decimal text: Lua's are exact only to 2^53, and Redis sets the collation from its
/// environment, so that text is compared digit group by digit group and never with `<`.

namespace crossclear::store {

/// The hash that says which cluster an instance belongs to.
inline constexpr std::string_view mark_key = "crossclear:mark";

/// Which script a call wants.
enum class Script : std::uint8_t {
    promised,
    prepare,
    append,
    read,
    snapshot,
    snapshot_read,
    confirm,
    probe,
    admit,
    directory,
    snapshot_list,
    begin_at,
    trim
};
inline constexpr std::size_t script_count = 13;

namespace scripts {

/// ARGV: id. Answers OK, the promised epoch, and the last entry's record epoch, seq and head.
inline constexpr std::string_view promised = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local epoch = redis.call('HGET', KEYS[2], 'pe') or '0'
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if not last then return {'OK', epoch, '0', '0', string.rep('\0', 32)} end
return {'OK', epoch, last[2][6], last[2][2], last[2][4]}
)lua";

/// ARGV: id, epoch, nonce. Answers OK and the last entry's record epoch, seq and head; or FENCED.
inline constexpr std::string_view prepare = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local function is_below(a, b)
    if #a ~= #b then return #a < #b end
    for i = 1, #a, 10 do
        local x, y = tonumber(string.sub(a, i, i + 9)), tonumber(string.sub(b, i, i + 9))
        if x ~= y then return x < y end
    end
    return false
end
local promised = redis.call('HMGET', KEYS[2], 'pe', 'pn')
if promised[1] then
    if is_below(ARGV[2], promised[1]) then return {'FENCED', promised[1]} end
    if promised[1] == ARGV[2] and promised[2] ~= ARGV[3] then return {'FENCED', promised[1]} end
end
if promised[1] ~= ARGV[2] then
    local written = redis.pcall('HSET', KEYS[2], 'pe', ARGV[2], 'pn', ARGV[3])
    if type(written) == 'table' and written.err then return written end
end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if not last then return {'OK', '0', '0', string.rep('\0', 32)} end
return {'OK', last[2][6], last[2][2], last[2][4]}
)lua";

/// ARGV: id, epoch, nonce, expected seq, expected head, new seq, new head, record epoch, frame.
/// Answers OK, DUPLICATE, FENCED and the promised epoch, or GAP and what the log ends with.
inline constexpr std::string_view append = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local promised = redis.call('HMGET', KEYS[2], 'pe', 'pn')
if promised[1] ~= ARGV[2] or promised[2] ~= ARGV[3] then
    return {'FENCED', promised[1] or '0'}
end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local epoch, seq, head = '0', '0', string.rep('\0', 32)
if last then epoch, seq, head = last[2][6], last[2][2], last[2][4] end
if seq == ARGV[6] and head == ARGV[7] then return {'DUPLICATE'} end
if seq ~= ARGV[4] or head ~= ARGV[5] then return {'GAP', epoch, seq, head} end
local written = redis.pcall('XADD', KEYS[3], ARGV[2] .. '-' .. ARGV[6],
    'seq', ARGV[6], 'head', ARGV[7], 're', ARGV[8], 'frame', ARGV[9])
if type(written) == 'table' and written.err then return written end
return {'OK'}
)lua";

/// ARGV: id, first seq, count, bytes. Answers OK and, record by record, epoch, seq, head, frame.
///
/// Each owner's entries form a run: one epoch, seq rising by one. A later run that starts at or
/// below the end of an earlier one abandons that tail. So the log is: each run, up to the smallest
/// first seq of the runs after it. The walk goes back from the end to the run that holds the first
/// seq wanted, noting the bounds, and then forward again.
inline constexpr std::string_view read = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local function is_below(a, b)
    if #a ~= #b then return #a < #b end
    for i = 1, #a, 10 do
        local x, y = tonumber(string.sub(a, i, i + 9)), tonumber(string.sub(b, i, i + 9))
        if x ~= y then return x < y end
    end
    return false
end
local runs, stop, back = {}, nil, '+'
while true do
    local entry = redis.call('XREVRANGE', KEYS[2], back, '-', 'COUNT', 1)[1]
    if not entry then break end
    local epoch = string.match(entry[1], '^(%d+)-')
    local first = redis.call('XRANGE', KEYS[2], epoch .. '-0', '+', 'COUNT', 1)[1][2][2]
    if not stop or is_below(first, stop) then
        runs[#runs + 1] = {epoch, first, stop}
        stop = first
    end
    if not is_below(ARGV[2], first) then break end
    back = '(' .. epoch .. '-0'
end
local answer, count, room = {'OK'}, tonumber(ARGV[3]), tonumber(ARGV[4])
for i = #runs, 1, -1 do
    local epoch, first, bound = runs[i][1], runs[i][2], runs[i][3]
    if is_below(first, ARGV[2]) then first = ARGV[2] end
    local from = epoch .. '-' .. first
    local to = bound and ('(' .. epoch .. '-' .. bound) or (epoch .. '-18446744073709551615')
    while count > 0 and room > 0 and (not bound or is_below(first, bound)) do
        local entries = redis.call('XRANGE', KEYS[2], from, to, 'COUNT', math.min(count, 16))
        for _, entry in ipairs(entries) do
            local fields = entry[2]
            answer[#answer + 1] = fields[6]
            answer[#answer + 1] = fields[2]
            answer[#answer + 1] = fields[4]
            answer[#answer + 1] = fields[8]
            count, room = count - 1, room - #fields[8]
            from = '(' .. entry[1]
            if room <= 0 then break end
        end
        if #entries == 0 then break end
    end
end
return answer
)lua";

/// ARGV: id, epoch, nonce, field, seq, value (which begins with `<seq>:`).
/// Answers OK; FENCED; or OLDER and the seq that is kept.
inline constexpr std::string_view snapshot = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local function is_below(a, b)
    if #a ~= #b then return #a < #b end
    for i = 1, #a, 10 do
        local x, y = tonumber(string.sub(a, i, i + 9)), tonumber(string.sub(b, i, i + 9))
        if x ~= y then return x < y end
    end
    return false
end
local promised = redis.call('HMGET', KEYS[2], 'pe', 'pn')
if promised[1] ~= ARGV[2] or promised[2] ~= ARGV[3] then
    return {'FENCED', promised[1] or '0'}
end
local stored = redis.call('HGET', KEYS[3], ARGV[4])
local kept = stored and string.match(stored, '^(%d+):')
if kept and is_below(ARGV[5], kept) then return {'OLDER', kept} end
local written = redis.pcall('HSET', KEYS[3], ARGV[4], ARGV[6])
if type(written) == 'table' and written.err then return written end
return {'OK'}
)lua";

/// ARGV: id, field. Answers OK and, if there is one, the value.
inline constexpr std::string_view snapshot_read = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local stored = redis.call('HGET', KEYS[2], ARGV[2])
if stored then return {'OK', stored} end
return {'OK'}
)lua";

/// ARGV: id, cursor, count. Answers OK, the next cursor, and field and value of each.
inline constexpr std::string_view snapshot_list = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local page = redis.call('HSCAN', KEYS[2], ARGV[2], 'COUNT', ARGV[3])
local answer = {'OK', page[1]}
for _, word in ipairs(page[2]) do answer[#answer + 1] = word end
return answer
)lua";

/// ARGV: id, epoch, nonce, seq, head, record epoch, frame. The one entry that the log then holds.
/// Answers OK, DUPLICATE, FENCED, or GAP if this epoch has already written that far.
inline constexpr std::string_view begin_at = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local function is_below(a, b)
    if #a ~= #b then return #a < #b end
    for i = 1, #a, 10 do
        local x, y = tonumber(string.sub(a, i, i + 9)), tonumber(string.sub(b, i, i + 9))
        if x ~= y then return x < y end
    end
    return false
end
local promised = redis.call('HMGET', KEYS[2], 'pe', 'pn')
if promised[1] ~= ARGV[2] or promised[2] ~= ARGV[3] then
    return {'FENCED', promised[1] or '0'}
end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if last then
    local epoch, seq, head = last[2][6], last[2][2], last[2][4]
    if seq == ARGV[4] and head == ARGV[5] then return {'DUPLICATE'} end
    local is_ours = string.match(last[1], '^(%d+)-') == ARGV[2]
    if is_ours and not is_below(seq, ARGV[4]) then return {'GAP', epoch, seq, head} end
end
local id = ARGV[2] .. '-' .. ARGV[4]
local written = redis.pcall('XADD', KEYS[3], 'MINID', '=', id, id,
    'seq', ARGV[4], 'head', ARGV[5], 're', ARGV[6], 'frame', ARGV[7])
if type(written) == 'table' and written.err then return written end
return {'OK'}
)lua";

/// ARGV: id, epoch, nonce, seq, head. Drops what comes before that entry, which stays; so the last
/// entry is never dropped. Which entry it is, `read` explains. Answers OK, FENCED or ABSENT.
inline constexpr std::string_view trim = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local function is_below(a, b)
    if #a ~= #b then return #a < #b end
    for i = 1, #a, 10 do
        local x, y = tonumber(string.sub(a, i, i + 9)), tonumber(string.sub(b, i, i + 9))
        if x ~= y then return x < y end
    end
    return false
end
local promised = redis.call('HMGET', KEYS[2], 'pe', 'pn')
if promised[1] ~= ARGV[2] or promised[2] ~= ARGV[3] then
    return {'FENCED', promised[1] or '0'}
end
local id, stop, back = nil, nil, '+'
while not id do
    local entry = redis.call('XREVRANGE', KEYS[3], back, '-', 'COUNT', 1)[1]
    if not entry then return {'ABSENT'} end
    local epoch = string.match(entry[1], '^(%d+)-')
    local first = redis.call('XRANGE', KEYS[3], epoch .. '-0', '+', 'COUNT', 1)[1][2][2]
    if not stop or is_below(first, stop) then
        if not is_below(ARGV[4], first) then id = epoch .. '-' .. ARGV[4] end
        stop = first
    end
    back = '(' .. epoch .. '-0'
end
local base = redis.call('XRANGE', KEYS[3], id, id)[1]
if not base or base[2][4] ~= ARGV[5] then return {'ABSENT'} end
local written = redis.pcall('XTRIM', KEYS[3], 'MINID', '=', id)
if type(written) == 'table' and written.err then return written end
return {'OK'}
)lua";

/// ARGV: id, epoch, nonce. Answers OK while they are what is promised, else FENCED.
inline constexpr std::string_view confirm = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local promised = redis.call('HMGET', KEYS[2], 'pe', 'pn')
if promised[1] ~= ARGV[2] or promised[2] ~= ARGV[3] then
    return {'FENCED', promised[1] or '0'}
end
return {'OK'}
)lua";

/// ARGV: id of a joining instance, id of a voting one, partition, partition count. Notes that the
/// partition is here; the last one makes the instance vote. Answers OK, or VOTING once it does.
inline constexpr std::string_view admit = R"lua(
local id = redis.call('HGET', KEYS[1], 'id')
if id == ARGV[2] then return {'VOTING'} end
if id ~= ARGV[1] then return {'UNMARKED'} end
local is_last = true
for i = 0, tonumber(ARGV[4]) - 1 do
    if i ~= tonumber(ARGV[3]) and redis.call('HEXISTS', KEYS[1], 'given:' .. i) == 0 then
        is_last = false
    end
end
local field, value = 'given:' .. ARGV[3], '1'
if is_last then field, value = 'id', ARGV[2] end
local written = redis.pcall('HSET', KEYS[1], field, value)
if type(written) == 'table' and written.err then return written end
return {is_last and 'VOTING' or 'OK'}
)lua";

/// ARGV: id. Answers OK if the instance takes writes. Sent only after it declined one.
inline constexpr std::string_view probe = R"lua(
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'UNMARKED'} end
local written = redis.pcall('HSET', KEYS[1], 'probed', '1')
if type(written) == 'table' and written.err then return written end
return {'OK'}
)lua";

/// ARGV: field, value, ... of the mark. Answers OK, EXISTS, or FOREIGN if the instance holds keys.
/// Not a call of the journal's: it is how an instance becomes one of a cluster.
inline constexpr std::string_view create_mark = R"lua(
if redis.call('EXISTS', KEYS[1]) == 1 then return {'EXISTS'} end
if redis.call('DBSIZE') > 0 then return {'FOREIGN'} end
local written = redis.pcall('HSET', KEYS[1], unpack(ARGV))
if type(written) == 'table' and written.err then return written end
return {'OK'}
)lua";

}  // namespace scripts

/// The text of a script.
[[nodiscard]] constexpr std::string_view text_of(Script script) {
    switch (script) {
        case Script::promised:
            return scripts::promised;
        case Script::prepare:
            return scripts::prepare;
        case Script::append:
            return scripts::append;
        case Script::read:
            return scripts::read;
        case Script::snapshot:
            return scripts::snapshot;
        case Script::snapshot_read:
            return scripts::snapshot_read;
        case Script::confirm:
            return scripts::confirm;
        case Script::probe:
            return scripts::probe;
        case Script::admit:
            return scripts::admit;
        case Script::directory:
            return scripts::directory;
        case Script::snapshot_list:
            return scripts::snapshot_list;
        case Script::begin_at:
            return scripts::begin_at;
        case Script::trim:
            return scripts::trim;
    }
    UNREACHABLE("an unlisted script");
}

/// Whether a script may write, so that its refusal says something about the instance.
[[nodiscard]] constexpr bool is_write(Script script) {
    switch (script) {
        case Script::promised:
        case Script::read:
        case Script::snapshot_read:
        case Script::snapshot_list:
        case Script::confirm:
            return false;
        case Script::prepare:
        case Script::append:
        case Script::snapshot:
        case Script::probe:
        case Script::admit:
        case Script::directory:
        case Script::begin_at:
        case Script::trim:
            return true;
    }
    UNREACHABLE("an unlisted script");
}

/// What a call is named in figures.
[[nodiscard]] constexpr std::string_view name_of(Script script) {
    switch (script) {
        case Script::promised:
            return "promised";
        case Script::prepare:
            return "prepare";
        case Script::append:
            return "append";
        case Script::read:
            return "read";
        case Script::snapshot:
            return "snapshot";
        case Script::snapshot_read:
            return "snapshot_read";
        case Script::confirm:
            return "confirm";
        case Script::probe:
            return "probe";
        case Script::admit:
            return "admit";
        case Script::directory:
            return "directory";
        case Script::snapshot_list:
            return "snapshot_list";
        case Script::begin_at:
            return "begin_at";
        case Script::trim:
            return "trim";
    }
    UNREACHABLE("an unlisted script");
}

}  // namespace crossclear::store
