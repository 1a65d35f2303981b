// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {
    IERC20Metadata
} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Bound} from "./Bound.sol";
import {IVenue} from "./IVenue.sol";

/// @notice Lends a token out. This contract is the share: buying it is lending, selling it is
/// getting the token back. The index says what a share is worth and grows by the second; only a
/// loss makes it fall. The owner sets the rate, stands for the borrowers, and pays the interest in.
contract LendingPool is IVenue, ERC20, Ownable {
    using SafeERC20 for IERC20Metadata;

    uint256 private constant RAY = 1e27;
    uint256 private constant PPM = 1e6;

    IERC20Metadata public immutable underlying;
    /// @notice Interest of one second on one ray.
    uint256 public rate;
    /// @notice A loss was taken: nobody can lend any more, and all can get back what is left.
    bool public hasFailed;
    uint256 private _index = RAY;
    uint256 private _accruedAt = block.timestamp;

    event Accrued(uint256 index, uint256 rate);
    event LossTaken(uint256 index);
    event Traded(address indexed trader, int256 filled, uint256 cash);

    error NotShare(address token);
    error BadLoss(uint256 ppm);

    constructor(
        IERC20Metadata underlying_,
        string memory name,
        string memory symbol,
        uint256 indexAtStart,
        address owner
    ) ERC20(name, symbol) Ownable(owner) {
        underlying = underlying_;
        _index = Math.max(indexAtStart, RAY);
    }

    /// @notice What a share is worth, in rays.
    function index() public view returns (uint256) {
        return _index + Math.mulDiv(_index, rate * (block.timestamp - _accruedAt), RAY);
    }

    function setRate(uint256 raysPerSecond) external onlyOwner {
        _accrue();
        rate = raysPerSecond;
        emit Accrued(_index, rate);
    }

    /// @notice Takes tokens that nobody can get back until they return, by a plain transfer.
    function lend(address to, uint256 amount) external onlyOwner {
        underlying.safeTransfer(to, amount);
    }

    /// @notice A share of everything lent is gone.
    function fail(uint256 lossPpm) external onlyOwner {
        if (lossPpm > PPM) revert BadLoss(lossPpm);
        _accrue();
        hasFailed = true;
        _index = Math.mulDiv(_index, PPM - lossPpm, PPM);
        rate = 0;
        emit LossTaken(_index);
    }

    /// @inheritdoc IVenue
    /// @dev Getting back is filled in part where the pool has not enough at hand.
    function trade(address base, int256 quantity, uint256 limit)
        external
        returns (uint256 filled, uint256 cash)
    {
        if (base != address(this)) revert NotShare(base);
        _accrue();
        bool isBuy = quantity > 0;
        if (isBuy && hasFailed) revert Failed();
        filled = SignedMath.abs(quantity);
        if (!isBuy) filled = Math.min(filled, _redeemable());
        if (filled == 0) revert NoCapacity();
        Math.Rounding rounding = isBuy ? Math.Rounding.Ceil : Math.Rounding.Floor;
        cash = Math.mulDiv(filled, _index, RAY, rounding);
        if (!Bound.holds(isBuy, filled, cash, limit)) revert OutsideBound();
        emit Traded(msg.sender, isBuy ? int256(filled) : -int256(filled), cash);
        if (isBuy) {
            underlying.safeTransferFrom(msg.sender, address(this), cash);
            _mint(msg.sender, filled);
        } else {
            _spendAllowance(msg.sender, address(this), filled);
            _burn(msg.sender, filled);
            underlying.safeTransfer(msg.sender, cash);
        }
    }

    function decimals() public view override returns (uint8) {
        return underlying.decimals();
    }

    function _redeemable() private view returns (uint256) {
        if (_index == 0) return type(uint256).max;
        return Math.mulDiv(underlying.balanceOf(address(this)), RAY, _index);
    }

    function _accrue() private {
        (_index, _accruedAt) = (index(), block.timestamp);
    }
}
