// Calls and events of our contracts as viem writes them, by the ABI that the compiler gave.

import {npm} from '../../../deploy/chain/npm.mjs';

const viem = npm('viem');

const PRICE_DECIMALS = 36;
const PRICE_SCALE = 9;
// base::EntityKind of those that want effects of a shard.
const HEDGE = 4;
const INSTRUCTION = 5;
const RESULTS = 8;
const VENUES = ['SyntheticExchange', 'ConstantProductPool', 'LendingPool', 'BinaryMarket'];

const hex = (number) => `0x${BigInt(number).toString(16)}`;
const word = (number) => viem.toHex(BigInt.asUintN(256, BigInt(number)), {size: 32});

// What AbiWriter knows: how it is chosen, for viem and for us.
function argument(dice, {type}) {
    const of = (kind, value, said = value) => ({value, said: {kind, value: said}});
    const [, sign, bits] = /^(u?)int(\d+)$/.exec(type) ?? [];
    if (bits) {
        const wide = sign ? dice.number(Number(bits)) : dice.signed(Number(bits));
        // Small ones are numbers of JavaScript to viem.
        return of('number', Number(bits) <= 48 ? Number(wide) : wide, word(wide));
    }
    const bytes = () => dice.bytes(dice.pick([0, 1, 31, 32, 33, 64, 100]));
    switch (type) {
        case 'address':
            return of('address', dice.bytes(20));
        case 'bool':
            return of('flag', dice.once(2));
        case 'bytes32':
            return of('hash', dice.bytes(32));
        case 'bytes':
            return of('bytes', bytes());
        case 'string': {
            const text = bytes().slice(2);
            return of('bytes', text, viem.stringToHex(text));
        }
        default:
            return undefined;
    }
}

function argumentsOf(dice, inputs) {
    const made = inputs.map((input) => argument(dice, input));
    if (made.includes(undefined)) return undefined;
    return {values: made.map(({value}) => value), said: made.map(({said}) => said)};
}

function functionRow(dice, item) {
    const given = argumentsOf(dice, item.inputs);
    const back = argumentsOf(dice, item.outputs);
    if (!given) return undefined;
    const [abi, functionName] = [[item], item.name];
    const row = {
        arguments: given.said,
        data: viem.encodeFunctionData({abi, functionName, args: given.values}),
        results: back?.said ?? [],
    };
    if (row.results.length === 0) return row;
    const result = row.results.length === 1 ? back.values[0] : back.values;
    return {...row, returned: viem.encodeFunctionResult({abi, functionName, result})};
}

function logOf(item, values) {
    const isPlain = (_, at) => !item.inputs[at].indexed;
    const args = Object.fromEntries(item.inputs.map(({name}, at) => [name, values[at]]));
    return {
        topics: viem.encodeEventTopics({abi: [item], eventName: item.name, args}),
        data: viem.encodeAbiParameters(item.inputs.filter(isPlain), values.filter(isPlain)),
    };
}

function logRow(dice, item) {
    const given = argumentsOf(dice, item.inputs);
    if (!given) return undefined;
    const {topics: [, ...topics], data} = logOf(item, given.values);
    const isIndexed = (_, at) => item.inputs[at].indexed;
    return {
        indexed: given.said.filter(isIndexed),
        topics,
        arguments: given.said.filter((_, at) => !isIndexed(_, at)),
        data,
    };
}

function errorRow(dice, item) {
    const given = argumentsOf(dice, item.inputs);
    if (!given) return undefined;
    const data = viem.encodeErrorResult({abi: [item], errorName: item.name, args: given.values});
    return {arguments: given.said, data};
}

const ROWS = new Map([['function', functionRow], ['event', logRow], ['error', errorRow]]);

/** So many of each function, event and error of all contracts. */
export function abiRows(dice, count, contracts) {
    const rows = [];
    for (const [contract, {abi}] of Object.entries(contracts)) {
        for (const item of abi) {
            const make = ROWS.get(item.type);
            for (let i = 0; make && i < count; i += 1) {
                const row = make(dice, item);
                if (!row) continue;
                const signature = viem.toFunctionSignature(item);
                const id = viem.toFunctionHash(item);
                rows.push({contract, is: item.type, signature, id, ...row});
            }
        }
    }
    return rows;
}

