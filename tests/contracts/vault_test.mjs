// The vault: who may do what, deposits, payments, and that an intent happens once.

import assert from 'node:assert/strict';
import {NEVER, RESULT, ZERO, intent, makeToken, only, refuses, role, viem} from './support.mjs';
import {ABROAD, DELAY, EFFECT_GAS, KIND, assertEndedWith, checksOfVault, deposit, ended, makeVault,
    stateOf, trade, usdcPerEth} from './vault_world.mjs';

// Thirty-two bytes of zeros: no body, and the name of the admin's role.
const NOTHING = viem.padHex('0x', {size: 32});

const check = checksOfVault();

check('each role does its own and nobody else does', async (w) => {
    const {vault, usdc, outside, venue, bridge} = w;
    const missing = (who, name) => [who, name === 'ADMIN' ? NOTHING : role(name)];
    const calls = [
        ['OPERATOR', 'operator', 'trade', intent(), NEVER, venue.address, usdc.address, 1n, 1n],
        ['OPERATOR', 'operator', 'pay', intent(), NEVER, usdc.address, outside, 1n],
        ['OPERATOR', 'operator', 'bridgeOut', intent(), NEVER, bridge.address, usdc.address, 1n,
            ABROAD, outside],
        ['GUARDIAN', 'guardian', 'pause'],
        ['ADMIN', 'admin', 'unpause'],
        ['LISTER', 'lister', 'disallow', outside],
        ['LISTER', 'lister', 'allow', outside],
        ['LISTER', 'lister', 'disallowAbroad', ABROAD, outside],
        ['LISTER', 'lister', 'allowAbroad', ABROAD, outside],
        ['LISTER', 'lister', 'disallowVenue', venue.address],
        ['LISTER', 'lister', 'allowVenue', venue.address, usdc.address],
        ['LISTER', 'lister', 'disallowBridge', bridge.address],
        ['LISTER', 'lister', 'allowBridge', bridge.address],
        ['LISTER', 'lister', 'listToken', (await makeToken(w.chain, 'NEW', 8)).address, 8],
        ['ADMIN', 'admin', 'writeOff', usdc.address],
    ];
    for (const [roleName, who, name, ...args] of calls) {
        for (const other of ['admin', 'operator', 'guardian', 'lister', 'stranger']) {
            if (other === who) continue;
            await refuses(vault.send(w[other], name, ...args), 'AccessControlUnauthorizedAccount',
                ...missing(w[other], roleName));
        }
        await vault.send(w[who], name, ...args);
    }
    await refuses(vault.send(w.lister, 'fund', usdc.address, 1n),
        'AccessControlUnauthorizedAccount');
});

check('the effects are the vault\'s own calls', async (w) => {
    const {vault, usdc, eth, venue, outside, admin} = w;
    await refuses(vault.send(admin, 'effectPay', intent(), usdc.address, outside, 1n), 'NotSelf');
    await refuses(vault.send(admin, 'effectTrade', intent(), venue.address, eth.address, 1n, 1n),
        'NotSelf');
    await refuses(vault.send(admin, 'effectBridgeOut', intent(), venue.address, eth.address, 1n, 1n,
        outside), 'NotSelf');
});

check('a vault needs an admin, and gas for its effects', async ({chain, admin}) => {
    await refuses(chain.deploy(admin, 'Vault', ZERO, 0, EFFECT_GAS), 'ZeroAddress');
    await refuses(chain.deploy(admin, 'Vault', admin, 0, 199_999n), 'GasTooLow', 200_000n);
});

check('a deposit is counted, booked and told', async (w) => {
    const before = await w.vault.read('booked', w.dai.address);
    const first = only(w.vault, await deposit(w, w.dai, 5n * 10n ** 9n, 17n), 'Deposited');
    assert.deepEqual(first, {id: 1n, account: 17n, token: w.dai.address, from: w.client,
        amount: 5n * 10n ** 9n});
    const most = 2n ** 64n - 1n;
    const second = only(w.vault, await deposit(w, w.usdc, 1n, most), 'Deposited');
    assert.deepEqual([second.id, second.account], [2n, most]);
    assert.equal(await w.vault.read('depositCount'), 2n);
    assert.equal(await w.vault.read('booked', w.dai.address), before + 5n * 10n ** 9n);
});

