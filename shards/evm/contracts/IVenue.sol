// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Where one token is traded against another. Whoever calls is the trader: a venue pulls
/// what it needs from it by transferFrom, and pays it by transfer.
interface IVenue {
    /// @notice Nothing can be filled at `limit` or better.
    error OutsideBound();
    /// @notice Nothing can be filled just now, whatever the price.
    error NoCapacity();
    /// @notice The protocol is gone.
    error Failed();

    /// @notice Fills `quantity` of `base`, or a part of it, at `limit` or better.
    /// @param quantity Raw units; positive buys, negative sells.
    /// @param limit The worst price of what is filled: raw units of quote per raw unit of base,
    /// times 1e36.
    /// @return filled Raw units of base, without a sign.
    /// @return cash Raw units of quote.
    function trade(address base, int256 quantity, uint256 limit)
        external
        returns (uint256 filled, uint256 cash);
}
