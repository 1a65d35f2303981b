#!/usr/bin/env node
// What viem makes of random cases, a line of JSON for each: tests in C++ compare it with what we
// make of the same. Numbers are hex; those with a sign are decimal texts.

import {artifacts, keptArtifacts} from '../../../deploy/chain/artifacts.mjs';
import {UsageError, readOptions, runIfMain} from '../../../deploy/chain/command.mjs';
import {npm} from '../../../deploy/chain/npm.mjs';
import {Dice} from './dice.mjs';
import {abiRows, askedRow, eventRow, orderRow, tokenRow} from './viem_calls.mjs';

const viem = npm('viem');
const {privateKeyToAccount} = npm('viem/accounts');

const USAGE = `viem.mjs --kind KIND --seed N [--count N] [--cache FOLDER]: cases, one JSON a line.

  --kind KIND     transactions, rlp, rlp_bytes, addresses, hashes, quantities, orders, token_calls,
                  events, asked or abi
  --seed N        the same seed, the same cases
  --count N       how many (300); of kind abi, how many of each function, event and error
  --cache FOLDER  where compiled contracts are kept; else they are compiled now
  --help          this text

Needs CROSSCLEAR_NPM, the folder with node_modules.`;

const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
// Where the spelling of a length changes.
const SHORT_LENGTHS = [0, 1, 2, 54, 55, 56, 57, 254, 255, 256, 257];
const LONG_LENGTHS = [65_535, 65_536];
const LENGTHS = [...SHORT_LENGTHS, ...LONG_LENGTHS];

const hex = (number) => `0x${BigInt(number).toString(16)}`;

function anyLength(dice) {
    return dice.once(30) ? dice.pick(LONG_LENGTHS) : dice.pick(SHORT_LENGTHS);
}

// Among them the first and the last of the curve.
function anySecret(dice) {
    const number = dice.pick([1n, CURVE_ORDER - 1n, ...Array(8).fill(undefined)]) ??
        1n + dice.number(256) % (CURVE_ORDER - 1n);
    return `0x${number.toString(16).padStart(64, '0')}`;
}

// A signature that is not over this transaction, or none at all: whose would it be?
async function strange(dice, fields, {r, s, yParity}) {
    const changed = dice.pick([
        {nonce: (fields.nonce + 1) % Number.MAX_SAFE_INTEGER},
        {value: fields.value ^ 1n},
        {yParity: 1 - yParity},
        {r: dice.bytes(32)},
    ]);
    const raw = viem.serializeTransaction({...fields, ...changed}, {r, s, yParity, ...changed});
    const signer = await viem.recoverTransactionAddress({serializedTransaction: raw})
        .catch(() => null);
    return {raw, signer};
}

// One byte in 256 is a zero: that the first two cases have one at the front of r, and of s, is not
// left to chance.
async function signed(account, fields, at) {
    const number = ['r', 's'][at];
    for (let nonce = 0; number !== undefined; nonce += 1) {
        const raw = await account.signTransaction({...fields, nonce});
        if (viem.parseTransaction(raw)[number].startsWith('0x00')) return {...fields, nonce};
    }
    return fields;
}

async function transaction(dice, at) {
    const secret = anySecret(dice);
    const account = privateKeyToAccount(secret);
    const fee = dice.number(256);
    const fields = await signed(account, {
        type: 'eip1559',
        chainId: Number(dice.positive(53)),
        nonce: Number(dice.number(53)),
        maxFeePerGas: fee,
        maxPriorityFeePerGas: dice.number(256) % (fee + 1n),
        gas: dice.number(64),
        to: dice.bytes(20),
        value: dice.number(256),
        data: dice.bytes(at < 2 ? 4 : anyLength(dice)),
    }, at);
    const unsigned = viem.serializeTransaction(fields);
    const raw = await account.signTransaction(fields);
    return {
        secret, chain_id: hex(fields.chainId), nonce: hex(fields.nonce), fee: hex(fee),
        tip: hex(fields.maxPriorityFeePerGas), gas: hex(fields.gas), to: fields.to,
        value: hex(fields.value), data: fields.data,
        address: account.address, unsigned, raw,
        signing_hash: viem.keccak256(unsigned), hash: viem.keccak256(raw),
        strange: await strange(dice, fields, viem.parseTransaction(raw)),
    };
}

// A list of so many bytes: of single ones, or of one item behind a header of three.
function listOf(dice, length) {
    if (length > 257) return [dice.bytes(length - 3)];
    return Array.from({length}, () => `0x${dice.below(128).toString(16).padStart(2, '0')}`);
}

