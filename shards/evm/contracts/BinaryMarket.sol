// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    IERC20Metadata
} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Bound} from "./Bound.sol";
import {IVenue} from "./IVenue.sol";
import {OutcomeSets} from "./OutcomeSets.sol";
import {TestToken} from "./TestToken.sol";

/// @notice Trades the outcomes of one question at a maker's price, out of the maker's own cash and
/// stock, until the oracle has spoken. From then on selling is redeeming.
contract BinaryMarket is IVenue, OutcomeSets {
    using SafeERC20 for IERC20Metadata;

    bytes32 public constant MAKER = keccak256("MAKER");

    /// @notice The maker's: what one YES costs in the middle, times 1e36; half of what lies between
    /// buying and selling; and how many units may still be traded.
    uint256 public middle;
    uint256 public halfSpread;
    uint256 public capacity;
    /// @notice The maker's collateral. Its outcome tokens are those that this contract holds.
    uint256 public cash;

    event Quoted(uint256 middle, uint256 halfSpread, uint256 capacity);
    event Traded(address indexed trader, address indexed base, int256 filled, uint256 cash);

    error BadQuote();

    constructor(
        IERC20Metadata collateral_,
        string memory yesSymbol,
        string memory noSymbol,
        address admin
    ) OutcomeSets(collateral_, yesSymbol, noSymbol, admin) {}

    function quote(uint256 price, uint256 spread, uint256 units) external onlyRole(MAKER) {
        if (price > Bound.ONE || spread > Math.min(price, Bound.ONE - price)) revert BadQuote();
        (middle, halfSpread, capacity) = (price, spread, units);
        emit Quoted(price, spread, units);
    }

    function addCash(uint256 amount) external onlyRole(MAKER) {
        cash += amount;
        collateral.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Takes cash, and the stock of both outcomes along.
    function takeOut(uint256 amount) external onlyRole(MAKER) {
        cash -= amount;
        collateral.safeTransfer(msg.sender, amount);
        yes.transfer(msg.sender, _stock(yes));
        no.transfer(msg.sender, _stock(no));
    }

    /// @inheritdoc IVenue
    function trade(address base, int256 quantity, uint256 limit)
        external
        returns (uint256 filled, uint256 paid)
    {
        _demandOutcome(base);
        bool isBuy = quantity > 0;
        filled = SignedMath.abs(quantity);
        if (outcome != Outcome.open) {
            if (isBuy) revert AlreadyResolved();
            paid = _redeem(TestToken(base), filled);
            if (!Bound.holds(false, filled, paid, limit)) revert OutsideBound();
            return (filled, paid);
        }
        filled = Math.min(filled, capacity);
        if (filled == 0) revert NoCapacity();
        capacity -= filled;
        uint256 price = base == address(yes) ? middle : Bound.ONE - middle;
        paid = isBuy
            ? Math.mulDiv(filled, price + halfSpread, Bound.ONE, Math.Rounding.Ceil)
            : Math.mulDiv(filled, price - halfSpread, Bound.ONE);
        if (!Bound.holds(isBuy, filled, paid, limit)) revert OutsideBound();
        if (isBuy) _sell(TestToken(base), filled, paid);
        else _buy(TestToken(base), filled, paid);
        emit Traded(msg.sender, base, isBuy ? int256(filled) : -int256(filled), paid);
    }

    /// @dev The maker sells out of its stock, and splits cash for what is not in it.
    function _sell(TestToken token, uint256 amount, uint256 paid) private {
        collateral.safeTransferFrom(msg.sender, address(this), paid);
        cash += paid;
        uint256 missing = Math.saturatingSub(amount, _stock(token));
        if (missing > cash) revert NoCapacity();
        cash -= missing;
        yes.mint(address(this), missing);
        no.mint(address(this), missing);
        token.transfer(msg.sender, amount);
    }

    /// @dev The maker buys, and merges what it has of both.
    function _buy(TestToken token, uint256 amount, uint256 paid) private {
        token.transferFrom(msg.sender, address(this), amount);
        uint256 sets = Math.min(_stock(yes), _stock(no));
        yes.burn(sets);
        no.burn(sets);
        cash += sets;
        if (paid > cash) revert NoCapacity();
        cash -= paid;
        collateral.safeTransfer(msg.sender, paid);
    }

    function _stock(TestToken token) private view returns (uint256) {
        return token.balanceOf(address(this));
    }
}
