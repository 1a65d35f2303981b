// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {TestToken} from "./TestToken.sol";

/// @notice A token that burns a part of every transfer; for showing that vaults refuse it.
contract FeeToken is TestToken {
    uint256 public feePpm;

    constructor(string memory name, string memory symbol, uint8 digits, address admin)
        TestToken(name, symbol, digits, admin)
    {}

    function setFee(uint256 ppm) external onlyRole(DEFAULT_ADMIN_ROLE) {
        feePpm = ppm;
    }

    /// @dev Minting and burning cost nothing. The fee rounds up.
    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = 0;
        if (from != address(0) && to != address(0)) {
            fee = Math.mulDiv(value, feePpm, 1e6, Math.Rounding.Ceil);
            if (fee != 0) super._update(from, address(0), fee);
        }
        super._update(from, to, value - fee);
    }
}