check('a deposit must be whole, listed, paid and countable', async (w) => {
    const {vault, dai, client, admin} = w;
    const strange = await makeToken(w.chain, 'STR', 18);
    await refuses(deposit(w, strange, 10n ** 9n), 'NotListed', strange.address);
    await refuses(deposit(w, dai, 10n ** 9n + 1n), 'NotWhole', dai.address, 10n ** 9n + 1n);
    await refuses(vault.send(client, 'deposit', 1n, dai.address, 0n), 'NotWhole', dai.address, 0n);
    await refuses(vault.send(client, 'deposit', 1n, w.eth.address, 10n ** 9n),
        'ERC20InsufficientAllowance');
    const booked = await vault.read('booked', dai.address) / 10n ** 9n;
    const room = 2n ** 63n - 1n - booked;
    await refuses(deposit(w, dai, (room + 1n) * 10n ** 9n), 'TooMuch', dai.address);
    await deposit(w, dai, room * 10n ** 9n);
    await dai.send(admin, 'mint', vault.address, 10n ** 9n);
    await refuses(vault.send(admin, 'fund', dai.address, 10n ** 9n), 'TooMuch', dai.address);
});

check('a token that takes a fee is refused, both ways', async (w) => {
    const fee = await makeToken(w.chain, 'FEE', 6, 'FeeToken');
    await w.vault.send(w.lister, 'listToken', fee.address, 6);
    await deposit(w, fee, 1000n);
    await fee.send(w.admin, 'setFee', 10_000n);
    await refuses(deposit(w, fee, 1000n), 'FeeOnTransfer', fee.address, 1000n, 990n);
    const found = await ended(w, w.operator, 'pay', intent(), NEVER, fee.address, w.outside, 100n);
    assertEndedWith(found, RESULT.unsupported);
    assert.equal(await fee.read('balanceOf', w.vault.address), 1000n);
    assert.equal(await w.vault.read('booked', fee.address), 1000n);
});

check('tokens are listed once, with digits that the ledger can count', async (w) => {
    const {vault, lister, usdc, chain} = w;
    await refuses(vault.send(lister, 'listToken', usdc.address, 6), 'AlreadyListed', usdc.address);
    await refuses(vault.send(lister, 'listToken', usdc.address, 10), 'BadScale', 10);
    const few = await makeToken(chain, 'FEW', 5);
    await refuses(vault.send(lister, 'listToken', few.address, 6), 'BadDecimals', few.address);
    const many = await makeToken(chain, 'MANY', 37);
    await refuses(vault.send(lister, 'listToken', many.address, 9), 'BadDecimals', many.address);
    const bare = await chain.deploy(lister, 'BareToken');
    await refuses(vault.send(lister, 'listToken', bare.address, 0), 'BadDecimals', bare.address);
    await refuses(vault.send(lister, 'listToken', w.outside, 0), 'BadDecimals', w.outside);
    const most = await makeToken(chain, 'MOST', 36);
    const receipt = await vault.send(lister, 'listToken', most.address, 0);
    assert.deepEqual(only(vault, receipt, 'TokenListed'),
        {token: most.address, scale: 0, unit: 10n ** 36n});
    assert.equal(await vault.read('unit', usdc.address), 1n);
    assert.equal(await vault.read('unit', w.dai.address), 10n ** 9n);
    assert.deepEqual(await vault.read('tokens'),
        [usdc.address, w.dai.address, w.eth.address, most.address]);
});

check('a payment leaves and arrives exactly', async (w) => {
    const id = intent();
    const before = await w.dai.read('balanceOf', w.vault.address);
    const found = await ended(w, w.operator, 'pay', id, NEVER, w.dai.address, w.outside, 10n ** 9n);
    assert.deepEqual(found, {intent: id, result: RESULT.none, given: w.dai.address,
        givenAmount: 10n ** 9n, received: ZERO, receivedAmount: 0n, filled: 0n});
    assert.equal(await w.dai.read('balanceOf', w.outside), 10n ** 9n);
    assert.equal(await w.dai.read('balanceOf', w.vault.address), before - 10n ** 9n);
    assert.equal(await w.vault.read('booked', w.dai.address), before - 10n ** 9n);
});

