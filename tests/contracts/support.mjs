// What the tests of the contracts share: a chain of their own, and ways to say what is expected.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {NOTHING_ON_DISK, anvilProgram, npm} from '../../deploy/chain/npm.mjs';
import {CONTRACTS, compile} from '../../deploy/chain/compile.mjs';
import {artifacts} from '../../deploy/chain/artifacts.mjs';
import {Chain, Refused} from '../../deploy/chain/chain.mjs';

export const viem = npm('viem');

const START_WAIT_MS = 60_000;
/** Below the root of the tree. */
export const HOSTILE = 'tests/contracts/hostile';
export const ZERO = viem.zeroAddress;
/** A limit is a price times this. */
export const ONE = 10n ** 36n;
/** ledger::ShardRefusal, by the names there. */
export const RESULT = {
    none: 0, expired: 1, price_outside_bound: 2, insufficient_balance: 3, capacity_exceeded: 4,
    reverted: 5, unsupported: 6, protocol_failed: 7,
};
/** Later than any block of a test. */
export const NEVER = 2n ** 63n;

/** Starts an anvil on a free port: {url, stop}. Ends only what it started. */
export async function startAnvil(...options) {
    const child = spawn(anvilProgram(), ['--port', '0', ...NOTHING_ON_DISK, ...options], {
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stop = () => child.kill('SIGKILL');
    process.once('exit', stop);
    let said = '';
    const port = await new Promise((resolve, reject) => {
        const giveUp = () => reject(new Error(`anvil is silent: ${said}`));
        const tooLate = setTimeout(giveUp, START_WAIT_MS);
        const hear = (chunk) => {
            said += chunk;
            const found = /Listening on [\d.]+:(\d+)/.exec(said);
            if (!found) return;
            clearTimeout(tooLate);
            resolve(found[1]);
        };
        child.stdout.on('data', hear);
        child.stderr.on('data', hear);
        child.once('error', reject);
        child.once('exit', (code) => reject(new Error(`anvil ended with ${code}: ${said}`)));
    });
    return {url: `http://127.0.0.1:${port}`, stop};
}

/** A chain with all contracts, and ten rich accounts that it signs for. */
export async function startChain() {
    const ready = process.env.CROSSCLEAR_ARTIFACTS;
    const contracts = ready ? artifacts(ready) : compile([CONTRACTS, HOSTILE]);
    const {url, stop} = await startAnvil();
    const chain = new Chain(url, contracts);
    chain.stop = stop;
    chain.accounts = (await chain.rpc('eth_accounts')).map((account) => viem.getAddress(account));
    chain.now = async () => {
        const block = await chain.rpc('eth_getBlockByNumber', 'latest', false);
        return BigInt(block.timestamp);
    };
    chain.pass = async (seconds) => {
        await chain.rpc('evm_increaseTime', Number(seconds));
        await chain.rpc('evm_mine');
    };
    return chain;
}

/** Expects that a contract refuses with that error, and those values if they are given. */
export async function refuses(promise, error, ...values) {
    const refused = await promise.then(
        () => assert.fail(`not refused with ${error}`),
        (found) => (found instanceof Refused ? found : Promise.reject(found)));
    assert.equal(refused.error, error, refused.message);
    if (values.length > 0) assert.deepEqual(refused.values, values);
}

/** The only event of that name in a receipt of a contract, without its name. */
export function only(contract, receipt, name) {
    const found = contract.events(receipt).filter(({event}) => event === name);
    assert.equal(found.length, 1, `${found.length} events ${name}`);
    const {event, ...values} = found[0];
    return values;
}

/** A role's name on the chain. */
export const role = (name) => viem.keccak256(viem.toBytes(name));

/** A source of numbers that a printed seed repeats: `CROSSCLEAR_SEED`, or one of the clock's. */
export function random(what) {
    const seed = BigInt(process.env.CROSSCLEAR_SEED ?? Date.now());
    console.log(`${what}: seed ${seed}; CROSSCLEAR_SEED=${seed} repeats it`);
    let state = viem.keccak256(viem.toHex(seed));
    /** From 0 to before `end`. */
    const below = (end) => {
        state = viem.keccak256(state);
        return BigInt(state) % BigInt(end);
    };
    return {below, between: (least, most) => least + below(most - least + 1n),
        pick: (list) => list[Number(below(list.length))]};
}

/** A fresh name for an intent. */
let intents = 0n;
export const intent = () => viem.keccak256(viem.toHex(++intents, {size: 32}));

/** A token, with its minter the account that made it. */
export async function makeToken(chain, symbol, digits, kind = 'TestToken') {
    const owner = chain.accounts[0];
    const token = await chain.deploy(owner, kind, symbol, symbol, digits, owner);
    await token.send(owner, 'grantRole', role('MINTER'), owner);
    return token;
}
