#include "tests/support/actors/house.hpp"

namespace crossclear::tests::town {

base::Listing listing() {
    using base::AssetKind;
    using base::InstrumentKind;
    return base::Listing{
        .assets = {{"USDC", 6, AssetKind::stable, "", "circle"},
                   {"ETH", 9, AssetKind::spot, "ETH", ""},
                   {"sBTC", 8, AssetKind::synthetic, "BTC", "synthetix"},
                   {"BTC-PERP", 6, AssetKind::contract, "BTC", "perps"}},
        .instruments = {{"ETH", InstrumentKind::in_kind, eth, usdc},
                        {"sBTC", InstrumentKind::in_kind, sbtc, usdc},
                        {"BTC-PERP", InstrumentKind::linear_perpetual, btc_contract, usdc}},
        .shards = {{"synthetix", {usdc, eth, sbtc}, {sbtc_swap}, eth, false},
                   {"uniswap", {usdc, eth}, {eth_swap}, eth, false},
                   {"perpetuals", {usdc, btc_contract}, {btc_perp}, usdc, true}}};
}

base::Listing listing_with_ends(const base::Expiry& of_future, const base::Expiry& of_rain) {
    using base::AssetKind;
    using base::InstrumentKind;
    auto all = listing();
    all.assets.push_back({"ETH-DEC", 6, AssetKind::contract, "ETH", "perps"});
    all.assets.push_back({"RAIN-YES", 6, AssetKind::outcome, "", "oracle-of-rain"});
    all.instruments.push_back(
        {"ETH-DEC", InstrumentKind::dated_future, eth_future, usdc, of_future});
    all.instruments.push_back({"RAIN-YES", InstrumentKind::prediction, rain, usdc, of_rain});
    auto& venue = all.shards.at(perpetuals.v);
    venue.assets.insert(venue.assets.end(), {eth_future, rain});
    venue.instruments.insert(venue.instruments.end(), {future, rain_yes});
    return all;
}

base::Listing listing_with_collateral() {
    auto all = listing();
    all.assets.push_back({"DAI", 6, base::AssetKind::stable, "", "maker"});
    all.assets.push_back({"ETH-USDC", 6, base::AssetKind::pool, "", "uniswap"});
    all.assets.push_back({"lent-ETH", 6, base::AssetKind::lending, "", "aave"});
    auto& held = all.shards.at(uniswap.v).assets;
    held.insert(held.end(), {dai, pool_share, lent_eth});
    return all;
}

base::Listing listing_with_options(const OptionOnEth& of_call, const OptionOnEth& of_put) {
    auto all = listing();
    auto& venue = all.shards.at(perpetuals.v);
    const auto add = [&](const char* symbol, base::OptionType type, const OptionOnEth& option) {
        const base::AssetId asset{static_cast<std::uint16_t>(all.assets.size())};
        const base::InstrumentId id{static_cast<std::uint16_t>(all.instruments.size())};
        all.assets.push_back({symbol, 6, base::AssetKind::option, "ETH", "perps"});
        all.instruments.push_back(
            {.symbol = symbol,
             .kind = base::InstrumentKind::option,
             .base = asset,
             .settlement = usdc,
             .expiry = option.expiry,
             .option = base::OptionTerms{.type = type,
                                         .strike = base::Price{option.strike * one_dollar}}});
        venue.assets.push_back(asset);
        venue.instruments.push_back(id);
    };
    add("ETH-CALL", base::OptionType::call, of_call);
    add("ETH-PUT", base::OptionType::put, of_put);
    return all;
}

base::AccountId account_in(base::PartitionId partition, std::uint64_t nth, base::BrokerId broker,
                           std::uint16_t of) {
    for (std::uint64_t number = 1;; ++number) {
        const auto account = base::account_id(broker, number);
        if (base::partition_of(account, of) == partition && nth-- == 0) return account;
    }
}

}  // namespace crossclear::tests::town