check('a payment that cannot be made ends with the reason and moves nothing', async (w) => {
    const {dai, outside, operator, vault, stranger} = w;
    const all = await vault.read('booked', dai.address);
    const strange = await makeToken(w.chain, 'STR', 18);
    const cases = [
        [RESULT.unsupported, dai.address, stranger, 10n ** 9n],
        [RESULT.unsupported, strange.address, outside, 10n ** 9n],
        [RESULT.unsupported, dai.address, outside, 10n ** 9n + 1n],
        [RESULT.unsupported, dai.address, outside, 0n],
        [RESULT.unsupported, dai.address, outside, 2n ** 63n * 10n ** 9n],
        [RESULT.insufficient_balance, dai.address, outside, all + 10n ** 9n],
    ];
    const before = await stateOf(w);
    for (const [result, token, to, amount] of cases) {
        const id = intent();
        const found = await ended(w, operator, 'pay', id, NEVER, token, to, amount);
        assert.equal(found.intent, id);
        assertEndedWith(found, result);
        await refuses(vault.send(operator, 'pay', id, NEVER, dai.address, outside, 10n ** 9n),
            'IntentDone', id);
    }
    assert.deepEqual(await stateOf(w), before);
    // Dust is nobody's to pay out: what is booked is the most, however much is here.
    await dai.send(w.admin, 'mint', vault.address, 10n ** 12n);
    assertEndedWith(await ended(w, operator, 'pay', intent(), NEVER, dai.address, outside,
        all + 10n ** 9n), RESULT.insufficient_balance);
    const found = await ended(w, operator, 'pay', intent(), NEVER, dai.address, outside, all);
    assert.equal(found.result, RESULT.none);
});

check('a payment to the vault itself, or refused by the token, is none', async (w) => {
    await w.vault.send(w.lister, 'allow', w.vault.address);
    await w.vault.send(w.lister, 'allow', w.stranger);
    await w.chain.pass(DELAY);
    const {vault, usdc, operator} = w;
    const before = await stateOf(w);
    assertEndedWith(await ended(w, operator, 'pay', intent(), NEVER, usdc.address, vault.address,
        5n), RESULT.unsupported);
    const hook = await w.chain.deploy(w.admin, 'HostileToken', 6, w.admin);
    await hook.send(w.admin, 'grantRole', role('MINTER'), w.admin);
    await vault.send(w.lister, 'listToken', hook.address, 6);
    await deposit(w, hook, 100n);
    const steal = usdc.encode('transfer', w.admin, 1n);
    await hook.send(w.admin, 'onTransfer', usdc.address, steal, true);
    assertEndedWith(await ended(w, operator, 'pay', intent(), NEVER, hook.address, w.stranger, 5n),
        RESULT.reverted);
    assert.deepEqual(await stateOf(w), before);
});

check('an intent happens once, whatever it asks and whoever asks', async (w) => {
    const {vault, operator, admin, stranger, usdc, outside, bridge} = w;
    const id = intent();
    const asked = ['pay', id, NEVER, usdc.address, outside, 5n];
    assert.equal(await vault.read('done', id), NOTHING);
    await vault.send(operator, ...asked);
    await refuses(vault.send(operator, ...asked), 'IntentDone', id);
    await refuses(vault.send(operator, 'pay', id, NEVER, usdc.address, outside, 6n),
        'IntentDone', id);
    await refuses(trade(w, 10n ** 9n, {intent: id}), 'IntentDone', id);
    await refuses(vault.send(operator, 'bridgeOut', id, NEVER, bridge.address, usdc.address, 5n,
        ABROAD, outside), 'IntentDone', id);
    await vault.send(admin, 'revokeRole', role('OPERATOR'), operator);
    await vault.send(admin, 'grantRole', role('OPERATOR'), stranger);
    await refuses(vault.send(operator, ...asked), 'AccessControlUnauthorizedAccount');
    await refuses(vault.send(stranger, ...asked), 'IntentDone', id);
    assert.equal(await usdc.read('balanceOf', outside), 5n);
    await vault.send(stranger, 'pay', intent(), NEVER, usdc.address, outside, 5n);
});

check('done tells what was asked for: the call without the intent', async (w) => {
    const id = intent();
    const args = [id, NEVER, w.usdc.address, w.outside, 5n];
    await w.vault.send(w.operator, 'pay', ...args);
    const call = w.vault.encode('pay', ...args);
    const body = viem.keccak256(viem.concat([viem.slice(call, 0, 4), viem.slice(call, 36)]));
    assert.equal(await w.vault.read('done', id), body);
    const failed = intent();
    await w.vault.send(w.operator, 'pay', failed, 0n, w.usdc.address, w.outside, 5n);
    assert.notEqual(await w.vault.read('done', failed), NOTHING);
});

