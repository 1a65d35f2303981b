// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

/// @notice Whom tokens may go to. An entry counts only after a delay, so that whoever stole the
/// lister's key cannot use it before somebody notices; it is taken off at once.
abstract contract AllowLists is AccessControl {
    using EnumerableSet for EnumerableSet.Bytes32Set;

    /// @notice What for. Destinations are addresses on this chain, those abroad on another one.
    enum Kind {
        destination,
        abroad,
        venue,
        bridge
    }

    struct Entry {
        Kind kind;
        uint64 chain; // Of a destination abroad, else 0.
        uint64 from; // The first second in which it counts.
        address who;
        address quote; // Of a venue: what it trades against, so that it cannot choose later.
    }

    bytes32 public constant LISTER = keccak256("LISTER");
    /// @notice Seconds from an entry to its effect.
    uint32 public immutable allowDelay;

    mapping(bytes32 key => Entry) private _entries;
    EnumerableSet.Bytes32Set private _keys;

    event Allowed(
        Kind indexed kind, uint64 indexed chain, address indexed who, address quote, uint64 from
    );
    event Disallowed(Kind indexed kind, uint64 indexed chain, address indexed who);

    error AlreadyAllowed(address who);
    error NotAllowed(address who);
    error ZeroAddress();

    constructor(uint32 delay) {
        allowDelay = delay;
    }

    function allow(address to) external {
        _allow(Kind.destination, 0, to, address(0));
    }

    function allowAbroad(uint64 chain, address to) external {
        _allow(Kind.abroad, chain, to, address(0));
    }

    function allowVenue(address venue, address quote) external {
        if (quote == address(0)) revert ZeroAddress();
        _allow(Kind.venue, 0, venue, quote);
    }

    function allowBridge(address bridge) external {
        _allow(Kind.bridge, 0, bridge, address(0));
    }

    function disallow(address to) external {
        _disallow(Kind.destination, 0, to);
    }

    function disallowAbroad(uint64 chain, address to) external {
        _disallow(Kind.abroad, chain, to);
    }

    function disallowVenue(address venue) external {
        _disallow(Kind.venue, 0, venue);
    }

    function disallowBridge(address bridge) external {
        _disallow(Kind.bridge, 0, bridge);
    }

    /// @notice Whether an entry counts now. `chain` is 0 but for destinations abroad.
    function isAllowed(Kind kind, uint64 chain, address who) public view returns (bool) {
        uint64 from = _entries[_keyOf(kind, chain, who)].from;
        return from != 0 && block.timestamp >= from;
    }

    /// @notice What stands there, counting or not; all zeros where nothing does.
    function entryOf(Kind kind, uint64 chain, address who) public view returns (Entry memory) {
        return _entries[_keyOf(kind, chain, who)];
    }

    function entryCount() external view returns (uint256) {
        return _keys.length();
    }

    /// @notice Those from `start` to before `end`, in no order that lasts.
    function entries(uint256 start, uint256 end) external view returns (Entry[] memory found) {
        bytes32[] memory keys = _keys.values(start, end);
        found = new Entry[](keys.length);
        for (uint256 i = 0; i < keys.length; ++i) found[i] = _entries[keys[i]];
    }

    function _allow(Kind kind, uint64 chain, address who, address quote)
        private
        onlyRole(LISTER)
    {
        if (who == address(0)) revert ZeroAddress();
        bytes32 key = _keyOf(kind, chain, who);
        if (!_keys.add(key)) revert AlreadyAllowed(who);
        // Never 0, which would mean that nothing stands there.
        uint64 from = uint64(block.timestamp) + allowDelay;
        _entries[key] = Entry(kind, chain, from, who, quote);
        emit Allowed(kind, chain, who, quote, from);
    }

    function _disallow(Kind kind, uint64 chain, address who) private onlyRole(LISTER) {
        bytes32 key = _keyOf(kind, chain, who);
        if (!_keys.remove(key)) revert NotAllowed(who);
        delete _entries[key];
        emit Disallowed(kind, chain, who);
    }

    function _keyOf(Kind kind, uint64 chain, address who) private pure returns (bytes32) {
        return keccak256(abi.encode(kind, chain, who));
    }
}
