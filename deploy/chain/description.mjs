// What a description of a chain may say. Amounts and prices are in whole tokens.

import {readFileSync} from 'node:fs';
import {ShapeError, account, byKind, decimal, fields, listOf, mapOf, oneOf, optional, text, whole}
    from './shape.mjs';

const PPM = 1_000_000;

/** A token's name on the chain, the ledger's name for it and how many digits the ledger counts. */
const listed = {symbol: text, asset: optional(text), scale: whole(0, 9)};
const outcome = fields(listed);

const VENUES = {
    synthetic_exchange: {
        name: text,
        quote: text,
        fee_ppm: whole(0, PPM - 1),
        price_age_max_s: whole(1, 31_536_000),
        reserve: decimal,
        synths: listOf(fields({token: text, price: decimal, capacity_per_block: decimal})),
    },
    constant_product_pool: {
        name: text,
        base: text,
        quote: text,
        fee_ppm: whole(0, PPM - 1),
        base_reserve: decimal,
        quote_reserve: decimal,
    },
    lending_pool: {
        name: text,
        underlying: text,
        share: fields(listed),
        index: optional(decimal, '1'),
        yearly_rate_ppm: whole(0, 100 * PPM),
        reserve: decimal,
    },
    binary_market: {
        name: text,
        collateral: text,
        yes: outcome,
        no: outcome,
        price: decimal,
        half_spread: decimal,
        capacity: decimal,
        cash: decimal,
    },
};

const vault = fields({
    broker: text,
    admin: account,
    operator: account,
    guardian: account,
    lister: account,
    allow_delay_s: whole(0, 31_536_000),
    effect_gas: whole(200_000, 16_000_000),
    operator_gas: optional(decimal),
    balances: optional(mapOf(decimal), {}),
    destinations: optional(listOf(account), []),
    destinations_abroad: optional(
        listOf(fields({chain: whole(1, Number.MAX_SAFE_INTEGER), to: account})), []),
});

const description = fields({
    about: optional(text),
    name: text,
    admin: account,
    feeder: optional(account, 'deployer'),
    relayer: optional(account, 'deployer'),
    maker: optional(account, 'deployer'),
    oracle: optional(account, 'deployer'),
    tokens: listOf(fields({...listed, name: text, decimals: whole(0, 36)})),
    venues: optional(listOf(byKind(VENUES)), []),
    bridge: optional(listOf(fields({token: text, mode: oneOf('locked', 'minted')}))),
    vaults: listOf(vault),
    accounts: optional(listOf(fields({address: account, balances: mapOf(decimal)})), []),
});

const CHAIN_ROLES = ['admin', 'feeder', 'relayer', 'maker', 'oracle'];
const VAULT_ROLES = ['admin', 'operator', 'guardian', 'lister'];

/** Reads a description from a file. `roles` are NAME=ADDRESS or BROKER.NAME=ADDRESS. */
export function readDescription(file, roles = []) {
    let value;
    try {
        value = JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
        throw new Error(`${file}: ${error.message}`);
    }
    try {
        const read = description(value, '');
        for (const role of roles) assign(read, role);
        checkNames(read);
        return read;
    } catch (error) {
        if (!(error instanceof ShapeError)) throw error;
        throw new Error(`${file}: ${error.message}`);
    }
}

function assign(read, role) {
    const path = `--role ${role}`;
    const found = /^(?:([^.=]+)\.)?(\w+)=(.*)$/.exec(role);
    if (!found) throw new ShapeError(path, 'NAME=ADDRESS or BROKER.NAME=ADDRESS', role);
    const [, broker, name, address] = found;
    account(address, path);
    const vaults = read.vaults.filter((item) => broker === undefined || item.broker === broker);
    const isVaults = VAULT_ROLES.includes(name) && (broker !== undefined || name !== 'admin');
    if (isVaults && vaults.length > 0) {
        for (const item of vaults) item[name] = address;
    } else if (broker === undefined && CHAIN_ROLES.includes(name)) {
        read[name] = address;
    } else {
        const known = [...CHAIN_ROLES, ...VAULT_ROLES.map((item) => `BROKER.${item}`)];
        throw new ShapeError(path, `one of ${known.join(', ')}`, name);
    }
}

// Every name is given once, and every name that is used is one of a token's.
function checkNames(read) {
    const once = (names, path) => names.forEach((name, at) => {
        if (names.indexOf(name) !== at) throw new ShapeError(path, 'names that differ', name);
    });
    const issued = read.venues.flatMap(({share, yes, no}) => [share, yes, no].filter(Boolean));
    const symbols = read.tokens.map(({symbol}) => symbol);
    once([...symbols, ...issued.map(({symbol}) => symbol)], 'tokens');
    once(read.venues.map(({name}) => name), 'venues');
    once(read.vaults.map(({broker}) => broker), 'vaults');
    const isToken = oneOf(...symbols);
    read.venues.forEach((venue, at) => {
        for (const field of ['base', 'quote', 'underlying', 'collateral']) {
            if (venue[field] !== undefined) isToken(venue[field], `venues[${at}].${field}`);
        }
        (venue.synths ?? []).forEach(({token}, of) =>
            isToken(token, `venues[${at}].synths[${of}].token`));
    });
    (read.bridge ?? []).forEach(({token}, at) => isToken(token, `bridge[${at}].token`));
    // Of a market both outcomes can be had, for collateral.
    const outcomes = read.venues.flatMap(({yes, no}) => [yes, no].filter(Boolean));
    const isHeld = oneOf(...symbols, ...outcomes.map(({symbol}) => symbol));
    for (const list of ['vaults', 'accounts']) {
        read[list].forEach(({balances}, at) => {
            for (const name of Object.keys(balances)) isHeld(name, `${list}[${at}].balances`);
        });
    }
}
