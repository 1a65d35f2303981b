// Numbers that look random, and come again with their seed.

/** Mulberry32: good enough to choose cases with, and the same on every machine. */
export class Dice {
    constructor(seed) {
        this.state = seed >>> 0;
    }

    /** A whole number of 32 bits. */
    word() {
        this.state = (this.state + 0x6D2B79F5) >>> 0;
        let x = this.state;
        x = Math.imul(x ^ (x >>> 15), x | 1);
        x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
        return (x ^ (x >>> 14)) >>> 0;
    }

    below(count) {
        return this.word() % count;
    }

    /** True in one of `of` cases. */
    once(of) {
        return this.below(of) === 0;
    }

    pick(list) {
        return list[this.below(list.length)];
    }

    /** So many bytes, in hex. */
    bytes(length) {
        const bytes = new Uint8Array(length);
        for (let i = 0; i < length; i += 1) bytes[i] = this.word();
        return `0x${Buffer.from(bytes).toString('hex')}`;
    }

    /** A number of at most so many bits, often at an edge of what is counted or written. */
    number(bits) {
        const end = 1n << BigInt(bits);
        const any = BigInt(this.bytes(Math.ceil(bits / 8) + 1));
        switch (this.below(4)) {
            case 0:
                return this.pick([0n, 1n, end - 1n, end / 2n, end / 2n - 1n]);
            case 1:
                // At the end of a byte, and one before and after.
                return ((1n << (any % BigInt(bits))) + this.pick([-1n, 0n, 1n])) % end;
            case 2:
                return any % (1n << (1n + any % BigInt(bits)));
            default:
                return any % end;
        }
    }

    /** The same, but never 0. */
    positive(bits) {
        return this.number(bits) || 1n;
    }

    /** Of either sign, in two's complement of so many bits. */
    signed(bits) {
        return BigInt.asIntN(bits, this.number(bits));
    }
}
