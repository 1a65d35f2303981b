// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Bound} from "./Bound.sol";
import {IVenue} from "./IVenue.sol";
import {TestToken} from "./TestToken.sol";

/// @notice Mints synthetic tokens to buyers and burns those of sellers, at the price that a feeder
/// sets and a fee. The quote that comes in stays here and pays sellers, as far as it goes.
contract SyntheticExchange is IVenue, AccessControl {
    using SafeERC20 for IERC20;

    struct Synth {
        uint256 price; // Raw quote per raw synth, times 1e36; 0 before the first one.
        uint256 pricedAt;
        uint256 capacity; // Raw units in a block; 0 where it is not listed.
        uint256 block;
        uint256 taken; // Of the capacity, in that block.
    }

    bytes32 public constant FEEDER = keccak256("FEEDER");
    uint256 private constant PPM = 1e6;

    IERC20 public immutable quote;
    uint256 public immutable feePpm;
    uint256 public immutable priceAgeMax;
    bool public isSuspended;
    bool public hasFailed;
    mapping(address synth => Synth) public synths;

    event Priced(address indexed synth, uint256 price);
    event Traded(
        address indexed trader, address indexed synth, int256 filled, uint256 cash
    );

    error BadFee(uint256 ppm);
    error UnknownSynth(address synth);
    error StalePrice(uint256 pricedAt);
    error Suspended();

    constructor(IERC20 quote_, uint256 ppm, uint256 ageMax, address admin) {
        if (ppm >= PPM) revert BadFee(ppm);
        quote = quote_;
        feePpm = ppm;
        priceAgeMax = ageMax;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @notice Lists a synth, of which this must be a minter, or changes its capacity.
    function list(address synth, uint256 capacity) external onlyRole(DEFAULT_ADMIN_ROLE) {
        synths[synth].capacity = capacity;
    }

    function setPrice(address synth, uint256 price) external onlyRole(FEEDER) {
        if (synths[synth].capacity == 0) revert UnknownSynth(synth);
        synths[synth].price = price;
        synths[synth].pricedAt = block.timestamp;
        emit Priced(synth, price);
    }

    /// @notice For a while: nobody trades.
    function suspend(bool isOn) external onlyRole(DEFAULT_ADMIN_ROLE) {
        isSuspended = isOn;
    }

    /// @notice For good: nobody trades any more.
    function fail() external onlyRole(DEFAULT_ADMIN_ROLE) {
        hasFailed = true;
    }

    /// @inheritdoc IVenue
    function trade(address base, int256 quantity, uint256 limit)
        external
        returns (uint256 filled, uint256 cash)
    {
        Synth storage synth = synths[base];
        if (hasFailed) revert Failed();
        if (isSuspended) revert Suspended();
        if (synth.capacity == 0) revert UnknownSynth(base);
        if (block.timestamp - synth.pricedAt > priceAgeMax) revert StalePrice(synth.pricedAt);

        bool isBuy = quantity > 0;
        filled = _take(synth, SignedMath.abs(quantity));
        cash = _cashFor(isBuy, filled, synth.price);
        if (!Bound.holds(isBuy, filled, cash, limit)) revert OutsideBound();
        if (!isBuy && cash > quote.balanceOf(address(this))) revert NoCapacity();
        emit Traded(msg.sender, base, isBuy ? int256(filled) : -int256(filled), cash);
        if (isBuy) {
            quote.safeTransferFrom(msg.sender, address(this), cash);
            TestToken(base).mint(msg.sender, filled);
        } else {
            TestToken(base).burnFrom(msg.sender, filled);
            quote.safeTransfer(msg.sender, cash);
        }
    }

    /// @dev As much of `quantity` as this block still has room for.
    function _take(Synth storage synth, uint256 quantity) private returns (uint256 filled) {
        if (synth.block != block.number) (synth.block, synth.taken) = (block.number, 0);
        filled = Math.min(quantity, Math.saturatingSub(synth.capacity, synth.taken));
        if (filled == 0) revert NoCapacity();
        synth.taken += filled;
    }

    /// @dev With the fee, rounded against the trader.
    function _cashFor(bool isBuy, uint256 filled, uint256 price) private view returns (uint256) {
        uint256 factor = isBuy ? PPM + feePpm : PPM - feePpm;
        Math.Rounding rounding = isBuy ? Math.Rounding.Ceil : Math.Rounding.Floor;
        return Math.mulDiv(filled * factor, price, Bound.ONE * PPM, rounding);
    }
}
