// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {
    ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {IArrivals, IBridge} from "./IBridge.sol";
import {TestToken} from "./TestToken.sol";

/// @notice One end of a bridge: what is sent here is delivered at another end by a relayer, who is
/// believed. A token is either made and destroyed at each end, or locked here and let go again.
contract Bridge is IBridge, AccessControl, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum Mode {
        none,
        locked,
        minted
    }

    bytes32 public constant RELAYER = keccak256("RELAYER");
    /// @notice Who may send. A stranger could use up the names of what others are about to send.
    bytes32 public constant SENDER = keccak256("SENDER");

    mapping(address token => Mode) public modeOf;
    mapping(bytes32 intent => bool) public hasSent;
    mapping(bytes32 intent => bool) public hasDelivered;

    event TokenListed(address indexed token, Mode mode);

    error AlreadyListed(address token);
    error NotListed(address token);
    error AlreadySent(bytes32 intent);
    error AlreadyDelivered(bytes32 intent);
    error NothingToSend();
    error FeeOnTransfer(address token, uint256 amount, uint256 arrived);

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @notice Lists a token for good. One that is minted must let this contract mint it.
    function listToken(address token, Mode mode) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (modeOf[token] != Mode.none) revert AlreadyListed(token);
        modeOf[token] = mode;
        emit TokenListed(token, mode);
    }

    function send(address token, uint256 amount, uint64 toChain, address to, bytes32 intent)
        external
        onlyRole(SENDER)
        nonReentrant
    {
        Mode mode = _modeOf(token);
        if (amount == 0) revert NothingToSend();
        if (hasSent[intent]) revert AlreadySent(intent);
        hasSent[intent] = true;
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 grown = IERC20(token).balanceOf(address(this)) - before;
        if (grown != amount) revert FeeOnTransfer(token, amount, grown);
        if (mode == Mode.minted) TestToken(token).burn(amount);
        emit Sent(intent, toChain, to, token, amount);
    }

    /// @notice Hands over what was sent elsewhere, once. `to` is told where it says that it
    /// listens; where it refuses, nothing has happened, and it can be tried again.
    function deliver(bytes32 intent, address token, address to, uint256 amount)
        external
        onlyRole(RELAYER)
        nonReentrant
    {
        Mode mode = _modeOf(token);
        if (hasDelivered[intent]) revert AlreadyDelivered(intent);
        hasDelivered[intent] = true;
        if (mode == Mode.minted) TestToken(token).mint(to, amount);
        else IERC20(token).safeTransfer(to, amount);
        emit Delivered(intent, token, to, amount);
        bool isListening = ERC165Checker.supportsInterface(to, type(IArrivals).interfaceId);
        if (isListening) IArrivals(to).arrived(intent, token, amount);
    }

    function _modeOf(address token) private view returns (Mode mode) {
        mode = modeOf[token];
        if (mode == Mode.none) revert NotListed(token);
    }
}