function anyItem(dice, depth) {
    if (depth === 0 || dice.below(3) > 0) return dice.bytes(dice.pick(SHORT_LENGTHS));
    return Array.from({length: dice.below(5)}, () => anyItem(dice, depth - 1));
}

function rlp(dice, at) {
    let item;
    if (at < LENGTHS.length) item = dice.bytes(LENGTHS[at]);
    else if (at < 2 * LENGTHS.length) item = listOf(dice, LENGTHS[at - LENGTHS.length]);
    else item = anyItem(dice, dice.below(8));
    return {item, bytes: viem.toRlp(item)};
}

// Bytes with something wrong in them, often: with a length that is wrong, or written at length.
function damaged(dice, bytes) {
    const at = dice.below(bytes.length + 1);
    const length = bytes.length;
    switch (dice.below(6)) {
        case 0:
            return bytes.subarray(0, at);
        case 1:
            return Buffer.concat([bytes, Buffer.from([dice.word()])]);
        case 2:
            return Buffer.concat([bytes.subarray(0, at), Buffer.from([dice.word()]),
                bytes.subarray(at + 1)]);
        case 3:
            return Buffer.concat([Buffer.from([0xb8, length]), bytes]);
        case 4:
            return Buffer.concat([Buffer.from([0xf9, length >> 8, length]), bytes]);
        default:
            return bytes;
    }
}

// What viem reads of bytes, and how it would write that: it is not strict itself.
function rlpBytes(dice) {
    const right = Buffer.from(viem.toRlp(anyItem(dice, 3)).slice(2), 'hex');
    const bytes = `0x${damaged(dice, right).toString('hex')}`;
    try {
        const item = viem.fromRlp(bytes);
        return {bytes, item, again: viem.toRlp(item)};
    } catch {
        return {bytes, item: null, again: null};
    }
}

function flipped(text, at) {
    const letter = text[at] === text[at].toLowerCase() ? text[at].toUpperCase() :
        text[at].toLowerCase();
    return text.slice(0, at) + letter + text.slice(at + 1);
}

function address(dice) {
    const bytes = dice.bytes(20);
    const checksummed = viem.getAddress(bytes);
    const text = dice.pick([
        checksummed, bytes, `0x${bytes.slice(2).toUpperCase()}`,
        flipped(checksummed, 2 + dice.below(40)), flipped(bytes, 2 + dice.below(40)),
    ]);
    // All capitals say nothing either; viem wants small letters there.
    const isLoud = text.slice(2) === text.slice(2).toUpperCase();
    return {bytes, checksummed, text, is_right: viem.isAddress(text, {strict: true}) || isLoud};
}

// Around what the sponge takes at once, 136 bytes.
function hash(dice) {
    const length = dice.once(2) ? dice.pick([0, 1, 31, 32, 55, 56, 135, 136, 137, 271, 272, 273]) :
        dice.below(1000);
    const bytes = dice.bytes(length);
    return {bytes, hash: viem.keccak256(bytes)};
}

function quantity(dice) {
    const number = dice.number(256);
    return {word: viem.toHex(number, {size: 32}), quantity: viem.numberToHex(number)};
}

const each = (make) => async (dice, count, contracts) => {
    const rows = [];
    for (let at = 0; at < count; at += 1) rows.push(await make(dice, at, contracts));
    return rows;
};

const KINDS = {
    transactions: each(transaction),
    rlp: each(rlp),
    rlp_bytes: each(rlpBytes),
    addresses: each(address),
    hashes: each(hash),
    quantities: each(quantity),
    orders: each((dice, at, contracts) => orderRow(dice, contracts())),
    token_calls: each((dice, at, contracts) => tokenRow(dice, contracts())),
    asked: each((dice, at, contracts) => askedRow(dice, contracts())),
    events: each((dice, at, contracts) => eventRow(dice, contracts())),
    abi: (dice, count, contracts) => abiRows(dice, count, contracts()),
};

async function main() {
    const options = readOptions(process.argv.slice(2), USAGE, {
        kind: {type: 'string'},
        seed: {type: 'string'},
        count: {type: 'string'},
        cache: {type: 'string'},
    });
    const rows = KINDS[options.kind];
    if (rows === undefined) throw new UsageError(`--kind: one of ${Object.keys(KINDS).join(', ')}`);
    const seed = Number(options.seed);
    if (!Number.isSafeInteger(seed)) throw new UsageError('--seed: expected a whole number');
    let compiled;
    const contracts = () => {
        compiled ??= options.cache ? keptArtifacts(options.cache) : artifacts();
        return compiled;
    };
    const made = await rows(new Dice(seed), Number(options.count ?? 300), contracts);
    process.stdout.write(made.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

await runIfMain(import.meta.url, main);
