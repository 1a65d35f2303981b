// Puts a described chain into being, in the order in which one thing needs another.

import {npm} from './npm.mjs';

const viem = npm('viem');

const ONE = 36; // Digits of a limit and of a price.
const RAY = 27; // Digits of an index.
const YEAR_S = 31_536_000n;
const MODES = {locked: 1, minted: 2};
const role = (name) => viem.keccak256(viem.toBytes(name));
const ADMIN = viem.padHex('0x', {size: 32});

/** Deploys what was described to `chain`. `from` signs, `resolve` says who an account is. */
export async function build(chain, from, resolve, described) {
    const site = new Site(chain, from, resolve, described);
    for (const token of described.tokens) await site.addToken(token);
    for (const venue of described.venues) await site.addVenue(venue);
    if (described.bridge) await site.addBridge(described.bridge);
    for (const vault of described.vaults) await site.addVault(vault);
    for (const {address, balances} of described.accounts) {
        await site.mint(resolve(address), balances, 'accounts');
    }
    await site.handOver();
    return site.report();
}

class Site {
    constructor(chain, from, resolve, described) {
        Object.assign(this, {chain, from, resolve, described});
        this.me = from.address ?? from;
        this.tokens = new Map();
        this.outcomes = new Map(); // By symbol: the market that makes it, and of what.
        this.venues = [];
        this.vaults = [];
        this.bridge = undefined;
        // What the deployer rules until the end.
        this.controlled = [];
        this.owned = [];
    }

    async deploy(name, ...args) {
        return this.chain.deploy(this.from, name, ...args);
    }

    /** Raw units of so many whole tokens. */
    raw(symbol, amount, what) {
        const {decimals} = this.tokens.get(symbol);
        const [, digits = ''] = amount.split('.');
        if (digits.length > decimals) {
            throw new Error(`${what}: expected at most ${decimals} digits, as ${symbol} has, ` +
                `found ${amount}`);
        }
        return viem.parseUnits(amount, decimals);
    }

    /** What one whole token costs, as the contracts write it: raw for raw, times 1e36. */
    price(base, quote, amount) {
        const scaled = viem.parseUnits(amount, ONE);
        return scaled * 10n ** BigInt(this.tokens.get(quote).decimals) /
            10n ** BigInt(this.tokens.get(base).decimals);
    }

    register({symbol, asset, scale}, contract, decimals) {
        this.tokens.set(symbol, {contract, decimals, scale, asset: asset ?? symbol});
    }

    of(symbol) {
        return this.tokens.get(symbol).contract;
    }

    async addToken({symbol, name, decimals, ...rest}) {
        const contract = await this.deploy('TestToken', name, symbol, decimals, this.me);
        await contract.send(this.from, 'grantRole', role('MINTER'), this.me);
        this.register({symbol, ...rest}, contract, decimals);
        this.controlled.push({contract, roles: ['MINTER']});
    }

    async mint(to, balances, what) {
        for (const [symbol, amount] of Object.entries(balances)) {
            const raw = this.raw(symbol, amount, `${what}: ${symbol}`);
            if (raw === 0n) continue;
            if (this.outcomes.has(symbol)) await this.split(symbol, amount);
            const [call, token] = [this.outcomes.has(symbol) ? 'transfer' : 'mint', this.of(symbol)];
            await token.send(this.from, call, to, raw);
        }
    }

    /** So much of an outcome, and of the other one, which nobody gets. */
    async split(symbol, amount) {
        const {market, collateral} = this.outcomes.get(symbol);
        await this.offer(market, collateral, amount, symbol);
        await market.send(this.from, 'split', this.raw(collateral, amount));
    }

    /** Mints so much to the deployer, for `spender` to pull. */
    async offer(spender, symbol, amount, what) {
        await this.mint(this.me, {[symbol]: amount}, what);
        const raw = this.raw(symbol, amount, what);
        await this.of(symbol).send(this.from, 'approve', spender.address, raw);
    }

    async addVenue(venue) {
        const add = {
            synthetic_exchange: this.addExchange,
            constant_product_pool: this.addPool,
            lending_pool: this.addLendingPool,
            binary_market: this.addMarket,
        }[venue.kind];
        this.venues.push({name: venue.name, kind: venue.kind, ...await add.call(this, venue)});
    }

