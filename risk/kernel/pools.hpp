#pragma once

/// Shares of automated market makers, valued by what their pool holds once arbitrage has moved it
/// to the oracle's prices. Reserves are never an input of a value: whoever trades can set them.

namespace crossclear::risk::kernel {

/// The oracle's prices of a pool's two tokens. **Units:** USD. Not negative.
struct PairPrices {
    double a{};
    double b{};
};

/// Tokens of either side.
struct PairAmounts {
    double a{};
    double b{};
};

/// A constant-product share worth 2·sqrt(k)·sqrt(p_a·p_b)·share USD; nothing if either price is 0.
/// **Requires:** `root_k` = sqrt(k)·share, finite and not negative.
/// **Source:** Uniswap v2, docs "Understanding returns"; k = x·y and x·p_a = y·p_b.
[[nodiscard]] double constant_product_value(double root_k, const PairPrices& prices);

/// A position of concentrated liquidity: between `low` and `high`, prices of token a in token b.
struct PriceRange {
    double liquidity{};  ///< L.
    double low{};        ///< pa, positive.
    double high{};       ///< pb, above pa.
};

/// What the position holds with token a at `price` tokens b: L(1/s - 1/sqrt(pb)) and
/// L(s - sqrt(pa)), s the price's root within the range.
/// **Source:** Uniswap v3 core whitepaper (2021), 6.2; v3-periphery LiquidityAmounts.
[[nodiscard]] PairAmounts amounts_of(const PriceRange& range, double price);

/// Value in USD of what it holds at the oracle's prices; 0 where token b is worth nothing, since
/// the pool is then left with it alone.
[[nodiscard]] double range_value(const PriceRange& range, const PairPrices& prices);

/// The most liquidity that `amounts` pay for at `price`. `range.liquidity` is ignored.
/// **Source:** v3-periphery LiquidityAmounts.getLiquidityForAmounts.
[[nodiscard]] double liquidity_for(const PriceRange& range, double price,
                                   const PairAmounts& amounts);

/// What a share has lost, as a part of its tokens' value had they been kept, when the price of one
/// token in the other is `ratio` times what it was: 1 - 2·sqrt(r)/(1 + r).
[[nodiscard]] double impermanent_loss(double ratio);

/// A swap through a pool of constant product.
struct PoolSwap {
    double amount_in{};
    double reserve_in{};
    double reserve_out{};
    double fee{};  ///< Share of the amount in.
};
/// Tokens out. **Source:** Uniswap v2 core, UniswapV2Pair.swap.
[[nodiscard]] double amount_out(const PoolSwap& swap);

}  // namespace crossclear::risk::kernel