check('after its deadline an intent has expired for good', async (w) => {
    const {chain, vault, operator, usdc, outside, bridge} = w;
    const before = await stateOf(w);
    const deadline = await chain.now() + 100n;
    const at = async (time, name, ...args) => {
        await chain.rpc('evm_setNextBlockTimestamp', Number(time));
        return ended(w, operator, name, intent(), deadline, ...args);
    };
    const pay = ['pay', usdc.address, outside, 5n];
    const onTime = await at(deadline, ...pay);
    assert.equal(onTime.result, RESULT.none);
    const paid = await stateOf(w);
    assert.notDeepEqual(paid, before);
    assertEndedWith(await at(deadline + 1n, ...pay), RESULT.expired);
    assertEndedWith(await at(deadline + 2n, 'trade', w.venue.address, w.eth.address, 10n ** 9n,
        usdcPerEth(2000n)), RESULT.expired);
    assertEndedWith(await at(deadline + 3n, 'bridgeOut', bridge.address, usdc.address, 5n, ABROAD,
        outside), RESULT.expired);
    assert.deepEqual(await stateOf(w), paid);
});

check('paused, nothing moves but what a bridge brings', async (w) => {
    const {vault, guardian, admin, operator, usdc, outside, bridge} = w;
    const id = intent();
    const pay = ['pay', id, NEVER, usdc.address, outside, 5n];
    await vault.send(guardian, 'pause');
    await refuses(vault.send(operator, ...pay), 'EnforcedPause');
    await refuses(trade(w, 10n ** 9n), 'EnforcedPause');
    await refuses(vault.send(operator, 'bridgeOut', id, NEVER, bridge.address, usdc.address, 5n,
        ABROAD, outside), 'EnforcedPause');
    await refuses(deposit(w, usdc, 5n), 'EnforcedPause');
    await usdc.send(admin, 'mint', vault.address, 7n);
    await w.chain.rpc('anvil_impersonateAccount', bridge.address);
    await w.chain.rpc('anvil_setBalance', bridge.address, viem.toHex(10n ** 18n));
    await vault.send(bridge.address, 'arrived', intent(), usdc.address, 7n);
    await vault.send(admin, 'unpause');
    await vault.send(operator, ...pay);
});

check('who may get tokens counts after the delay, and not any more at once', async (w) => {
    const {chain, vault, lister, stranger, usdc, operator} = w;
    const pay = () => ended(w, operator, 'pay', intent(), NEVER, usdc.address, stranger, 5n);
    const receipt = await vault.send(lister, 'allow', stranger);
    const from = await chain.now() + DELAY;
    assert.deepEqual(only(vault, receipt, 'Allowed'),
        {kind: KIND.destination, chain: 0n, who: stranger, quote: ZERO, from});
    await refuses(vault.send(lister, 'allow', stranger), 'AlreadyAllowed', stranger);
    await chain.rpc('evm_setNextBlockTimestamp', Number(from - 1n));
    assertEndedWith(await pay(), RESULT.unsupported);
    await chain.rpc('evm_setNextBlockTimestamp', Number(from));
    assert.equal((await pay()).result, RESULT.none);
    assert.equal(await vault.read('isAllowed', KIND.destination, 0n, stranger), true);
    const gone = await vault.send(lister, 'disallow', stranger);
    assert.deepEqual(only(vault, gone, 'Disallowed'),
        {kind: KIND.destination, chain: 0n, who: stranger});
    assertEndedWith(await pay(), RESULT.unsupported);
    await refuses(vault.send(lister, 'disallow', stranger), 'NotAllowed', stranger);
    await vault.send(lister, 'allow', stranger);
    assertEndedWith(await pay(), RESULT.unsupported);
});

check('a list serves its own kind only', async (w) => {
    const {vault, lister, outside, usdc, operator, bridge, chain, stranger} = w;
    await refuses(vault.send(lister, 'allow', ZERO), 'ZeroAddress');
    await refuses(vault.send(lister, 'allowVenue', stranger, ZERO), 'ZeroAddress');
    await vault.send(lister, 'allowAbroad', 8n, stranger);
    await chain.pass(DELAY);
    const out = (toChain, to, through) => ended(w, operator, 'bridgeOut', intent(), NEVER, through,
        usdc.address, 5n, toChain, to);
    assertEndedWith(await out(7n, stranger, bridge.address), RESULT.unsupported);
    assertEndedWith(await out(0n, outside, bridge.address), RESULT.unsupported);
    assertEndedWith(await out(ABROAD, outside, w.venue.address), RESULT.unsupported);
    assertEndedWith(await ended(w, operator, 'pay', intent(), NEVER, usdc.address, stranger, 5n),
        RESULT.unsupported);
});

