// The blocks of a chain on this machine: when there is a new one, and when some are replaced.

/**
 * Makes the blocks of one node of anvil's.
 *
 * A block that is made while others are replaced would keep the state of those that are gone:
 * nonces used by transactions that are nowhere. The node (1.7.1) does not prevent that, so each
 * block that a clock asks for comes from here, one thing at a time.
 */
export class Blocks {
    #chain;
    #time = 'now';
    #last = Promise.resolve();
    #waiting = false;

    /** Of a node that makes a block for each transaction. */
    constructor(chain) {
        this.#chain = chain;
    }

    /** From now on they are made as `time` says: seconds between two, "now" or "never". */
    async pace(time) {
        this.#time = time;
        await this.#chain.rpc('evm_setAutomine', time === 'now');
        if (time === 'now' || time === 'never') return;
        // A block that is late is left out, and not made up for.
        setInterval(() => {
            if (this.#waiting) return;
            this.#waiting = true;
            this.#next(() => this.#chain.rpc('evm_mine')).catch(() => {})
                .finally(() => { this.#waiting = false; });
        }, Number(time) * 1000);
    }

    /** The last `count` are replaced by as many empty ones; what they had is nowhere any more. */
    replace(count) {
        return this.#next(async () => {
            if (this.#time === 'now') await this.#chain.rpc('evm_setAutomine', false);
            await this.#chain.rpc('anvil_reorg', count, []);
            if (this.#time === 'now') await this.#chain.rpc('evm_setAutomine', true);
        });
    }

    #next(work) {
        const done = this.#last.then(work);
        this.#last = done.catch(() => {});
        return done;
    }
}
