#!/usr/bin/env node
// A client on a chain of a site: pays tokens into a vault, or says what an address has.
//
//   chain_client.mjs SITE CACHE deposit SHARD BROKER ACCOUNT SYMBOL AMOUNT
//   chain_client.mjs SITE CACHE balance SHARD SYMBOL ADDRESS
//
// Amounts are raw; ACCOUNT is a number. CACHE is that of site.mjs.

import {readFileSync} from 'node:fs';
import {keptArtifacts} from '../../deploy/chain/artifacts.mjs';
import {Chain} from '../../deploy/chain/chain.mjs';

const [file, cache, what, shard, ...rest] = process.argv.slice(2);
const {chains} = JSON.parse(readFileSync(file, 'utf8'));
const {url, deployment} = chains.find((one) => one.shard === shard);
const chain = new Chain(url, keptArtifacts(cache));
const token = (symbol) => chain.at('TestToken', deployment.tokens[symbol].address);

if (what === 'deposit') {
    const [broker, account, symbol, amount] = rest;
    const vault = chain.at('Vault', deployment.vaults[broker].address);
    const [client] = deployment.accounts;
    await token(symbol).send(deployment.roles.admin, 'mint', client, BigInt(amount));
    await token(symbol).send(client, 'approve', vault.address, BigInt(amount));
    await vault.send(client, 'deposit', BigInt(account), token(symbol).address, BigInt(amount));
} else {
    const [symbol, address] = rest;
    console.log(String(await token(symbol).read('balanceOf', address)));
}