check('all lists can be read', async (w) => {
    const {vault, venue, daiVenue, bridge, usdc, dai, outside} = w;
    assert.equal(await vault.read('entryCount'), 5n);
    const entries = await vault.read('entries', 0n, 100n);
    assert.deepEqual(entries.map(({kind, chain, who, quote}) => [kind, chain, who, quote]), [
        [KIND.destination, 0n, outside, ZERO],
        [KIND.abroad, ABROAD, outside, ZERO],
        [KIND.venue, 0n, venue.address, usdc.address],
        [KIND.venue, 0n, daiVenue.address, dai.address],
        [KIND.bridge, 0n, bridge.address, ZERO],
    ]);
    assert.equal((await vault.read('entries', 1n, 3n)).length, 2);
    const one = await vault.read('entryOf', KIND.venue, 0n, venue.address);
    assert.deepEqual(one, entries[2]);
    assert.equal((await vault.read('entryOf', KIND.venue, 0n, outside)).from, 0n);
    assert.equal(await vault.read('allowDelay'), Number(DELAY));
    assert.equal(await vault.read('effectGas'), EFFECT_GAS);
});

check('what somebody sends unasked is dust until the admin books it', async (w) => {
    const {vault, dai, admin} = w;
    const booked = await vault.read('booked', dai.address);
    await dai.send(admin, 'mint', vault.address, 5n * 10n ** 9n + 3n);
    assert.equal(await vault.read('booked', dai.address), booked);
    assert.equal(await vault.read('held', dai.address), booked);
    assert.equal(await vault.read('dust', dai.address), 5n * 10n ** 9n + 3n);
    await refuses(vault.send(admin, 'fund', dai.address, 6n * 10n ** 9n), 'NotThere', dai.address,
        6n * 10n ** 9n);
    await refuses(vault.send(admin, 'fund', dai.address, 5n * 10n ** 9n + 3n), 'NotWhole');
    const receipt = await vault.send(admin, 'fund', dai.address, 5n * 10n ** 9n);
    assert.deepEqual(only(vault, receipt, 'Funded'), {token: dai.address, amount: 5n * 10n ** 9n});
    assert.equal(await vault.read('dust', dai.address), 3n);
});

check('what a token takes away shows, and dust does not hide it once written off', async (w) => {
    const vault = await makeVault(w);
    const hook = await w.chain.deploy(w.admin, 'HostileToken', 9, w.admin);
    await hook.send(w.admin, 'grantRole', role('MINTER'), w.admin);
    await vault.send(w.lister, 'listToken', hook.address, 6);
    await hook.send(w.admin, 'mint', vault.address, 10_000n);
    await vault.send(w.admin, 'fund', hook.address, 10_000n);
    await hook.send(w.admin, 'seize', vault.address, 2500n);
    assert.equal(await vault.read('held', hook.address), 7500n);
    assert.equal(await vault.read('dust', hook.address), 0n);
    await vault.send(w.lister, 'allow', w.outside);
    await w.chain.pass(DELAY);
    const here = {...w, vault};
    const pay = (amount) => ended(here, w.operator, 'pay', intent(), NEVER, hook.address, w.outside,
        amount);
    assertEndedWith(await pay(8000n), RESULT.insufficient_balance);
    await refuses(vault.send(w.admin, 'writeOff', w.chain.accounts[9]), 'NotListed');
    const receipt = await vault.send(w.admin, 'writeOff', hook.address);
    assert.deepEqual(only(vault, receipt, 'WrittenOff'), {token: hook.address, amount: 3000n});
    assert.equal(await vault.read('booked', hook.address), 7000n);
    await hook.send(w.admin, 'mint', vault.address, 600n);
    assert.equal(await vault.read('held', hook.address), 7000n);
    assert.equal(await vault.read('dust', hook.address), 1100n);
    assert.equal((await pay(7000n)).result, RESULT.none);
});
