// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";

/// @notice A token out of nothing: for tests and demos, and what venues and bridges issue.
contract TestToken is ERC20Burnable, AccessControl {
    bytes32 public constant MINTER = keccak256("MINTER");
    uint8 private immutable _digits;

    constructor(string memory name, string memory symbol, uint8 digits, address admin)
        ERC20(name, symbol)
    {
        _digits = digits;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    function mint(address to, uint256 amount) external onlyRole(MINTER) {
        _mint(to, amount);
    }

    function decimals() public view override returns (uint8) {
        return _digits;
    }
}
