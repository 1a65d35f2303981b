// A vault with everything that its tests need around it.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {NEVER, ONE, ZERO, intent, makeToken, only, role, startChain} from './support.mjs';

export const DELAY = 3600n;
export const EFFECT_GAS = 1_000_000n;
/** Allow-list kinds. */
export const KIND = {destination: 0, abroad: 1, venue: 2, bridge: 3};
export const ABROAD = 7n;

/**
 * `usdc` has as many digits as the ledger, `eth` and `dai` nine more; the vault holds some of each.
 * `venue` and `bridge` are hostile, and honest until told otherwise; all lists are in effect.
 */
export async function startWorld() {
    const chain = await startChain();
    const [admin, operator, guardian, lister, client, stranger, outside] = chain.accounts;
    const world = {chain, admin, operator, guardian, lister, client, stranger, outside};
    world.usdc = await makeToken(chain, 'USDC', 6);
    world.dai = await makeToken(chain, 'DAI', 18);
    world.eth = await makeToken(chain, 'WETH', 18);
    world.venue = await chain.deploy(admin, 'HostileVenue');
    world.daiVenue = await chain.deploy(admin, 'HostileVenue');
    world.bridge = await chain.deploy(admin, 'HostileVenue');
    world.vault = await makeVault(world);
    const {vault, usdc, dai, eth, venue, daiVenue, bridge} = world;
    await vault.send(lister, 'allow', outside);
    await vault.send(lister, 'allowAbroad', ABROAD, outside);
    await vault.send(lister, 'allowVenue', venue.address, usdc.address);
    await vault.send(lister, 'allowVenue', daiVenue.address, dai.address);
    await vault.send(lister, 'allowBridge', bridge.address);
    await chain.pass(DELAY);
    for (const [token, amount] of [[usdc, 10n ** 12n], [dai, 10n ** 24n], [eth, 10n ** 21n]]) {
        await fund(world, token, amount);
        for (const other of [venue, daiVenue]) {
            await token.send(admin, 'mint', other.address, amount);
        }
    }
    return world;
}

/** A world for the tests of one file; what it returns makes one that leaves it as it was. */
export function checksOfVault() {
    let world;
    before(async () => {
        world = await startWorld();
    });
    after(() => world?.chain.stop());
    return (name, run) => test(name, async () => {
        const snapshot = await world.chain.rpc('evm_snapshot');
        try {
            await run(world);
        } finally {
            await world.chain.rpc('evm_revert', snapshot);
        }
    });
}

/** A vault with its roles and tokens, and nothing in it. */
export async function makeVault({chain, admin, operator, guardian, lister, usdc, dai, eth}) {
    const vault = await chain.deploy(admin, 'Vault', admin, Number(DELAY), EFFECT_GAS);
    await vault.send(admin, 'grantRole', role('OPERATOR'), operator);
    await vault.send(admin, 'grantRole', role('GUARDIAN'), guardian);
    await vault.send(admin, 'grantRole', role('LISTER'), lister);
    await vault.send(lister, 'listToken', usdc.address, 6);
    await vault.send(lister, 'listToken', dai.address, 9);
    await vault.send(lister, 'listToken', eth.address, 9);
    return vault;
}

/** Puts the broker's own tokens into the vault. */
export async function fund({admin, vault}, token, amount) {
    await token.send(admin, 'mint', vault.address, amount);
    await vault.send(admin, 'fund', token.address, amount);
}

/** Takes the tokens as a client and deposits them. */
export async function deposit({admin, client, vault}, token, amount, account = 1n) {
    await token.send(admin, 'mint', client, amount);
    await token.send(client, 'approve', vault.address, amount);
    return vault.send(client, 'deposit', account, token.address, amount);
}

/** How an intent ended. `from` may be {from, gas}. */
export async function ended({vault, operator}, from, name, ...args) {
    return only(vault, await vault.send(from ?? operator, name, ...args), 'Ended');
}

/** Buys or sells ether at the venue, at 2000 USDC or `limit`. */
export function trade(world, quantity, {limit = usdcPerEth(2000n), ...changes} = {}) {
    const {venue, eth, operator} = world;
    const asked = {from: operator, intent: intent(), deadline: NEVER, venue: venue.address,
        base: eth.address, ...changes};
    return ended(world, asked.from, 'trade', asked.intent, asked.deadline, asked.venue, asked.base,
        quantity, limit);
}

/** As a limit: raw USDC for raw ether. */
export const usdcPerEth = (price) => price * 10n ** 6n * ONE / 10n ** 18n;

/** What the venue does next: the amounts it takes and gives, or another way. */
export async function venueDoes({admin, venue}, taken, take, given, give, way = 0, data = '0x') {
    await venue.send(admin, 'exchange', taken?.address ?? ZERO, take, given?.address ?? ZERO, give);
    await venue.send(admin, 'behave', way, data);
}

/** Expects that nothing has happened under an intent but its end. */
export function assertEndedWith(found, result) {
    const {intent: _, ...rest} = found;
    assert.deepEqual(rest, {result, given: ZERO, givenAmount: 0n, received: ZERO,
        receivedAmount: 0n, filled: 0n});
}

/** The vault's balances, books and dust of all tokens: to compare before and after. */
export async function stateOf({vault, usdc, dai, eth}) {
    const state = [];
    for (const token of [usdc, dai, eth]) {
        const balance = await token.read('balanceOf', vault.address);
        const booked = await vault.read('booked', token.address);
        state.push({token: token.name, balance, booked});
    }
    return state;
}