// A token with as many digits as ours, or more.
function anyToken(dice) {
    const scale = dice.below(10);
    const decimals = scale + dice.below(25 - scale);
    return {address: dice.bytes(20), scale, decimals, unit: 10n ** BigInt(decimals - scale)};
}

const shown = ({address, scale, decimals}) => ({address, scale, decimals});

function anyIntent(dice) {
    const cluster = dice.pick(['demo', '', 'a', dice.bytes(dice.below(80))]);
    const kind = dice.pick([HEDGE, INSTRUCTION]);
    const [id, sub, number] = [dice.number(64), dice.number(32), dice.number(32)];
    const name = viem.keccak256(viem.stringToBytes(`crossclear/${cluster}`));
    const intent = viem.concat([
        viem.slice(name, 0, 15), viem.toHex(kind, {size: 1}), viem.toHex(id, {size: 8}),
        viem.toHex(sub, {size: 4}), viem.toHex(number, {size: 4}),
    ]);
    return {cluster, kind, id: hex(id), sub: hex(sub), number: hex(number), intent};
}

function tradeRow(dice, start) {
    const {traded, paid, intent, seconds} = start;
    const venue = dice.bytes(20);
    const quantity = dice.signed(64) || 1n;
    const price = dice.positive(63);
    const digits = PRICE_DECIMALS - PRICE_SCALE + paid.decimals - traded.decimals;
    const limit = price * 10n ** BigInt(digits);
    return {
        venue, quantity: String(quantity), price: String(price),
        call: ['trade', [intent, seconds, venue, traded.address, quantity * traded.unit, limit]],
    };
}

function payRow(dice, {paid, intent, seconds}) {
    const amount = dice.positive(63);
    const to = viem.getAddress(dice.bytes(20));
    return {
        amount: String(amount), destination: dice.once(2) ? to : to.toLowerCase(),
        call: ['pay', [intent, seconds, paid.address, to, amount * paid.unit]],
    };
}

function bridgeRow(dice, {paid, intent, seconds}) {
    const amount = dice.positive(63);
    const way = {bridge: dice.bytes(20), chain_id: dice.number(64), vault: dice.bytes(20)};
    const args = [intent, seconds, way.bridge, paid.address, amount * paid.unit, way.chain_id,
        way.vault];
    return {
        amount: String(amount), way: {...way, chain_id: hex(way.chain_id)},
        call: ['bridgeOut', args],
    };
}

/** An order, and the call of the vault that it is. */
export function orderRow(dice, contracts) {
    const [traded, paid] = [anyToken(dice), anyToken(dice)];
    const named = anyIntent(dice);
    const deadline = dice.positive(63);
    const start = {traded, paid, intent: named.intent, seconds: deadline / 1_000_000n};
    const {call: [functionName, args], ...row} =
        dice.pick([tradeRow, payRow, bridgeRow])(dice, start);
    const {abi} = contracts.Vault;
    return {
        ...named, ...row, kind_of_call: functionName, deadline: String(deadline),
        traded: shown(traded), paid: shown(paid),
        data: viem.encodeFunctionData({abi, functionName, args}),
    };
}

/** Calls of tokens and venues, all of the same values. */
export function tokenRow(dice, contracts) {
    const [owner, other] = [dice.bytes(20), dice.bytes(20)];
    const amount = dice.number(255);
    const {abi: token} = contracts.TestToken;
    const {abi: venue} = contracts[dice.pick(VENUES)];
    const all = 2n ** 256n - 1n;
    const call = (abi, functionName, args) => viem.encodeFunctionData({abi, functionName, args});
    return {
        owner, other, amount: hex(amount),
        approval: call(token, 'approve', [other, all]),
        minting: call(token, 'mint', [other, amount]),
        balance: call(token, 'balanceOf', [owner]),
        allowance: call(token, 'allowance', [owner, other]),
        buy: call(venue, 'trade', [other, amount, all]),
        sale: call(venue, 'trade', [other, -amount, 0n]),
    };
}

