#include "base/ids.hpp"

#include "base/hash.hpp"

#include <fmt/format.h>

#include <charconv>

namespace crossclear::base {
namespace {

// Decimal digits without sign or leading zero; the id's text has exactly one spelling.
Result<std::uint64_t, IdError> parse_number(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) {
        return Failure{IdError::malformed};
    }
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status == std::errc::result_out_of_range) return Failure{IdError::out_of_range};
    if (status != std::errc{} || end != text.data() + text.size()) {
        return Failure{IdError::malformed};
    }
    return value;
}

std::string_view name_of(EntityKind kind) {
    switch (kind) {
        case EntityKind::account:
            return "account";
        case EntityKind::cover:
            return "cover";
        case EntityKind::netting:
            return "netting";
        case EntityKind::hedge:
            return "hedge";
        case EntityKind::instruction:
            return "instruction";
        case EntityKind::withdrawal:
            return "withdrawal";
        case EntityKind::reconcile:
            return "reconcile";
        case EntityKind::partition:
            return "partition";
        case EntityKind::signing:
            return "signing";
    }
    UNREACHABLE("an unlisted entity kind");
}

bool is_packed(EntityKind kind) {
    switch (kind) {
        case EntityKind::account:
        case EntityKind::hedge:
        case EntityKind::instruction:
        case EntityKind::withdrawal:
            return true;
        case EntityKind::cover:
        case EntityKind::netting:
        case EntityKind::reconcile:
        case EntityKind::partition:
        case EntityKind::signing:
            return false;
    }
    UNREACHABLE("an unlisted entity kind");
}

}  // namespace

std::string to_string(AccountId account) {
    return fmt::format("{}-{}", broker_of(account).v, number_of(account));
}

Result<AccountId, IdError> parse_account_id(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return Failure{IdError::malformed};
    const auto broker = parse_number(text.substr(0, dash));
    const auto number = parse_number(text.substr(dash + 1));
    if (!broker) return Failure{broker.error()};
    if (!number) return Failure{number.error()};
    if (*broker > UINT16_MAX || *number >= account_number_end) {
        return Failure{IdError::out_of_range};
    }
    return account_id(BrokerId{static_cast<std::uint16_t>(*broker)}, *number);
}

std::string to_string(const EntityId& entity) {
    const auto id =
        is_packed(entity.kind) ? to_string(AccountId{entity.id}) : fmt::format("{}", entity.id);
    const bool is_of_shard =
        entity.kind == EntityKind::reconcile || entity.kind == EntityKind::signing;
    const bool has_sub = entity.sub != 0 || is_of_shard;
    return has_sub ? fmt::format("{}/{}.{}", name_of(entity.kind), id, entity.sub)
                   : fmt::format("{}/{}", name_of(entity.kind), id);
}

BrokerId broker_of(const EntityId& entity) {
    CHECK(entity.kind != EntityKind::partition, "a partition serves every broker");
    return is_packed(entity.kind) ? broker_of(AccountId{entity.id})
                                  : BrokerId{static_cast<std::uint16_t>(entity.id)};
}

std::string to_string(const OrderRef& ref) {
    return fmt::format("{}#{}", to_string(ref.origin), ref.number);
}

PartitionId partition_of(std::uint64_t key, std::uint16_t count) noexcept {
    return PartitionId{static_cast<std::uint16_t>(mix64(key) % count)};
}

}  // namespace crossclear::base
