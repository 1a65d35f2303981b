#pragma once

#include "base/amount.hpp"
#include "base/check.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/reject.hpp"
#include "ledger/account/state.hpp"
#include "ledger/chart.hpp"
#include "ledger/hedge/events.hpp"
#include "ledger/hedge/state.hpp"
#include "ledger/instruction/events.hpp"
#include "ledger/instruction/state.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/netting/events.hpp"
#include "ledger/netting/state.hpp"
#include "ledger/reconcile/events.hpp"
#include "ledger/signing/events.hpp"
#include "ledger/withdrawal/state.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

/// Part of the codec: how one value of ours becomes one number of protobuf's, and back. Both sides
/// hold the same ranges, so that nothing is written that would not be read.

namespace crossclear::ledger::journal::codec {

/// Collects the first reason why bytes are refused.
class Reader {
public:
    /// Notes the reason; returns false, for `return reader.refuse(...)`.
    bool refuse(CodecError::Kind kind, std::string_view what) {
        if (!error_) error_ = CodecError{.kind = kind, .what = std::string(what)};
        return false;
    }

    /// The first reason. **Requires:** one was noted.
    [[nodiscard]] const CodecError& error() const {
        CHECK(error_.has_value(), "whoever refuses bytes says why");
        return *error_;
    }

private:
    std::optional<CodecError> error_;
};

/// Whether a number read from outside is an enumerator. Switches without a default, so that the
/// compiler names the one that a new enumerator forgot.
[[nodiscard]] constexpr bool is_listed(Finality value) noexcept {
    switch (value) {
        case Finality::unseen:
        case Finality::seen:
        case Finality::included:
        case Finality::safe:
        case Finality::final:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(ShardRefusal value) noexcept {
    switch (value) {
        case ShardRefusal::none:
        case ShardRefusal::expired:
        case ShardRefusal::price_outside_bound:
        case ShardRefusal::insufficient_balance:
        case ShardRefusal::capacity_exceeded:
        case ShardRefusal::reverted:
        case ShardRefusal::unsupported:
        case ShardRefusal::protocol_failed:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(OrderKind value) noexcept {
    switch (value) {
        case OrderKind::swap:
        case OrderKind::contract:
        case OrderKind::pay_out:
        case OrderKind::bridge_out:
        case OrderKind::post_margin:
        case OrderKind::take_margin:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(account::Reject value) noexcept {
    switch (value) {
        case account::Reject::none:
        case account::Reject::id_reused_with_other_body:
        case account::Reject::id_too_old:
        case account::Reject::id_too_far_ahead:
        case account::Reject::quantity_must_be_positive:
        case account::Reject::notional_out_of_range:
        case account::Reject::instrument_not_offered:
        case account::Reject::contract_has_expired:
        case account::Reject::destination_not_allowed:
        case account::Reject::receiver_not_allowed:
        case account::Reject::receiver_unknown:
        case account::Reject::withdrawal_unknown:
        case account::Reject::transfer_unknown:
        case account::Reject::counterparty_not_allowed:
        case account::Reject::match_unknown:
        case account::Reject::match_timed_out:
        case account::Reject::price_is_stale:
        case account::Reject::price_outside_limit:
        case account::Reject::account_is_close_only:
        case account::Reject::too_much_open:
        case account::Reject::holding_insufficient:
        case account::Reject::margin_insufficient:
        case account::Reject::withdrawal_not_found:
        case account::Reject::withdrawal_has_ended:
        case account::Reject::withdrawal_is_sent:
        case account::Reject::shard_is_paused:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(signing::Purpose value) noexcept {
    switch (value) {
        case signing::Purpose::effect:
        case signing::Purpose::cancel:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(signing::Halt value) noexcept {
    switch (value) {
        case signing::Halt::none:
        case signing::Halt::nonce_used_elsewhere:
        case signing::Halt::signer_altered:
        case signing::Halt::signer_refuses:
        case signing::Halt::other_chain:
        case signing::Halt::final_block_replaced:
        case signing::Halt::contract_changed:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(account::Standing value) noexcept {
    switch (value) {
        case account::Standing::good:
        case account::Standing::called:
        case account::Standing::liquidating:
        case account::Standing::defaulted:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(account::TradeState value) noexcept {
    switch (value) {
        case account::TradeState::novated:
        case account::TradeState::partly_settled:
        case account::TradeState::settled:
        case account::TradeState::cash_settled:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(account::TransferState value) noexcept {
    switch (value) {
        case account::TransferState::pending:
        case account::TransferState::delivered:
        case account::TransferState::returned:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(account::MatchState value) noexcept {
    switch (value) {
        case account::MatchState::reserved:
        case account::MatchState::committed:
        case account::MatchState::aborted:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(netting::Source value) noexcept {
    switch (value) {
        case netting::Source::capital:
        case netting::Source::insurance:
        case netting::Source::fund:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(hedge::HedgeOutcome value) noexcept {
    switch (value) {
        case hedge::HedgeOutcome::filled:
        case hedge::HedgeOutcome::partly_filled:
        case hedge::HedgeOutcome::unfilled:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(instruction::Purpose value) noexcept {
    switch (value) {
        case instruction::Purpose::withdrawal:
        case instruction::Purpose::move:
        case instruction::Purpose::post_margin:
        case instruction::Purpose::take_margin:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(instruction::LegKind value) noexcept {
    switch (value) {
        case instruction::LegKind::order:
        case instruction::LegKind::arrival:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(instruction::Outcome value) noexcept {
    switch (value) {
        case instruction::Outcome::settled:
        case instruction::Outcome::compensated:
        case instruction::Outcome::manual:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(netting::PricePhase value) noexcept {
    switch (value) {
        case netting::PricePhase::proposed:
        case netting::PricePhase::disputed:
        case netting::PricePhase::fixed:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(reconcile::Resolution value) noexcept {
    switch (value) {
        case reconcile::Resolution::explained:
        case reconcile::Resolution::suspended:
        case reconcile::Resolution::borne:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(reconcile::BreakKind value) noexcept {
    switch (value) {
        case reconcile::BreakKind::timing:
        case reconcile::BreakKind::unknown_inflow:
        case reconcile::BreakKind::unexplained_outflow:
        case reconcile::BreakKind::incredible:
        case reconcile::BreakKind::missing_receipt:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(hedge::SliceStatus value) noexcept {
    switch (value) {
        case hedge::SliceStatus::planned:
        case hedge::SliceStatus::sent:
        case hedge::SliceStatus::included:
        case hedge::SliceStatus::filled:
        case hedge::SliceStatus::failed:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(hedge::Phase value) noexcept {
    switch (value) {
        case hedge::Phase::unplanned:
        case hedge::Phase::working:
        case hedge::Phase::cancelled:
        case hedge::Phase::finished:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(instruction::LegStatus value) noexcept {
    switch (value) {
        case instruction::LegStatus::ready:
        case instruction::LegStatus::sent:
        case instruction::LegStatus::included:
        case instruction::LegStatus::final:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(instruction::Phase value) noexcept {
    switch (value) {
        case instruction::Phase::uncreated:
        case instruction::Phase::open:
        case instruction::Phase::ended:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(withdrawal::Phase value) noexcept {
    switch (value) {
        case withdrawal::Phase::unstarted:
        case withdrawal::Phase::queued:
        case withdrawal::Phase::approved:
        case withdrawal::Phase::completed:
        case withdrawal::Phase::dropped:
            return true;
    }
    return false;
}

[[nodiscard]] constexpr bool is_listed(Chart value) noexcept {
    switch (value) {
        case Chart::nostro:
        case Chart::posted:
        case Chart::inflight_in:
        case Chart::inflight_hedge:
        case Chart::inflight_out:
        case Chart::recv:
        case Chart::free:
        case Chart::unsettled:
        case Chart::seen:
        case Chart::held:
        case Chart::fund:
        case Chart::capital:
        case Chart::insurance:
        case Chart::fee_income:
        case Chart::hedge_pnl:
        case Chart::gas:
        case Chart::loss:
        case Chart::conv:
        case Chart::vm:
        case Chart::transit:
        case Chart::suspense:
        case Chart::cpos:
        case Chart::hbook:
        case Chart::vpos:
        case Chart::venue:
            return true;
    }
    return false;
}

/// Whether an entity has the parts that its kind calls for, and no others (base/ids.hpp).
[[nodiscard]] constexpr bool is_shaped(const base::EntityId& entity) noexcept {
    constexpr std::uint64_t short_max = 0xFFFF;
    switch (entity.kind) {
        case base::EntityKind::account:
        case base::EntityKind::hedge:
            return entity.sub == 0;
        case base::EntityKind::cover:
        case base::EntityKind::netting:
        case base::EntityKind::partition:
            return entity.id <= short_max && entity.sub == 0;
        case base::EntityKind::reconcile:
        case base::EntityKind::signing:
            return entity.id <= short_max && entity.sub <= short_max;
        case base::EntityKind::instruction:
        case base::EntityKind::withdrawal:
            return true;
    }
    return false;
}

/// What protobuf stores for a value.
template <class T>
    requires std::is_integral_v<T>
[[nodiscard]] constexpr T to_wire(T value) noexcept {
    return value;
}
[[nodiscard]] constexpr std::int64_t to_wire(base::Amount value) noexcept { return value.v; }
[[nodiscard]] constexpr std::int64_t to_wire(base::Price value) noexcept { return value.v; }
[[nodiscard]] constexpr std::int64_t to_wire(base::Timestamp value) noexcept { return value.us; }
[[nodiscard]] constexpr std::int64_t to_wire(base::Duration value) noexcept { return value.us; }
[[nodiscard]] constexpr std::uint64_t to_wire(base::AccountId value) noexcept { return value.v; }
template <class Tag>
[[nodiscard]] constexpr std::uint32_t to_wire(base::Strong<Tag, std::uint16_t> value) noexcept {
    return value.v;
}
template <class T>
    requires std::is_enum_v<T>
[[nodiscard]] constexpr std::uint32_t to_wire(T value) {
    CHECK(is_listed(value), "only what can be read back is written");
    return static_cast<std::uint32_t>(value);
}

/// The value that protobuf's number stands for. False, with the reason noted, if there is none.
template <class T>
    requires std::is_integral_v<T>
[[nodiscard]] constexpr bool from_wire(T number, T& value, Reader& /*reader*/) noexcept {
    value = number;
    return true;
}
[[nodiscard]] constexpr bool from_wire(std::int64_t number, base::Amount& value,
                                       Reader& /*reader*/) noexcept {
    value.v = number;
    return true;
}
[[nodiscard]] constexpr bool from_wire(std::int64_t number, base::Price& value,
                                       Reader& /*reader*/) noexcept {
    value.v = number;
    return true;
}
[[nodiscard]] constexpr bool from_wire(std::int64_t number, base::Timestamp& value,
                                       Reader& /*reader*/) noexcept {
    value.us = number;
    return true;
}
[[nodiscard]] constexpr bool from_wire(std::int64_t number, base::Duration& value,
                                       Reader& /*reader*/) noexcept {
    value.us = number;
    return true;
}
[[nodiscard]] constexpr bool from_wire(std::uint64_t number, base::AccountId& value,
                                       Reader& /*reader*/) noexcept {
    value.v = number;
    return true;
}
template <class Tag>
[[nodiscard]] bool from_wire(std::uint32_t number, base::Strong<Tag, std::uint16_t>& value,
                             Reader& reader) {
    value.v = static_cast<std::uint16_t>(number);
    if (value.v == number) return true;
    return reader.refuse(CodecError::Kind::out_of_range, "an id does not fit 16 bits");
}
template <class T>
    requires std::is_enum_v<T>
[[nodiscard]] bool from_wire(std::uint32_t number, T& value, Reader& reader) {
    value = static_cast<T>(number);
    // The narrowed number must be the whole number: 257 is not the enumerator 1.
    if (static_cast<std::uint32_t>(value) == number && is_listed(value)) return true;
    return reader.refuse(CodecError::Kind::out_of_range,
                         "an enumeration does not have this number");
}

}  // namespace crossclear::ledger::journal::codec