    async addExchange({name, quote, fee_ppm: fee, price_age_max_s: age, reserve, synths}) {
        const {from} = this;
        const args = [this.of(quote).address, fee, age, this.me];
        const contract = await this.deploy('SyntheticExchange', ...args);
        await this.mint(contract.address, {[quote]: reserve}, `venues.${name}.reserve`);
        await contract.send(from, 'grantRole', role('FEEDER'), this.me);
        for (const {token, price, capacity_per_block: capacity} of synths) {
            const synth = this.of(token);
            await synth.send(from, 'grantRole', role('MINTER'), contract.address);
            const most = this.raw(token, capacity, `venues.${name}.synths`);
            await contract.send(from, 'list', synth.address, most);
            await contract.send(from, 'setPrice', synth.address, this.price(token, quote, price));
        }
        await contract.send(from, 'grantRole', role('FEEDER'), this.resolve(this.described.feeder));
        this.controlled.push({contract, roles: ['FEEDER'], holder: this.described.feeder});
        return {contract, quote, bases: synths.map(({token}) => token), facts: {fee_ppm: fee}};
    }

    async addPool({name, base, quote, fee_ppm: fee, base_reserve: baseReserve, ...rest}) {
        const args = [this.of(base).address, this.of(quote).address, fee, this.me];
        const contract = await this.deploy('ConstantProductPool', ...args);
        const {quote_reserve: quoteReserve} = rest;
        await this.offer(contract, base, baseReserve, `venues.${name}.base_reserve`);
        await this.offer(contract, quote, quoteReserve, `venues.${name}.quote_reserve`);
        await contract.send(this.from, 'addLiquidity', this.raw(base, baseReserve),
            this.raw(quote, quoteReserve));
        this.owned.push(contract);
        return {contract, quote, bases: [base], facts: {fee_ppm: fee}};
    }

    async addLendingPool({name, underlying, share, index, yearly_rate_ppm: yearly, reserve}) {
        const contract = await this.deploy('LendingPool', this.of(underlying).address, name,
            share.symbol, viem.parseUnits(index, RAY), this.me);
        const rate = BigInt(yearly) * 10n ** BigInt(RAY) / 1_000_000n / YEAR_S;
        await contract.send(this.from, 'setRate', rate);
        await this.mint(contract.address, {[underlying]: reserve}, `venues.${name}.reserve`);
        this.register(share, contract, this.tokens.get(underlying).decimals);
        this.owned.push(contract);
        return {contract, quote: underlying, bases: [share.symbol]};
    }

    async addMarket({name, collateral, yes, no, price, half_spread: spread, capacity, cash}) {
        const {from, described} = this;
        const contract = await this.deploy('BinaryMarket', this.of(collateral).address, yes.symbol,
            no.symbol, this.me);
        const {decimals} = this.tokens.get(collateral);
        this.register(yes, this.chain.at('TestToken', await contract.read('yes')), decimals);
        this.register(no, this.chain.at('TestToken', await contract.read('no')), decimals);
        for (const {symbol} of [yes, no]) {
            this.outcomes.set(symbol, {market: contract, collateral});
        }
        await contract.send(from, 'grantRole', role('MAKER'), this.me);
        await this.offer(contract, collateral, cash, `venues.${name}.cash`);
        await contract.send(from, 'addCash', this.raw(collateral, cash));
        const [middle, half] = [price, spread].map((part) => viem.parseUnits(part, ONE));
        const most = this.raw(collateral, capacity, `venues.${name}.capacity`);
        await contract.send(from, 'quote', middle, half, most);
        await contract.send(from, 'grantRole', role('MAKER'), this.resolve(described.maker));
        await contract.send(from, 'grantRole', role('ORACLE'), this.resolve(described.oracle));
        this.controlled.push({contract, roles: ['MAKER'], holder: described.maker});
        const facts = {half_spread: half.toString(), capacity: most.toString()};
        return {contract, quote: collateral, bases: [yes.symbol, no.symbol], facts};
    }

    async addBridge(tokens) {
        this.bridge = await this.deploy('Bridge', this.me);
        const {from, bridge} = this;
        for (const {token, mode} of tokens) {
            await bridge.send(from, 'listToken', this.of(token).address, MODES[mode]);
            if (mode !== 'minted') continue;
            await this.of(token).send(from, 'grantRole', role('MINTER'), bridge.address);
        }
        await bridge.send(from, 'grantRole', role('RELAYER'), this.resolve(this.described.relayer));
        this.controlled.push({contract: bridge, roles: []});
    }

