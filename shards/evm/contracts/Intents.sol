// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {IVenue} from "./IVenue.sol";

/// @notice What somebody wants once, under a name of its own, and how it ended.
///
/// An intent has ended for good when its transaction succeeds: well, or with a reason and without
/// any effect. The effect is a call of the contract to itself, so that all of it can be rolled back
/// while the intent stays taken.
abstract contract Intents {
    // How an intent ended; the numbers of ledger::ShardRefusal.
    uint8 internal constant DONE = 0;
    uint8 internal constant EXPIRED = 1;
    uint8 internal constant OUTSIDE_BOUND = 2;
    uint8 internal constant INSUFFICIENT_BALANCE = 3;
    uint8 internal constant CAPACITY_EXCEEDED = 4;
    uint8 internal constant REVERTED = 5;
    uint8 internal constant UNSUPPORTED = 6;
    uint8 internal constant PROTOCOL_FAILED = 7;

    uint256 private constant EFFECT_GAS_MIN = 200_000;
    // What a transaction spends before the effect: its own 21000, its data, the mark as done.
    uint256 private constant GAS_BEFORE = 80_000;
    // What stays back to tell how the effect ended.
    uint256 private constant GAS_AFTER = 30_000;

    /// @notice What an effect gets, whatever the transaction brought. Were it a share of that,
    /// whoever brings too little could make a good intent fail for good: a call that runs out of
    /// gas looks like one that was refused.
    uint256 public immutable effectGas;
    /// @notice The hash of what was asked for under an intent, which is the call's data without the
    /// intent; 0 as long as it was not taken.
    mapping(bytes32 intent => bytes32 body) public done;

    /// @notice `given` and `received` as they are booked, in whole units: the one rounded up, the
    /// other down. `filled` is a trade's, in base, positive for bought. All zero without an effect.
    event Ended(
        bytes32 indexed intent,
        uint8 indexed result,
        address given,
        uint256 givenAmount,
        address received,
        uint256 receivedAmount,
        int256 filled
    );

    error IntentDone(bytes32 intent);
    error GasTooLow(uint256 wanted);
    error NotSelf();
    /// @dev Rolls an effect back; never leaves the contract.
    error Stopped(uint8 result);

    modifier onlySelf() {
        if (msg.sender != address(this)) revert NotSelf();
        _;
    }

    constructor(uint256 gasOfEffect) {
        if (gasOfEffect < EFFECT_GAS_MIN) revert GasTooLow(EFFECT_GAS_MIN);
        effectGas = gasOfEffect;
    }

    /// @notice The gas that a transaction with an intent must bring; it never needs more.
    function gasWanted() external view returns (uint256) {
        return GAS_BEFORE + _gasFromHere();
    }

    /// @dev Takes an intent, the first argument of the call, and returns whether it may be tried.
    function _begin(bytes32 intent, uint64 deadline) internal returns (bool) {
        if (done[intent] != 0) revert IntentDone(intent);
        done[intent] = keccak256(bytes.concat(msg.data[:4], msg.data[36:]));
        if (block.timestamp > deadline) {
            _endWithout(intent, EXPIRED);
            return false;
        }
        if (gasleft() < _gasFromHere()) revert GasTooLow(_gasFromHere());
        return true;
    }

    /// @dev Ends an intent whose effect has just been rolled back.
    function _endRolledBack(bytes32 intent) internal {
        (bytes4 selector, uint256 result) = _lastRevert();
        bool isOurs = selector == Stopped.selector && result != DONE && result <= PROTOCOL_FAILED;
        _endWithout(intent, isOurs ? uint8(result) : REVERTED);
    }

    /// @dev Calls a venue or a bridge. What it says is not taken along, however much it is.
    function _call(address target, bytes memory data) internal {
        if (LowLevelCall.callNoReturn(target, data)) return;
        (bytes4 selector,) = _lastRevert();
        if (selector == IVenue.OutsideBound.selector) revert Stopped(OUTSIDE_BOUND);
        if (selector == IVenue.NoCapacity.selector) revert Stopped(CAPACITY_EXCEEDED);
        if (selector == IVenue.Failed.selector) revert Stopped(PROTOCOL_FAILED);
        revert Stopped(REVERTED);
    }

    function _endWithout(bytes32 intent, uint8 result) private {
        emit Ended(intent, result, address(0), 0, address(0), 0, 0);
    }

    /// @dev A call gets 63/64 of what there is at most, and nothing says so: there must be more.
    function _gasFromHere() private view returns (uint256) {
        return effectGas + effectGas / 63 + GAS_AFTER;
    }

    /// @dev The beginning of what the last call reverted with, zeros where there is none. Copying
    /// all of it would let whoever was called spend our gas.
    function _lastRevert() private pure returns (bytes4 selector, uint256 word) {
        assembly ("memory-safe") {
            let size := returndatasize()
            if gt(size, 0x24) { size := 0x24 }
            mstore(0x00, 0)
            mstore(0x20, 0)
            returndatacopy(0x00, 0x00, size)
            selector := and(mload(0x00), shl(224, 0xffffffff))
            word := mload(0x04)
        }
    }
}
