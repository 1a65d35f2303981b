// Who signs: keys come from the environment, or are those that everybody knows of anvil's.

import {UsageError} from './command.mjs';
import {npm} from './npm.mjs';

const ANVIL_MNEMONIC = 'test test test test test test test test test test test junk';
const ANVIL_ACCOUNTS = 10;

/** The account whose private key is in the environment variable `name`; undefined without one. */
export function keyOf(name) {
    const key = process.env[name];
    if (!key) return undefined;
    if (!/^0x[0-9a-fA-F]{64}$/.test(key)) {
        throw new UsageError(`${name}: expected 0x and 64 hexadecimal digits`);
    }
    return npm('viem/accounts').privateKeyToAccount(key);
}

/** Anvil's own accounts, if the chain is one of anvil's; else none. */
export async function anvilAccounts(chain) {
    const isAnvil = await chain.rpc('anvil_nodeInfo').then(() => true, () => false);
    if (!isAnvil) return [];
    const {mnemonicToAccount} = npm('viem/accounts');
    return Array.from({length: ANVIL_ACCOUNTS},
        (_, addressIndex) => mnemonicToAccount(ANVIL_MNEMONIC, {addressIndex}));
}
