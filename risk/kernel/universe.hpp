#pragma once

#include "base/ids.hpp"
#include "base/option.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What may be held, what it is made of, how it may move, and who may fail: plain data, as a file
/// gives it. A surface is built from one and never changes afterwards.
///
/// Money is USD, never a stablecoin. Shares are parts of one: a range of 0.16 is 16 %.

namespace crossclear::risk::kernel {

/// Days of a year wherever one is taken apart.
inline constexpr double days_a_year = 365;

/// A coin whose price moves others. Position in the universe, from 0.
using UnderlyingId = base::Strong<struct UnderlyingTag, std::uint16_t>;
/// A form in which a coin or the dollar is held. Position in the universe, from 0.
using WrapperId = base::Strong<struct WrapperTag, std::uint16_t>;
/// An issuer or venue that can fail. Position in the universe, from 0.
using ProtocolId = base::Strong<struct ProtocolTag, std::uint16_t>;
/// Anything a position can be held in. Position in the universe, from 0; not the listing's.
using InstrumentId = base::Strong<struct UniverseInstrumentTag, std::uint16_t>;

/// A coin. `range` is its largest move in a core scenario; `volatility_day` drives the simulation.
struct Underlying {
    std::string name;
    double spot{};            ///< USD.
    double range{};           ///< Within (0, 1).
    double volatility_day{};  ///< Standard deviation of the logarithm of a day's move.

    friend bool operator==(const Underlying&, const Underlying&) = default;
};

/// A token, a stablecoin or the price of a perpetual: what has a price of its own and follows at
/// most one coin. Every charge on exposure is by wrapper.
struct Wrapper {
    std::string name;
    std::optional<UnderlyingId> underlying;  ///< None: follows the dollar.
    double price{};                          ///< USD. Zero is a price.
    double basis{};                          ///< B: share of |exposure| in BC.
    double half_spread{};
    double volatility_day{};
    double volume_day_usd{};          ///< ADV. Positive.
    double haircut_initial{};         ///< h of IM.
    double haircut_maintenance{};     ///< h of MM; at most the initial one.
    double peg_down{};                ///< Largest fall against its coin or the dollar.
    double peg_up{};                  ///< Largest rise.
    double premium{};                 ///< Largest premium of a perpetual, either side.
    double open_interest_usd{};       ///< The broker's, over all accounts.
    double open_interest_low_usd{};   ///< CG begins here
    double open_interest_high_usd{};  ///< and asks for full collateral here. At most low: no CG.
    double oracle_age_s{};            ///< Of its price.
    double oracle_heartbeat_s{};      ///< Younger prices cost nothing.

    friend bool operator==(const Wrapper&, const Wrapper&) = default;
};

/// A price that falls when a protocol fails, by `share` of the protocol's loss.
struct Depeg {
    WrapperId wrapper;
    double share{1};

    friend bool operator==(const Depeg&, const Depeg&) = default;
};

/// Who can fail, how often and at what loss.
struct Protocol {
    std::string name;
    double default_year{};        ///< PD: the chance of a failure within a year, within (0, 1).
    double loss_given_default{};  ///< LGD.
    std::vector<Depeg> depegs;

    friend bool operator==(const Protocol&, const Protocol&) = default;
};

/// How alike two protocols fail: one entry of R off its diagonal.
struct FailureCorrelation {
    ProtocolId a;
    ProtocolId b;
    double value{};

    friend bool operator==(const FailureCorrelation&, const FailureCorrelation&) = default;
};

/// What a unit of an instrument is worth, by formula; see `value_of`.
enum class Kind : std::uint8_t {
    cash,
    spot,
    synthetic,
    stable,
    perpetual,
    future,
    inverse_perpetual,
    option,
    lp2,
    lp3,
    deposit,
    debt,
    binary,
};
inline constexpr std::size_t kinds = 13;

/// The names of the kinds in their order, as files and reports write them.
inline constexpr std::array<std::string_view, kinds> kind_names{
    "cash",   "spot", "synthetic", "stable",  "perpetual", "future", "inverse_perpetual",
    "option", "lp2",  "lp3",       "deposit", "debt",      "binary"};

/// The name of one kind.
[[nodiscard]] constexpr std::string_view name_of(Kind kind) noexcept {
    return kind_names[static_cast<std::size_t>(kind)];
}

using base::OptionType;

/// One thing that can be held. Which fields count depends on the kind; `fault_of` refuses others
/// only where they would be misread.
struct Instrument {
    std::string name;
    Kind kind{Kind::cash};
    WrapperId wrapper;   ///< Its price; of an LP its first leg; of an option what hedges it.
    WrapperId quote;     ///< The second leg of an LP.
    double entry{};      ///< Perpetuals and futures: where nothing was won yet. 0: mark.
    double face_usd{1};  ///< Inverse perpetual: dollars of one contract.
    double index{1};     ///< Deposit, debt: tokens of one unit.
    /// Deposit, LP, option: the index, by how much liquidity has grown since, or the volatility
    /// comes with the marks.
    bool is_index_published{};
    double liquidity{};   ///< lp2: sqrt(k) of one unit; lp3: L of one unit.
    double price_low{};   ///< lp3: pa, price of the first leg in the second.
    double price_high{};  ///< lp3: pb.
    OptionType type{OptionType::call};
    UnderlyingId underlying;  ///< Of an option.
    double strike{};
    double forward{};
    double volatility{};                ///< A year's.
    double days{};                      ///< To expiry.
    double rate{};                      ///< A year's, continuous.
    double averaged{};                  ///< Share of its last price's average that is known,
    double average{};                   ///< and what it is so far.
    std::string event;                  ///< Binary: which event,
    std::uint16_t outcome{};            ///< which of its outcomes, from 0,
    std::uint16_t outcomes{};           ///< of how many,
    double mark{};                      ///< and its price, within [0, 1].
    double half_spread{};               ///< Binary, option: of trades in it, at most a half.
    std::vector<ProtocolId> protocols;  ///< Whose failure takes at least LGD of its value.
    std::optional<ProtocolId> venue;    ///< Where it is traded on margin.

