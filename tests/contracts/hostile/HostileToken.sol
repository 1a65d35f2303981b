// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TestToken} from "shards/evm/contracts/TestToken.sol";

/// @notice A token with hooks: transfers call whom a test names, as those of ERC-777 do, and its
/// owner can take balances away.
contract HostileToken is TestToken {
    address public target;
    bytes public data;
    bool public mustSucceed;
    bool public isBomb;
    bool private _isCalling;

    constructor(uint8 digits, address admin) TestToken("Hostile", "HOST", digits, admin) {}

    function onTransfer(address target_, bytes calldata data_, bool mustSucceed_) external {
        (target, data, mustSucceed) = (target_, data_, mustSucceed_);
    }

    /// @notice From now on transfers burn gas, and revert with more than the rest could copy twice.
    function arm() external {
        isBomb = true;
    }

    function seize(address from, uint256 amount) external {
        _burn(from, amount);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (isBomb) {
            while (gasleft() > 195_000) {}
            assembly {
                revert(0, 200000)
            }
        }
        if (target == address(0) || _isCalling || from == address(0) || to == address(0)) return;
        _isCalling = true;
        (bool isDone, bytes memory why) = target.call(data);
        _isCalling = false;
        if (!isDone && mustSucceed) {
            assembly {
                revert(add(why, 32), mload(why))
            }
        }
    }
}

/// @notice No decimals at all.
contract BareToken {
    mapping(address => uint256) public balanceOf;
}