    async addVault(described) {
        const {broker, admin, operator, guardian, lister, balances} = described;
        const {from, resolve, me} = this;
        const vault = await this.deploy('Vault', me, described.allow_delay_s, described.effect_gas);
        await vault.send(from, 'grantRole', role('LISTER'), me);
        for (const {contract, scale} of this.tokens.values()) {
            await vault.send(from, 'listToken', contract.address, scale);
        }
        for (const {contract, quote} of this.venues) {
            await vault.send(from, 'allowVenue', contract.address, this.of(quote).address);
        }
        if (this.bridge) {
            await vault.send(from, 'allowBridge', this.bridge.address);
            await this.bridge.send(from, 'grantRole', role('SENDER'), vault.address);
        }
        for (const to of described.destinations) await vault.send(from, 'allow', resolve(to));
        for (const {chain, to} of described.destinations_abroad) {
            await vault.send(from, 'allowAbroad', BigInt(chain), resolve(to));
        }
        await this.mint(vault.address, balances, `vaults.${broker}.balances`);
        for (const [symbol, amount] of Object.entries(balances)) {
            const raw = this.raw(symbol, amount);
            if (raw > 0n) await vault.send(from, 'fund', this.of(symbol).address, raw);
        }
        for (const [name, who] of Object.entries({operator, guardian, lister})) {
            await vault.send(from, 'grantRole', role(name.toUpperCase()), resolve(who));
        }
        if (described.operator_gas !== undefined) {
            const value = viem.toHex(viem.parseEther(described.operator_gas));
            await this.chain.send(from, {to: resolve(operator), data: '0x', value}, 'operator_gas');
        }
        this.controlled.push({contract: vault, roles: ['LISTER'], holder: lister, admin});
        this.vaults.push({described, vault});
    }

    /** Gives everything to whom it belongs; the deployer keeps only what is said to be its own. */
    async handOver() {
        const {from, me, resolve, described} = this;
        const isMe = (who) => viem.isAddressEqual(resolve(who), me);
        for (const contract of this.owned) {
            if (isMe(described.admin)) continue;
            await contract.send(from, 'transferOwnership', resolve(described.admin));
        }
        for (const {contract, roles, holder, admin = described.admin} of this.controlled) {
            for (const name of roles) {
                if (isMe(holder ?? admin)) continue;
                await contract.send(from, 'renounceRole', role(name), me);
            }
            if (isMe(admin)) continue;
            await contract.send(from, 'grantRole', ADMIN, resolve(admin));
            await contract.send(from, 'renounceRole', ADMIN, me);
        }
    }

    async report() {
        const tokens = {};
        for (const [symbol, {contract, decimals, scale, asset}] of this.tokens) {
            const unit = (10n ** BigInt(decimals - scale)).toString();
            tokens[symbol] = {address: contract.address, asset, decimals, scale, unit};
        }
        const venues = {};
        for (const {name, kind, contract, quote, bases, facts} of this.venues) {
            venues[name] = {address: contract.address, kind, quote, bases, ...facts};
        }
        const vaults = {};
        for (const {described, vault} of this.vaults) {
            const roles = ['admin', 'operator', 'guardian', 'lister'];
            vaults[described.broker] = {
                address: vault.address,
                ...Object.fromEntries(roles.map((name) => [name, this.resolve(described[name])])),
                gas_wanted: Number(await vault.read('gasWanted')),
                code_hash: viem.keccak256(
                    await this.chain.rpc('eth_getCode', vault.address, 'latest')),
            };
        }
        const {bridge, accounts} = this.described;
        const roles = ['admin', 'feeder', 'relayer', 'maker', 'oracle'];
        return {
            name: this.described.name,
            chain_id: Number(await this.chain.rpc('eth_chainId')),
            block: Number(await this.chain.rpc('eth_blockNumber')),
            tokens, venues, vaults,
            ...(this.bridge ? {
                bridge: this.bridge.address,
                bridged: Object.fromEntries(bridge.map(({token, mode}) => [token, mode])),
            } : {}),
            roles: Object.fromEntries(
                roles.map((name) => [name, this.resolve(this.described[name])])),
            accounts: accounts.map(({address}) => this.resolve(address)),
        };
    }
}
