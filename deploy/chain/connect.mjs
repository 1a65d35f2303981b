#!/usr/bin/env node
// Lets each broker's vaults send to one another, which is possible only once all are deployed.

import {readFileSync} from 'node:fs';
import {artifacts} from './artifacts.mjs';
import {Chain} from './chain.mjs';
import {UsageError, readOptions, runIfMain} from './command.mjs';
import {anvilAccounts, keyOf} from './keys.mjs';

const KEY = 'CROSSCLEAR_LISTER_KEY';
const ABROAD = 1; // Of AllowLists.Kind.
const USAGE = `connect.mjs --site FILE=URL --site FILE=URL ...: allows each broker's vaults abroad.

  --site FILE=URL     what deploy.mjs wrote, and a node of that chain; two or more
  --artifacts FOLDER  as for deploy.mjs
  --help              this text

The lister's private key is in ${KEY}; without one, on anvil, it is taken from its accounts.
Chains must differ in their ids. Run again, it adds what is missing. Entries count after the delay.
Needs CROSSCLEAR_NPM, the folder with node_modules.`;

async function open(site, contracts) {
    const [, file, url] = /^(.+?)=(https?:.*)$/.exec(site) ?? [];
    if (!file) throw new UsageError(`--site ${site}: expected FILE=URL`);
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const chain = new Chain(url, contracts);
    const id = Number(await chain.rpc('eth_chainId'));
    if (id !== report.chain_id) {
        throw new Error(`${url}: expected chain ${report.chain_id}, as ${file} says, found ${id}`);
    }
    return {report, chain, accounts: await anvilAccounts(chain)};
}

function listerOf({accounts}, {lister}) {
    const known = [keyOf(KEY), ...accounts].filter(Boolean);
    const found = known.find(({address}) => address.toLowerCase() === lister.toLowerCase());
    if (!found) throw new UsageError(`${KEY}: expected the key of ${lister}`);
    return found;
}

/** Allows every vault of a broker at all its others; returns how many entries were added. */
export async function connect(sites, contracts = artifacts()) {
    const opened = [];
    for (const site of sites) opened.push(await open(site, contracts));
    const ids = opened.map(({report}) => report.chain_id);
    if (new Set(ids).size !== ids.length) {
        throw new Error(`expected chains with different ids, found ${ids.join(', ')}`);
    }
    let added = 0;
    for (const here of opened) {
        for (const [broker, from] of Object.entries(here.report.vaults)) {
            const vault = here.chain.at('Vault', from.address);
            for (const there of opened) {
                const to = there === here ? undefined : there.report.vaults[broker];
                const id = BigInt(there.report.chain_id);
                if (!to) continue;
                const entry = await vault.read('entryOf', ABROAD, id, to.address);
                if (entry.from !== 0n) continue;
                await vault.send(listerOf(here, from), 'allowAbroad', id, to.address);
                added += 1;
            }
        }
    }
    return added;
}

async function main() {
    const options = readOptions(process.argv.slice(2), USAGE, {
        site: {type: 'string', multiple: true},
        artifacts: {type: 'string'},
    });
    if ((options.site ?? []).length < 2) throw new UsageError(`--site: expected two\n\n${USAGE}`);
    const added = await connect(options.site, artifacts(options.artifacts));
    console.log(`${added} entries added`);
}

await runIfMain(import.meta.url, main);
