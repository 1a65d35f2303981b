// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice Worst prices: raw units of quote per raw unit of base, times 1e36.
library Bound {
    uint256 internal constant ONE = 1e36;

    /// @notice Whether `cash` for `filled` is no worse than `limit`: at most that for a buyer, at
    /// least that for a seller. Exact, whatever the numbers are: both products have 512 bits.
    function holds(bool isBuy, uint256 filled, uint256 cash, uint256 limit)
        internal
        pure
        returns (bool)
    {
        (uint256 cashHigh, uint256 cashLow) = Math.mul512(cash, ONE);
        (uint256 limitHigh, uint256 limitLow) = Math.mul512(filled, limit);
        if (cashHigh != limitHigh) return isBuy == (cashHigh < limitHigh);
        return isBuy ? cashLow <= limitLow : cashLow >= limitLow;
    }
}
