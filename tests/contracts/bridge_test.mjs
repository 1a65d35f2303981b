// The bridge alone, and between two vaults.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {NEVER, RESULT, intent, makeToken, only, refuses, role} from './support.mjs';
import {ABROAD, DELAY, ended, fund, makeVault, startWorld} from './vault_world.mjs';

const MODE = {none: 0, locked: 1, minted: 2};

let w;
before(async () => {
    w = await startWorld();
    const {chain, admin, operator} = w;
    w.relayer = operator;
    w.here = await makeBridge();
    w.there = await makeBridge();
    w.locked = await makeToken(chain, 'LOCK', 6);
    w.fee = await makeToken(chain, 'FEE', 6, 'FeeToken');
    for (const bridge of [w.here, w.there]) {
        await bridge.send(admin, 'listToken', w.dai.address, MODE.minted);
        await bridge.send(admin, 'listToken', w.locked.address, MODE.locked);
        await bridge.send(admin, 'listToken', w.fee.address, MODE.locked);
        await w.dai.send(admin, 'grantRole', role('MINTER'), bridge.address);
        await bridge.send(admin, 'grantRole', role('SENDER'), admin);
    }
    for (const token of [w.dai, w.locked, w.fee]) {
        await token.send(admin, 'mint', admin, 10n ** 12n);
        await token.send(admin, 'approve', w.here.address, 10n ** 12n);
    }
});
after(() => w?.chain.stop());

async function makeBridge() {
    const bridge = await w.chain.deploy(w.admin, 'Bridge', w.admin);
    await bridge.send(w.admin, 'grantRole', role('RELAYER'), w.relayer);
    return bridge;
}

test('what is minted is burnt when sent, what is locked stays', async () => {
    const {here, admin, dai, locked, outside} = w;
    for (const [token, kept] of [[dai, 0n], [locked, 70n]]) {
        const id = intent();
        const supply = await token.read('totalSupply');
        const receipt = await here.send(admin, 'send', token.address, 70n, ABROAD, outside, id);
        assert.deepEqual(only(here, receipt, 'Sent'),
            {intent: id, toChain: ABROAD, to: outside, token: token.address, amount: 70n});
        assert.equal(await token.read('balanceOf', here.address), kept);
        assert.equal(await token.read('totalSupply'), supply - 70n + kept);
        await refuses(here.send(admin, 'send', token.address, 70n, ABROAD, outside, id),
            'AlreadySent', id);
    }
});

test('only known senders, tokens and amounts', async () => {
    const {here, admin, dai, stranger, outside, usdc, fee} = w;
    const send = (from, token, amount) =>
        here.send(from, 'send', token.address, amount, ABROAD, outside, intent());
    await refuses(send(stranger, dai, 1n), 'AccessControlUnauthorizedAccount');
    await refuses(send(admin, usdc, 1n), 'NotListed', usdc.address);
    await refuses(send(admin, dai, 0n), 'NothingToSend');
    await fee.send(admin, 'setFee', 10_000n);
    await refuses(send(admin, fee, 100n), 'FeeOnTransfer', fee.address, 100n, 99n);
    await refuses(here.send(stranger, 'listToken', usdc.address, 1),
        'AccessControlUnauthorizedAccount');
    await refuses(here.send(admin, 'listToken', dai.address, 1), 'AlreadyListed', dai.address);
});

test('a relayer delivers once under an intent', async () => {
    const {here, relayer, dai, locked, outside, stranger, usdc} = w;
    const id = intent();
    await refuses(here.send(stranger, 'deliver', id, dai.address, outside, 5n),
        'AccessControlUnauthorizedAccount');
    await refuses(here.send(relayer, 'deliver', id, usdc.address, outside, 5n), 'NotListed');
    const receipt = await here.send(relayer, 'deliver', id, dai.address, outside, 5n);
    assert.deepEqual(only(here, receipt, 'Delivered'),
        {intent: id, token: dai.address, to: outside, amount: 5n});
    assert.equal(await dai.read('balanceOf', outside), 5n);
    await refuses(here.send(relayer, 'deliver', id, dai.address, outside, 6n),
        'AlreadyDelivered', id);
    await here.send(relayer, 'deliver', intent(), locked.address, outside, 70n);
    assert.equal(await locked.read('balanceOf', here.address), 0n);
    await refuses(here.send(relayer, 'deliver', intent(), locked.address, outside, 1n),
        'ERC20InsufficientBalance');
});

test('tokens go from vault to vault, and both books know', async () => {
    const {here, there, chain, admin, lister, operator, relayer, vault, dai} = w;
    const other = await makeVault(w);
    await vault.send(lister, 'allowBridge', here.address);
    await vault.send(lister, 'allowAbroad', ABROAD, other.address);
    await here.send(admin, 'grantRole', role('SENDER'), vault.address);
    await chain.pass(DELAY);
    await fund(w, dai, 10n ** 18n);
    const id = intent();
    const amount = 3n * 10n ** 9n;
    const before = await vault.read('booked', dai.address);
    const found = await ended(w, operator, 'bridgeOut', id, NEVER, here.address, dai.address,
        amount, ABROAD, other.address);
    assert.equal(found.result, RESULT.none);
    assert.equal(await vault.read('booked', dai.address), before - amount);

    // Where the other vault does not know the bridge yet, nothing is delivered and nothing lost.
    const deliver = (name, raw) =>
        there.send(relayer, 'deliver', name, dai.address, other.address, raw);
    await refuses(deliver(id, amount), 'NotAllowed', there.address);
    await other.send(lister, 'allowBridge', there.address);
    await refuses(deliver(id, amount), 'NotAllowed', there.address);
    await chain.pass(DELAY);
    await deliver(id, amount);
    assert.equal(await other.read('booked', dai.address), amount);
    assert.equal(await other.read('hasArrived', there.address, id), true);
    await refuses(deliver(id, amount), 'AlreadyDelivered', id);

    // A remainder is dust.
    await deliver(intent(), amount + 7n);
    assert.equal(await other.read('booked', dai.address), 2n * amount);
    assert.equal(await other.read('dust', dai.address), 7n);
});

test('a vault believes no arrival that is not there, unknown or known already', async () => {
    const {chain, admin, lister, vault, dai, bridge, stranger, locked} = w;
    await chain.rpc('anvil_impersonateAccount', bridge.address);
    await chain.rpc('anvil_setBalance', bridge.address, '0xde0b6b3a7640000');
    const arrived = (id, token, amount) =>
        vault.send(bridge.address, 'arrived', id, token.address, amount);
    const id = intent();
    await refuses(vault.send(stranger, 'arrived', id, dai.address, 1n), 'NotAllowed', stranger);
    await refuses(arrived(id, locked, 1n), 'NotListed', locked.address);
    await refuses(arrived(id, dai, 10n ** 9n), 'NotThere', dai.address, 10n ** 9n);
    await dai.send(admin, 'mint', vault.address, 10n ** 10n);
    await arrived(id, dai, 10n ** 9n);
    await refuses(arrived(id, dai, 10n ** 9n), 'ArrivalKnown', id);
    // Another bridge has names of its own, and cannot use up this one's.
    assert.equal(await vault.read('hasArrived', bridge.address, id), true);
    assert.equal(await vault.read('hasArrived', w.here.address, id), false);
    await vault.send(lister, 'disallowBridge', bridge.address);
    await refuses(arrived(intent(), dai, 10n ** 9n), 'NotAllowed', bridge.address);
});
