// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {AllowLists} from "./AllowLists.sol";
import {Books} from "./Books.sol";
import {Bound} from "./Bound.sol";
import {IArrivals, IBridge} from "./IBridge.sol";
import {IVenue} from "./IVenue.sol";
import {Intents} from "./Intents.sol";

/// @notice Holds one broker's tokens on one chain.
///
/// The operator's calls are intents: each happens once, also when keys rotate or a backup of ours
/// is restored. Everybody else's word is doubted: what counts is how the vault's own balances
/// changed. Amounts are raw units of the token.
contract Vault is Books, Intents, Pausable, IArrivals {
    using SafeERC20 for IERC20;

    struct Terms {
        bool isBuy;
        address given;
        address received;
        uint256 size; // Of base, at most.
        uint256 most; // Of what is given.
        uint256 bound; // For the venue.
    }

    bytes32 public constant OPERATOR = keccak256("OPERATOR");
    bytes32 public constant GUARDIAN = keccak256("GUARDIAN");

    /// @notice What a bridge has delivered. By bridge: none can use up a name of another one.
    mapping(address bridge => mapping(bytes32 intent => bool)) public hasArrived;
    /// @notice Counted from 1.
    uint256 public depositCount;

    event Deposited(
        uint256 indexed id,
        uint64 indexed account,
        address indexed token,
        address from,
        uint256 amount
    );

    error FeeOnTransfer(address token, uint256 amount, uint256 arrived);
    error ArrivalKnown(bytes32 intent);

    /// @param gasOfEffect More than the dearest venue takes, and less than a block has.
    constructor(address admin, uint32 delay, uint256 gasOfEffect)
        AllowLists(delay)
        Intents(gasOfEffect)
    {
        if (admin == address(0)) revert ZeroAddress();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @notice A client's own tokens, for `account`. Exactly `amount` must arrive.
    function deposit(uint64 account, address token, uint256 amount)
        external
        whenNotPaused
        nonReentrant
        returns (uint256 id)
    {
        _demandWhole(token, amount);
        uint256 before = _balance(token);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 grown = _balance(token) - before;
        if (grown != amount) revert FeeOnTransfer(token, amount, grown);
        _bookIn(token, amount);
        id = ++depositCount;
        emit Deposited(id, account, token, msg.sender, amount);
    }

    /// @notice Buys (positive) or sells `quantity` of `base` at `venue`, or a part of it, at
    /// `limit` or better: raw units of the venue's quote per raw unit of base, times 1e36.
    function trade(
        bytes32 intent,
        uint64 deadline,
        address venue,
        address base,
        int256 quantity,
        uint256 limit
    ) external onlyRole(OPERATOR) whenNotPaused nonReentrant {
        if (!_begin(intent, deadline)) return;
        try this.effectTrade{gas: effectGas}(intent, venue, base, quantity, limit) {}
        catch {
            _endRolledBack(intent);
        }
    }

    /// @notice Sends to a destination on the allow-list.
    function pay(bytes32 intent, uint64 deadline, address token, address to, uint256 amount)
        external
        onlyRole(OPERATOR)
        whenNotPaused
        nonReentrant
    {
        if (!_begin(intent, deadline)) return;
        try this.effectPay{gas: effectGas}(intent, token, to, amount) {}
        catch {
            _endRolledBack(intent);
        }
    }

    /// @notice Sends to a destination abroad, through a bridge; both are on the allow-list.
    function bridgeOut(
        bytes32 intent,
        uint64 deadline,
        address bridge,
        address token,
        uint256 amount,
        uint64 toChain,
        address to
    ) external onlyRole(OPERATOR) whenNotPaused nonReentrant {
        if (!_begin(intent, deadline)) return;
        try this.effectBridgeOut{gas: effectGas}(intent, bridge, token, amount, toChain, to) {}
        catch {
            _endRolledBack(intent);
        }
    }

    /// @notice A bridge tells what it has brought; also while paused, since it is on its way.
    function arrived(bytes32 intent, address token, uint256 amount) external nonReentrant {
        if (!isAllowed(Kind.bridge, 0, msg.sender)) revert NotAllowed(msg.sender);
        if (unit[token] == 0) revert NotListed(token);
        if (hasArrived[msg.sender][intent]) revert ArrivalKnown(intent);
        if (amount > dust(token)) revert NotThere(token, amount);
        hasArrived[msg.sender][intent] = true;
        _bookIn(token, amount);
    }

    function pause() external onlyRole(GUARDIAN) {
        _pause();
    }

    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    function supportsInterface(bytes4 id) public view override(AccessControl) returns (bool) {
        return id == type(IArrivals).interfaceId || super.supportsInterface(id);
    }

    /// @notice The trade itself; only the vault calls it, to be able to roll it back.
    function effectTrade(
        bytes32 intent,
        address venue,
        address base,
        int256 quantity,
        uint256 limit
    ) external onlySelf {
        Terms memory terms = _termsOf(venue, base, quantity, limit);
        if (terms.most > held(terms.given)) revert Stopped(INSUFFICIENT_BALANCE);
        uint256 spent = _balance(terms.given);
        uint256 got = _balance(terms.received);
        IERC20(terms.given).forceApprove(venue, terms.most);
        // What it returns is not looked at: only what is here afterwards.
        _call(venue, abi.encodeCall(IVenue.trade, (base, quantity, terms.bound)));
        IERC20(terms.given).forceApprove(venue, 0);
        spent -= _balance(terms.given);
        got = _balance(terms.received) - got;

        _demandKept(terms, spent, got);
        spent = _bookOut(terms.given, spent);
        got = _bookIn(terms.received, got);
        int256 filled = terms.isBuy ? int256(got) : -int256(spent);
        emit Ended(intent, DONE, terms.given, spent, terms.received, got, filled);
    }

    /// @notice The payment itself; only the vault calls it.
    function effectPay(bytes32 intent, address token, address to, uint256 amount)
        external
        onlySelf
    {
        if (!isAllowed(Kind.destination, 0, to)) revert Stopped(UNSUPPORTED);
        _demandGiveable(token, amount);
        if (amount > held(token)) revert Stopped(INSUFFICIENT_BALANCE);
        uint256 before = _balance(token);
        uint256 theirs = IERC20(token).balanceOf(to);
        IERC20(token).safeTransfer(to, amount);
        bool hasMoved = before - _balance(token) == amount
            && IERC20(token).balanceOf(to) - theirs == amount;
        if (!hasMoved) revert Stopped(UNSUPPORTED);
        _bookOut(token, amount);
        emit Ended(intent, DONE, token, amount, address(0), 0, 0);
    }

    /// @notice The way out itself; only the vault calls it.
    function effectBridgeOut(
        bytes32 intent,
        address bridge,
        address token,
        uint256 amount,
        uint64 toChain,
        address to
    ) external onlySelf {
        bool isKnown = isAllowed(Kind.bridge, 0, bridge) && isAllowed(Kind.abroad, toChain, to);
        if (!isKnown) revert Stopped(UNSUPPORTED);
        _demandGiveable(token, amount);
        if (amount > held(token)) revert Stopped(INSUFFICIENT_BALANCE);
        uint256 before = _balance(token);
        IERC20(token).forceApprove(bridge, amount);
        _call(bridge, abi.encodeCall(IBridge.send, (token, amount, toChain, to, intent)));
        IERC20(token).forceApprove(bridge, 0);
        if (before - _balance(token) != amount) revert Stopped(REVERTED);
        _bookOut(token, amount);
        emit Ended(intent, DONE, token, amount, address(0), 0, 0);
    }

    function _demandGiveable(address token, uint256 amount) private view {
        if (unit[token] == 0 || !_isWhole(token, amount)) revert Stopped(UNSUPPORTED);
        if (amount / unit[token] > uint64(type(int64).max)) revert Stopped(UNSUPPORTED);
    }

    /// @dev What a trade may do. The bound is such that the whole quantity keeps the limit as it is
    /// booked, in whole units; a part of it keeps the limit before it is rounded.
    function _termsOf(address venue, address base, int256 quantity, uint256 limit)
        private
        view
        returns (Terms memory terms)
    {
        address quote = entryOf(Kind.venue, 0, venue).quote;
        bool isKnown = isAllowed(Kind.venue, 0, venue) && base != quote && unit[quote] != 0;
        if (!isKnown) revert Stopped(UNSUPPORTED);
        uint256 size = SignedMath.abs(quantity);
        _demandGiveable(base, size);
        // Half of what fits into a word: there must be room for rounding up.
        (uint256 high,) = Math.mul512(size, limit);
        bool isTooMuch = high >= Bound.ONE / 2 || limit > uint256(type(int256).max);
        if (isTooMuch) revert Stopped(UNSUPPORTED);

        terms.isBuy = quantity > 0;
        terms.size = size;
        if (terms.isBuy) {
            (terms.given, terms.received) = (quote, base);
            terms.most = _roundDown(quote, Math.mulDiv(size, limit, Bound.ONE));
            // Whatever is bought costs one unit of the quote at least.
            if (terms.most == 0) revert Stopped(OUTSIDE_BOUND);
            terms.bound = Math.mulDiv(terms.most, Bound.ONE, size);
        } else {
            (terms.given, terms.received) = (base, quote);
            terms.most = size;
            uint256 least = Math.mulDiv(size, limit, Bound.ONE, Math.Rounding.Ceil);
            least = _roundUp(quote, least);
            terms.bound = Math.mulDiv(least, Bound.ONE, size, Math.Rounding.Ceil);
        }
    }

    /// @dev Whether a venue kept the terms is decided by what is here, in raw units.
    function _demandKept(Terms memory terms, uint256 spent, uint256 got) private view {
        (uint256 filled, uint256 cash) = terms.isBuy ? (got, spent) : (spent, got);
        if (filled > terms.size || spent > terms.most) revert Stopped(REVERTED);
        // Less than a unit of what was bought would be booked as nothing.
        uint256 least = terms.isBuy ? unit[terms.received] : 1;
        if (filled < least) revert Stopped(CAPACITY_EXCEEDED);
        if (!Bound.holds(terms.isBuy, filled, cash, terms.bound)) revert Stopped(OUTSIDE_BOUND);
    }
}
