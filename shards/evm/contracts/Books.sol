// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {AllowLists} from "./AllowLists.sol";

/// @notice What a ledger with fewer digits has booked of each token here.
///
/// A unit of the ledger is `unit` raw units of the token. What comes in is booked rounded down, and
/// what goes out rounded up, both to whole units. What lies here and is not booked is dust:
/// remainders, and what somebody sent unasked, which must not make the books look wrong.
abstract contract Books is AllowLists, ReentrancyGuardTransient {
    uint8 internal constant SCALE_MAX = 9;
    uint8 internal constant DECIMALS_MAX = 36;

    /// @notice Raw units of the token in one unit of the ledger; 0 where it is not listed.
    mapping(address token => uint256) public unit;
    /// @notice Raw units that are booked, always whole units.
    mapping(address token => uint256) public booked;
    address[] private _tokens;

    event TokenListed(address indexed token, uint8 scale, uint256 unit);
    event Funded(address indexed token, uint256 amount);
    event WrittenOff(address indexed token, uint256 amount);

    error BadScale(uint8 scale);
    error BadDecimals(address token);
    error AlreadyListed(address token);
    error NotListed(address token);
    error NotWhole(address token, uint256 amount);
    error TooMuch(address token);
    error NotThere(address token, uint256 amount);

    /// @notice Lists a token for good. `scale` is the ledger's: how many decimal digits it counts.
    function listToken(address token, uint8 scale) external onlyRole(LISTER) {
        if (scale > SCALE_MAX) revert BadScale(scale);
        if (unit[token] != 0) revert AlreadyListed(token);
        (bool isKnown, uint8 decimals) = SafeERC20.tryGetDecimals(IERC20(token));
        if (!isKnown || decimals < scale || decimals > DECIMALS_MAX) revert BadDecimals(token);
        unit[token] = 10 ** (decimals - scale);
        _tokens.push(token);
        emit TokenListed(token, scale, unit[token]);
    }

    /// @notice Books `amount` of the dust as the broker's own: capital that was sent here, or what
    /// a client sent without a deposit. The ledger is told by whoever decides this.
    function fund(address token, uint256 amount)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
        nonReentrant
    {
        _demandWhole(token, amount);
        if (amount > dust(token)) revert NotThere(token, amount);
        _bookIn(token, amount);
        emit Funded(token, amount);
    }

    /// @notice Books no more than what is here, once the token itself has taken some away. Without
    /// it, what comes in later as dust would pass for what was lost.
    function writeOff(address token) external onlyRole(DEFAULT_ADMIN_ROLE) nonReentrant {
        if (unit[token] == 0) revert NotListed(token);
        uint256 left = _roundDown(token, held(token));
        uint256 lost = booked[token] - left;
        booked[token] = left;
        emit WrittenOff(token, lost);
    }

    /// @notice All listed tokens, in the order of listing.
    function tokens() external view returns (address[] memory) {
        return _tokens;
    }

    /// @notice What is here of what is booked: all of it, unless the token lost some.
    function held(address token) public view returns (uint256) {
        return Math.min(booked[token], _balance(token));
    }

    /// @notice What is here and not booked. `balanceOf(this) - dust` is `held`.
    function dust(address token) public view returns (uint256) {
        return Math.saturatingSub(_balance(token), booked[token]);
    }

    /// @dev Books what came in, and returns how much of it.
    function _bookIn(address token, uint256 amount) internal returns (uint256 whole) {
        whole = _roundDown(token, amount);
        booked[token] += whole;
        // The ledger counts all of it in 63 bits.
        if (booked[token] / unit[token] > uint64(type(int64).max)) revert TooMuch(token);
    }

    /// @dev Books what went out, and returns how much was taken off for it.
    function _bookOut(address token, uint256 amount) internal returns (uint256 whole) {
        whole = _roundUp(token, amount);
        booked[token] -= whole;
    }

    function _roundDown(address token, uint256 amount) internal view returns (uint256) {
        return amount - amount % unit[token];
    }

    function _roundUp(address token, uint256 amount) internal view returns (uint256) {
        return Math.ceilDiv(amount, unit[token]) * unit[token];
    }

    function _isWhole(address token, uint256 amount) internal view returns (bool) {
        return amount != 0 && amount % unit[token] == 0;
    }

    function _demandWhole(address token, uint256 amount) internal view {
        if (unit[token] == 0) revert NotListed(token);
        if (!_isWhole(token, amount)) revert NotWhole(token, amount);
    }

    function _balance(address token) internal view returns (uint256) {
        return IERC20(token).balanceOf(address(this));
    }
}
