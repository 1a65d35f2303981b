// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The way to other chains. Intents are the senders' names for what they send.
interface IBridge {
    event Sent(
        bytes32 indexed intent,
        uint64 indexed toChain,
        address indexed to,
        address token,
        uint256 amount
    );
    event Delivered(
        bytes32 indexed intent, address indexed token, address indexed to, uint256 amount
    );

    /// @notice Pulls exactly `amount` from the caller, to be delivered to `to` over there.
    function send(address token, uint256 amount, uint64 toChain, address to, bytes32 intent)
        external;
}

/// @notice Of contracts that want to be told what a bridge has delivered to them; ERC-165 says
/// which do.
interface IArrivals {
    /// @notice `amount` of `token` is here already. Reverts where it is not welcome, and then
    /// nothing is delivered.
    function arrived(bytes32 intent, address token, uint256 amount) external;
}