function event(contracts, contract, name, values) {
    const {abi} = contracts[contract];
    return logOf(abi.find((item) => item.type === 'event' && item.name === name), values);
}

// Whole units of a token, or one raw unit more.
function anyAmount(dice, token) {
    const units = dice.positive(63);
    const isWhole = token.unit === 1n || !dice.once(4);
    return {units: isWhole ? String(units) : null, raw: units * token.unit + (isWhole ? 0n : 1n)};
}

/** The four events that are read, told at once. */
export function eventRow(dice, contracts) {
    const [token, named] = [anyToken(dice), anyIntent(dice)];
    const [transaction, account] = [dice.bytes(32), dice.number(64)];
    const [vault, chain] = [dice.bytes(20), dice.number(64)];
    const deposit = anyAmount(dice, token);
    const arrival = anyAmount(dice, token);
    const [result, given, received] = [dice.below(RESULTS), dice.bytes(20), dice.bytes(20)];
    const [gave, got, filled] = [dice.number(256), dice.number(256), dice.signed(256)];
    const deposited = event(contracts, 'Vault', 'Deposited',
        [dice.number(256), account, token.address, dice.bytes(20), deposit.raw]);
    const said = viem.concat([transaction, ...deposited.topics, deposited.data]);
    return {
        ...named, token: shown(token), transaction, account: hex(account), vault,
        chain_id: hex(chain), result,
        given, given_amount: hex(gave), received, received_amount: hex(got),
        ended: event(contracts, 'Vault', 'Ended',
            [named.intent, result, given, gave, received, got, filled]),
        deposited: {...deposited, units: deposit.units,
            id: viem.slice(viem.keccak256(said), 0, 8)},
        delivered: {...event(contracts, 'Bridge', 'Delivered',
            [named.intent, token.address, vault, arrival.raw]), units: arrival.units},
        sent: {...event(contracts, 'Bridge', 'Sent',
            [named.intent, chain, vault, token.address, arrival.raw]), raw: hex(arrival.raw)},
    };
}

/** What a demo's outsiders and the reader of a vault send and ask, of the same values. */
export function askedRow(dice, contracts) {
    const call = (contract, functionName, args) =>
        viem.encodeFunctionData({abi: contracts[contract].abi, functionName, args});
    const [vault, amount, account] = [dice.bytes(20), dice.positive(255), dice.number(64)];
    const {intent, ...named} = anyIntent(dice);
    const [paid, traded] = [anyToken(dice), anyToken(dice)];
    const yes = {...anyToken(dice), address: dice.bytes(20)};
    const price = dice.positive(63);
    const digits = PRICE_DECIMALS - PRICE_SCALE + paid.decimals - traded.decimals;
    const one = 10n ** BigInt(PRICE_DECIMALS);
    const least = (...numbers) => numbers.reduce((a, b) => (a < b ? a : b));
    const share = price % 2n === 0n ? price % 1_000_000_000n : price;
    const middle = least(share * 10n ** BigInt(PRICE_DECIMALS - PRICE_SCALE), one);
    const [spread, capacity] = [dice.number(120), dice.number(256)];
    const half = least(spread, middle, one - middle);
    return {
        ...named, intent, vault, amount: hex(amount), account: hex(account),
        paid: shown(paid), traded: shown(traded), yes: shown(yes),
        price: String(price), share: String(share), spread: String(spread),
        capacity: String(capacity),
        set_price: call('SyntheticExchange', 'setPrice',
            [traded.address, price * 10n ** BigInt(digits)]),
        quote: call('BinaryMarket', 'quote', [middle, half, capacity]),
        quote_of_other: call('BinaryMarket', 'quote', [one - middle, half, capacity]),
        has_delivered: call('Bridge', 'hasDelivered', [intent]),
        deliver: call('Bridge', 'deliver', [intent, paid.address, vault, amount]),
        deposit: call('Vault', 'deposit', [account, paid.address, amount]),
        split: call('BinaryMarket', 'split', [amount]),
        done: call('Vault', 'done', [intent]),
        held: call('Vault', 'held', [paid.address]),
    };
}
