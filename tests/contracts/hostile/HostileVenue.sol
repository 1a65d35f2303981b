// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IBridge} from "shards/evm/contracts/IBridge.sol";
import {IVenue} from "shards/evm/contracts/IVenue.sol";

/// @notice A venue and bridge that does whatever a test tells it.
contract HostileVenue is IVenue, IBridge {
    enum Way {
        honest, // Takes `take` of one token and gives `give` of the other.
        burnGas,
        returnMuch,
        revertMuch,
        call, // Calls the vault with `data`, and reverts where that reverts.
        outsideBound,
        noCapacity,
        failed,
        other,
        stopped // Reverts with `data`.
    }

    error Other();

    Way public way;
    IERC20 public taken;
    uint256 public take;
    IERC20 public given;
    uint256 public give;
    bytes public data;
    uint256 public seenLimit;
    uint256 public seenGas;

    function behave(Way way_, bytes calldata data_) external {
        way = way_;
        data = data_;
    }

    function exchange(IERC20 taken_, uint256 take_, IERC20 given_, uint256 give_) external {
        (taken, take, given, give) = (taken_, take_, given_, give_);
    }

    function trade(address, int256, uint256 limit) external returns (uint256, uint256) {
        seenLimit = limit;
        _behave();
        return (type(uint256).max, 0);
    }

    function send(address, uint256, uint64, address, bytes32) external {
        _behave();
    }

    function _behave() private {
        seenGas = gasleft();
        if (way == Way.outsideBound) revert OutsideBound();
        if (way == Way.noCapacity) revert NoCapacity();
        if (way == Way.failed) revert Failed();
        if (way == Way.other) revert Other();
        if (way == Way.burnGas) while (true) {}
        if (way == Way.stopped) _revertWith(data);
        if (way == Way.returnMuch || way == Way.revertMuch) _sayMuch(way == Way.returnMuch);
        if (take != 0) taken.transferFrom(msg.sender, address(this), take);
        if (give != 0) given.transfer(msg.sender, give);
        if (way == Way.call) {
            (bool isDone, bytes memory why) = msg.sender.call(data);
            if (!isDone) _revertWith(why);
        }
    }

    function _revertWith(bytes memory why) private pure {
        assembly {
            revert(add(why, 32), mload(why))
        }
    }

    /// @dev More than half of an effect's gas can copy. As a revert it begins with a good reason.
    function _sayMuch(bool isReturn) private pure {
        bytes4 reason = NoCapacity.selector;
        assembly {
            if isReturn { return(0, 500000) }
            mstore(0, reason)
            revert(0, 500000)
        }
    }
}