    friend bool operator==(const Instrument&, const Instrument&) = default;
};

/// Where volatilities stand in a scenario.
enum class VolatilityState : std::int8_t { down = -1, flat = 0, up = 1 };

/// One future. `moves` has an entry per underlying, `pegs` and `premiums` one per wrapper; a vector
/// that is empty stands for zeros.
struct Scenario {
    std::string name{};
    std::vector<double> moves{};
    VolatilityState volatility{VolatilityState::flat};
    std::vector<double> pegs{};
    std::vector<double> premiums{};
    double damp{1};  ///< d: the share of its P&L that counts, within [0, 1].

    friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// How the simulated scenarios are drawn where a file does not give them.
struct Simulation {
    std::uint32_t count{512};  ///< Even: each draw comes with its opposite.
    std::uint64_t seed{1};
    double degrees_of_freedom{4};  ///< Of Student's t; more than 2.
    double correlation{.85};       ///< Between any two coins.
    double days{2};
    double volatility_up_above{.06};  ///< |log move| of the first coin beyond which vol is up.

    friend bool operator==(const Simulation&, const Simulation&) = default;
};

/// The numbers of the model that belong to no wrapper and no protocol. Defaults are the demo's.
struct ModelParameters {
    double volatility_up{.5};
    double volatility_down{.275};
    double volatility_power_short{.3};  ///< p for 30 days and less,
    double volatility_power_long{.13};  ///< and beyond.
    double volatility_days_min{1};
    double volatility_up_min{.45};
    double tail_cover{.77};
    std::vector<double> tails{-.66, -.33, .5, 1, 2, 3};
    double shortfall_confidence{.975};
    double maintenance_of_market{.8};
    double maintenance_of_liquidity{.5};
    double maintenance_of_shorts{.6};
    double maintenance_of_protocols{.5};
    double funding{.003};
    double short_option_minimum{.005};
    double impact{.5};
    double oracle_quantile{2.33};
    double gain_share{.5};         ///< Of what is won when a protocol fails.
    double venue_share{.1};        ///< Of perpetual notional, lost at LGD when the venue fails.
    double asset_correlation{.2};  ///< rho of WCPD.
    double confidence{.999};       ///< q of WCPD.
    double protocol_days{10};
    double failure_correlation{.25};  ///< R off its diagonal unless said otherwise.

    friend bool operator==(const ModelParameters&, const ModelParameters&) = default;
};

/// Everything a surface is built from.
struct Universe {
    std::vector<Underlying> underlyings;
    std::vector<Wrapper> wrappers;
    std::vector<Protocol> protocols;
    std::vector<FailureCorrelation> correlations;
    std::vector<Instrument> instruments;
    ModelParameters model;
    Simulation simulation;
    std::vector<Scenario> core;       ///< Core, tail, peg and premium. Empty: generated.
    std::vector<Scenario> simulated;  ///< Empty: generated.

    friend bool operator==(const Universe&, const Universe&) = default;

    /// One entry of a list. **Requires:** it is there.
    [[nodiscard]] const Underlying& underlying(UnderlyingId id) const {
        return underlyings.at(id.v);
    }
    [[nodiscard]] const Wrapper& wrapper(WrapperId id) const { return wrappers.at(id.v); }
    [[nodiscard]] const Protocol& protocol(ProtocolId id) const { return protocols.at(id.v); }
    [[nodiscard]] const Instrument& instrument(InstrumentId id) const {
        return instruments.at(id.v);
    }

    /// The position of a name, or nothing. **Cost:** linear.
    [[nodiscard]] std::optional<UnderlyingId> find_underlying(std::string_view name) const;
    [[nodiscard]] std::optional<WrapperId> find_wrapper(std::string_view name) const;
    [[nodiscard]] std::optional<ProtocolId> find_protocol(std::string_view name) const;
    [[nodiscard]] std::optional<InstrumentId> find_instrument(std::string_view name) const;
};

/// What is wrong with a universe, and where.
struct UniverseFault {
    std::string path;  ///< `instruments[3].days`.
    std::string says;  ///< What was expected.

    friend bool operator==(const UniverseFault&, const UniverseFault&) = default;
};

/// All that is wrong: a number that is not finite or out of its range, a name that is empty or
/// given twice, an id that points nowhere, an expired option, more of anything than the limits
/// allow, scenarios of another shape, correlations that no protocols can have, a price that one
/// failure takes twice, an option hedged with another coin.
[[nodiscard]] std::vector<UniverseFault> faults_of(const Universe& universe);

/// The range r that CG measures a wrapper by: its coin's, or without one its peg's.
[[nodiscard]] double range_of(const Universe& universe, const Wrapper& wrapper);

/// Whether the price of an instrument of this kind is that of one wrapper.
[[nodiscard]] constexpr bool has_wrapper(Kind kind) noexcept {
    return kind != Kind::cash && kind != Kind::binary;
}
/// Whether it is a share of a pool of two tokens.
[[nodiscard]] constexpr bool is_lp(Kind kind) noexcept {
    return kind == Kind::lp2 || kind == Kind::lp3;
}
/// Whether it is a contract on margin at a venue.
[[nodiscard]] constexpr bool is_contract(Kind kind) noexcept {
    return kind == Kind::perpetual || kind == Kind::future || kind == Kind::inverse_perpetual;
}

}  // namespace crossclear::risk::kernel
