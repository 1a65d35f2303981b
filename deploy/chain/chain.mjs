// How the scripts here and the tests speak to a chain: JSON-RPC, and contracts by name.

import {setTimeout as pause} from 'node:timers/promises';
import {npm} from './npm.mjs';

const viem = npm('viem');

const RECEIPT_WAIT_MS = 120_000;
const POLL_FIRST_MS = 2;
const POLL_MAX_MS = 1000;
// Of what a node estimates: the state may be another one by the time of the block.
const GAS_ROOM = 1.25;
const GAS_OF_TESTS = 10_000_000n;

/** A call that the chain refused: the contract's error and its arguments, where it has one. */
export class Refused extends Error {
    constructor(what, name, values) {
        super(`${what}: ${name}(${values.map(String).join(', ')})`);
        this.error = name;
        this.values = values;
    }
}

/** A node, and what was compiled. A sender is an address that the node signs for, or an account. */
export class Chain {
    constructor(url, contracts) {
        this.url = url;
        this.contracts = contracts;
        this.nonces = new Map();
        const abis = Object.values(contracts).flatMap((contract) => contract.abi);
        this.errors = abis.filter((item) => item.type === 'error');
    }

    /** The answer to one request; an error has the node's `data`. */
    async rpc(method, ...params) {
        const body = JSON.stringify({jsonrpc: '2.0', id: 1, method, params});
        const headers = {'content-type': 'application/json'};
        let response;
        try {
            response = await fetch(this.url, {method: 'POST', headers, body});
        } catch (error) {
            const why = error.cause?.message || error.cause?.code || error.message;
            throw new Error(`${this.url} does not answer: ${why}`);
        }
        const {result, error} = await response.json();
        if (!error) return result;
        throw Object.assign(new Error(`${method}: ${error.message}`), {data: error.data});
    }

    /** Deploys a contract. */
    async deploy(from, name, ...args) {
        const {abi, bytecode} = this.contracts[name];
        const data = viem.encodeDeployData({abi, bytecode, args});
        const receipt = await this.send(from, {data}, `deploying ${name}`);
        return this.at(name, receipt.contractAddress);
    }

    /** A contract that is there. */
    at(name, address) {
        return new Contract(this, name, this.contracts[name].abi, viem.getAddress(address));
    }

    /** Sends a transaction and waits for its receipt. Throws Refused. */
    async send(from, options, what) {
        const request = {...options, from: from.address ?? from};
        const isUnlocked = from.address === undefined;
        // Estimating takes a node many tries; where it signs itself, it is one of a test.
        if (request.gas === undefined && isUnlocked) request.gas = GAS_OF_TESTS;
        if (request.gas === undefined) {
            const gas = await this.#tried(what, 'eth_estimateGas', request);
            request.gas = BigInt(Math.ceil(Number(gas) * GAS_ROOM));
        } else {
            await this.#tried(what, 'eth_call', {...request, gas: viem.toHex(request.gas)});
        }
        const hash = isUnlocked
            ? await this.rpc('eth_sendTransaction', {...request, gas: viem.toHex(request.gas)})
            : await this.rpc('eth_sendRawTransaction', await this.#signed(from, request));
        const receipt = await this.#receipt(hash, what);
        if (receipt.status !== '0x1') throw new Error(`${what}: reverted in its block, ${hash}`);
        return receipt;
    }

    /** What a contract reverted with: its error's name and arguments, as far as it is known. */
    decodeError(data) {
        if (typeof data !== 'string' || data.length < 10) return {errorName: 'nothing', args: []};
        try {
            const {errorName, args} = viem.decodeErrorResult({abi: this.errors, data});
            return {errorName, args: args ?? []};
        } catch {
            return {errorName: data, args: []};
        }
    }

    async #tried(what, method, request) {
        try {
            const {gas, ...call} = request;
            const limited = gas === undefined ? call : request;
            return await this.rpc(method, limited, ...(method === 'eth_call' ? ['pending'] : []));
        } catch (error) {
            if (error.data === undefined && !/revert/i.test(error.message)) throw error;
            const {errorName, args} = this.decodeError(error.data);
            throw new Refused(what, errorName, args);
        }
    }

    async #signed(account, {to, data, gas, value}) {
        this.chainId ??= Number(await this.rpc('eth_chainId'));
        const known = this.nonces.get(account.address) ??
            Number(await this.rpc('eth_getTransactionCount', account.address, 'pending'));
        this.nonces.set(account.address, known + 1);
        const block = await this.rpc('eth_getBlockByNumber', 'latest', false);
        const tip = BigInt(await this.rpc('eth_maxPriorityFeePerGas'));
        return account.signTransaction({
            type: 'eip1559', chainId: this.chainId, nonce: known, to, data, gas,
            value: value === undefined ? undefined : BigInt(value),
            maxPriorityFeePerGas: tip,
            maxFeePerGas: BigInt(block.baseFeePerGas) * 2n + tip,
        });
    }

    async #receipt(hash, what) {
        const until = Date.now() + RECEIPT_WAIT_MS;
        for (let wait = POLL_FIRST_MS; Date.now() < until; wait = Math.min(wait * 2, POLL_MAX_MS)) {
            const receipt = await this.rpc('eth_getTransactionReceipt', hash);
            if (receipt) return receipt;
            await pause(wait);
        }
        throw new Error(`${what}: no receipt of ${hash} within ${RECEIPT_WAIT_MS / 1000} s`);
    }

    /** A call that changes nothing, decoded. */
    async call(contract, name, args, block = 'latest') {
        const data = viem.encodeFunctionData({abi: contract.abi, functionName: name, args});
        const what = `${contract.name}.${name}`;
        let result;
        try {
            result = await this.rpc('eth_call', {to: contract.address, data}, block);
        } catch (error) {
            const {errorName, args: values} = this.decodeError(error.data);
            throw new Refused(what, errorName, values);
        }
        return viem.decodeFunctionResult({abi: contract.abi, functionName: name, data: result});
    }
}

/** One contract on a chain. */
export class Contract {
    constructor(chain, name, abi, address) {
        Object.assign(this, {chain, name, abi, address});
    }

    /** What a view says. */
    read(name, ...args) {
        return this.chain.call(this, name, args);
    }

    /** The bytes of a call. */
    encode(name, ...args) {
        return viem.encodeFunctionData({abi: this.abi, functionName: name, args});
    }

    /** Sends a call. `from` may be {from, gas}. Returns the receipt. */
    send(from, name, ...args) {
        const {gas} = from;
        const data = this.encode(name, ...args);
        const what = `${this.name}.${name}`;
        return this.chain.send(from.from ?? from, {to: this.address, data, gas}, what);
    }

    /** The events of this contract in a receipt, as {event, ...values}. */
    events(receipt) {
        const ours = receipt.logs.filter(({address}) => viem.isAddressEqual(address, this.address));
        return ours.map(({topics, data}) => {
            const {eventName, args} = viem.decodeEventLog({abi: this.abi, topics, data});
            return {event: eventName, ...args};
        });
    }
}
