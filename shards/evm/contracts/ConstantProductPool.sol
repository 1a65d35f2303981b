// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Bound} from "./Bound.sol";
import {IVenue} from "./IVenue.sol";

/// @notice Two tokens of one provider, traded so that the product of the reserves never falls.
///
/// Where the whole quantity would cost more than the limit allows, it fills the largest part that
/// does not. Without rounding that part is a line of algebra, since buying q costs Y / (X - q) a
/// unit. Rounding can make exactly that q a little too dear; then what its own cash buys is tried,
/// and after that less and less, in steps that double.
contract ConstantProductPool is IVenue, Ownable, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 private constant PPM = 1e6;
    // Products of two reserves and a fee fit into a word.
    uint256 private constant RESERVE_MAX = type(uint112).max;

    IERC20 public immutable base;
    IERC20 public immutable quote;
    uint256 public immutable feePpm;
    uint256 public baseReserve;
    uint256 public quoteReserve;

    event Traded(address indexed trader, int256 filled, uint256 cash);
    event LiquidityChanged(uint256 baseReserve, uint256 quoteReserve);

    error BadFee(uint256 ppm);
    error NotTraded(address token);
    error ReserveTooLarge();

    constructor(IERC20 base_, IERC20 quote_, uint256 ppm, address provider) Ownable(provider) {
        if (ppm >= PPM) revert BadFee(ppm);
        base = base_;
        quote = quote_;
        feePpm = ppm;
    }

    function addLiquidity(uint256 baseAmount, uint256 quoteAmount)
        external
        onlyOwner
        nonReentrant
    {
        _setReserves(baseReserve + baseAmount, quoteReserve + quoteAmount);
        base.safeTransferFrom(msg.sender, address(this), baseAmount);
        quote.safeTransferFrom(msg.sender, address(this), quoteAmount);
    }

    function removeLiquidity(uint256 baseAmount, uint256 quoteAmount)
        external
        onlyOwner
        nonReentrant
    {
        _setReserves(baseReserve - baseAmount, quoteReserve - quoteAmount);
        base.safeTransfer(msg.sender, baseAmount);
        quote.safeTransfer(msg.sender, quoteAmount);
    }

    /// @inheritdoc IVenue
    function trade(address token, int256 quantity, uint256 limit)
        external
        nonReentrant
        returns (uint256 filled, uint256 cash)
    {
        if (token != address(base)) revert NotTraded(token);
        if (baseReserve == 0 || quoteReserve == 0 || quantity == 0) revert NoCapacity();
        bool isBuy = quantity > 0;
        filled = Math.min(SignedMath.abs(quantity), _largest(isBuy, limit));
        (filled, cash) = _within(isBuy, filled, limit);
        if (isBuy) {
            _setReserves(baseReserve - filled, quoteReserve + cash);
            quote.safeTransferFrom(msg.sender, address(this), cash);
            base.safeTransfer(msg.sender, filled);
        } else {
            _setReserves(baseReserve + filled, quoteReserve - cash);
            base.safeTransferFrom(msg.sender, address(this), filled);
            quote.safeTransfer(msg.sender, cash);
        }
        emit Traded(msg.sender, isBuy ? int256(filled) : -int256(filled), cash);
    }

    /// @notice What buying `amount` costs; a reserve cannot be bought empty.
    function costOf(uint256 amount) public view returns (uint256) {
        uint256 left = baseReserve - amount;
        return Math.ceilDiv(quoteReserve * amount * PPM, left * (PPM - feePpm));
    }

    /// @notice What selling `amount` brings.
    function proceedsOf(uint256 amount) public view returns (uint256) {
        return _out(amount, baseReserve, quoteReserve);
    }

    /// @dev The largest part whose average price keeps the limit, before rounding.
    function _largest(bool isBuy, uint256 limit) private view returns (uint256) {
        uint256 net = PPM - feePpm;
        if (isBuy) {
            if (limit == 0) revert OutsideBound();
            // X - q >= Y / ((1 - fee) * limit)
            uint256 least = Math.mulDiv(quoteReserve * PPM, Bound.ONE, net, Math.Rounding.Ceil);
            return Math.saturatingSub(baseReserve, Math.max(1, Math.ceilDiv(least, limit)));
        }
        // X / (1 - fee) + q <= Y / limit
        uint256 room = RESERVE_MAX - baseReserve;
        if (limit == 0) return room;
        uint256 most = Math.mulDiv(quoteReserve, Bound.ONE, limit);
        return Math.min(room, Math.saturatingSub(most, Math.ceilDiv(baseReserve * PPM, net)));
    }

    /// @dev `amount`, or a little less, such that the limit holds for what is really paid.
    function _within(bool isBuy, uint256 amount, uint256 limit)
        private
        view
        returns (uint256, uint256)
    {
        for (uint256 step = 1; amount != 0; step *= 2) {
            uint256 cash = isBuy ? costOf(amount) : proceedsOf(amount);
            if (Bound.holds(isBuy, amount, cash, limit)) return (amount, cash);
            // As many as the whole units of cash suffice for.
            uint256 fewer = isBuy
                ? _out(Math.mulDiv(amount, limit, Bound.ONE), quoteReserve, baseReserve)
                : Math.min(amount, Math.mulDiv(cash, Bound.ONE, limit));
            cash = isBuy ? costOf(fewer) : proceedsOf(fewer);
            if (fewer != 0 && Bound.holds(isBuy, fewer, cash, limit)) return (fewer, cash);
            amount = Math.saturatingSub(amount, step);
        }
        revert OutsideBound();
    }

    /// @dev What `amount` of one token gets of the other one, rounded down.
    function _out(uint256 amount, uint256 reserveIn, uint256 reserveOut)
        private
        view
        returns (uint256)
    {
        uint256 net = amount * (PPM - feePpm);
        return net * reserveOut / (reserveIn * PPM + net);
    }

    function _setReserves(uint256 baseAfter, uint256 quoteAfter) private {
        if (baseAfter > RESERVE_MAX || quoteAfter > RESERVE_MAX) revert ReserveTooLarge();
        (baseReserve, quoteReserve) = (baseAfter, quoteAfter);
        emit LiquidityChanged(baseAfter, quoteAfter);
    }
}
