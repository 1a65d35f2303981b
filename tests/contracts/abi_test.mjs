// What the program calls and reads of contracts, against what the compiler says they have: every
// name of a function, an event or an error that stands in the C++, its arguments, which of an
// event's are topics, and what comes back. How values are written is compared with viem by
// AgainstViem in tests/shards/evm.

import assert from 'node:assert/strict';
import {readFileSync, readdirSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {artifacts} from '../../deploy/chain/artifacts.mjs';
import {npm} from '../../deploy/chain/npm.mjs';

const viem = npm('viem');
const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../../shards/evm');

const VENUES = ['SyntheticExchange', 'ConstantProductPool', 'LendingPool', 'BinaryMarket'];
const TOKENS = ['TestToken', 'FeeToken', 'LendingPool'];

// As the program takes them to be. Two arguments of one type are told apart by their names: those
// that stand here are compared as well.
const USED = [
    // Orders, and how they end.
    [['Vault'], 'function trade(bytes32 intent, uint64 deadline, address venue, ' +
        'address base, int256 quantity, uint256 limit)'],
    [['Vault'], 'function pay(bytes32 intent, uint64 deadline, address token, ' +
        'address to, uint256 amount)'],
    [['Vault'], 'function bridgeOut(bytes32 intent, uint64 deadline, address bridge, ' +
        'address token, uint256 amount, uint64 toChain, address to)'],
    [['Vault'], 'function done(bytes32) view returns (bytes32)'],
    [['Vault'], 'event Ended(bytes32 indexed intent, uint8 indexed result, address given, ' +
        'uint256 givenAmount, address received, uint256 receivedAmount, int256 filled)'],
    // What a vault is, has and gets.
    [['Vault'], 'function paused() view returns (bool)'],
    [['Vault'], 'function unit(address) view returns (uint256)'],
    [['Vault'], 'function held(address) view returns (uint256)'],
    [['Vault'], 'event Deposited(uint256 indexed id, uint64 indexed account, ' +
        'address indexed token, address from, uint256 amount)'],
    [['Bridge'], 'event Delivered(bytes32 indexed intent, address indexed token, ' +
        'address indexed to, uint256 amount)'],
    // Of demos: the relayer, clients, and those who make prices.
    [['Bridge'], 'event Sent(bytes32 indexed intent, uint64 indexed toChain, ' +
        'address indexed to, address token, uint256 amount)'],
    [['Bridge'], 'function hasDelivered(bytes32) view returns (bool)'],
    [['Bridge'], 'function deliver(bytes32 intent, address token, address to, ' +
        'uint256 amount)'],
    [['Bridge'], 'error AlreadyDelivered(bytes32 intent)'],
    [['Vault'], 'function deposit(uint64 account, address token, uint256 amount) ' +
        'returns (uint256)'],
    [['TestToken', 'FeeToken'], 'function mint(address, uint256)'],
    [TOKENS, 'function approve(address, uint256) returns (bool)'],
    [TOKENS, 'function balanceOf(address) view returns (uint256)'],
    [TOKENS, 'function allowance(address, address) view returns (uint256)'],
    [VENUES, 'function trade(address, int256, uint256) returns (uint256, uint256)'],
    [['SyntheticExchange'], 'function setPrice(address, uint256)'],
    [['BinaryMarket'], 'function quote(uint256, uint256, uint256)'],
    [['BinaryMarket'], 'function split(uint256)'],
    [['LendingPool'], 'function index() view returns (uint256)'],
    [['ConstantProductPool'], 'function baseReserve() view returns (uint256)'],
    [['ConstantProductPool'], 'function quoteReserve() view returns (uint256)'],
    [['ConstantProductPool'], 'function feePpm() view returns (uint256)'],
];

// What is compared, with names where `expected` has them.
function shape(item, expected) {
    const inputs = item.inputs.map(({type, name, indexed}, at) => ({
        type, isTopic: indexed === true, name: expected.inputs[at]?.name && name,
    }));
    const outputs = item.outputs?.map(({type}) => type);
    return {type: item.type, name: item.name, mutability: item.stateMutability, inputs, outputs};
}

function sources() {
    const files = readdirSync(FOLDER).filter((file) => /\.[ch]pp$/.test(file));
    return files.map((file) => readFileSync(join(FOLDER, file), 'utf8')).join('\n');
}

test('everything that the program takes for granted is in the contracts', () => {
    const contracts = artifacts();
    for (const [names, text] of USED) {
        const expected = viem.parseAbiItem(text);
        const signature = viem.toFunctionSignature(expected);
        for (const name of names) {
            const found = contracts[name].abi.filter((item) => item.type === expected.type &&
                viem.toFunctionSignature(item) === signature);
            assert.equal(found.length, 1, `${name} has ${text}`);
            assert.deepEqual(shape(found[0], expected), shape(expected, expected),
                `${name}: ${text}`);
        }
    }
});

test('the program names nothing else, and all of that', () => {
    const literals = sources().matchAll(/"(\w+\([\w,[\]]*\))"/g);
    const named = new Set(Array.from(literals, ([, signature]) => signature));
    const listed = new Set(USED.map(([, text]) =>
        viem.toFunctionSignature(viem.parseAbiItem(text))));
    assert.deepEqual([...named].sort(), [...listed].sort());
});

test('names of functions, events and errors stand there as one text', () => {
    // A text in two parts would be overlooked above.
    for (const [call] of sources().matchAll(/\b(?:selector_of|topic_of)\(\s*"[^)]*\)"?/g)) {
        assert.match(call, /"\w+\([\w,[\]]*\)"$/);
    }
});
