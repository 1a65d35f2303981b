// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {
    IERC20Metadata
} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Bound} from "./Bound.sol";
import {TestToken} from "./TestToken.sol";

/// @notice Bets on one question. A complete set, one YES and one NO, costs one unit of collateral
/// and is worth it at any time; once the oracle has spoken, what has won is worth it alone.
abstract contract OutcomeSets is AccessControl {
    using SafeERC20 for IERC20Metadata;

    enum Outcome {
        open,
        yes,
        no,
        invalid
    }

    bytes32 public constant ORACLE = keccak256("ORACLE");

    IERC20Metadata public immutable collateral;
    TestToken public immutable yes;
    TestToken public immutable no;
    Outcome public outcome;

    event Resolved(Outcome outcome);

    error NotAnOutcome(address token);
    error BadOutcome();
    error AlreadyResolved();

    constructor(
        IERC20Metadata collateral_,
        string memory yesSymbol,
        string memory noSymbol,
        address admin
    ) {
        collateral = collateral_;
        uint8 digits = collateral_.decimals();
        yes = new TestToken(yesSymbol, yesSymbol, digits, address(this));
        no = new TestToken(noSymbol, noSymbol, digits, address(this));
        yes.grantRole(yes.MINTER(), address(this));
        no.grantRole(no.MINTER(), address(this));
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @notice Makes complete sets.
    function split(uint256 amount) external {
        if (outcome != Outcome.open) revert AlreadyResolved();
        collateral.safeTransferFrom(msg.sender, address(this), amount);
        yes.mint(msg.sender, amount);
        no.mint(msg.sender, amount);
    }

    /// @notice Gives complete sets back.
    function merge(uint256 amount) external {
        yes.burnFrom(msg.sender, amount);
        no.burnFrom(msg.sender, amount);
        collateral.safeTransfer(msg.sender, amount);
    }

    function resolve(Outcome result) external onlyRole(ORACLE) {
        if (outcome != Outcome.open) revert AlreadyResolved();
        if (result == Outcome.open) revert BadOutcome();
        outcome = result;
        emit Resolved(result);
    }

    /// @notice Turns outcome tokens into what they are worth, after the resolution.
    function redeem(address token, uint256 amount) external returns (uint256 worth) {
        _demandOutcome(token);
        return _redeem(TestToken(token), amount);
    }

    /// @notice What one outcome token is worth, times 1e36; 0 before the resolution.
    function valueOf(address token) public view returns (uint256) {
        if (outcome == Outcome.invalid) return Bound.ONE / 2;
        bool hasWon = outcome == (token == address(yes) ? Outcome.yes : Outcome.no);
        return hasWon ? Bound.ONE : 0;
    }

    function _redeem(TestToken token, uint256 amount) internal returns (uint256 worth) {
        if (outcome == Outcome.open) revert BadOutcome();
        worth = Math.mulDiv(amount, valueOf(address(token)), Bound.ONE);
        token.burnFrom(msg.sender, amount);
        collateral.safeTransfer(msg.sender, worth);
    }

    function _demandOutcome(address token) internal view {
        if (token != address(yes) && token != address(no)) revert NotAnOutcome(token);
    }
}
