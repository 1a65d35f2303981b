// Checks what somebody wrote by hand against what was expected, and says which field is wrong.

/** A field that is not what was expected. */
export class ShapeError extends Error {
    constructor(path, expected, found) {
        const shown = found === undefined ? 'nothing' : JSON.stringify(found);
        super(`${path || 'the file'}: expected ${expected}, found ${shown}`);
    }
}

/** A shape is a function of a value and its path: it returns the value as it is used, or throws. */
const made = (expected, accept) => (value, path) => {
    if (!accept(value)) throw new ShapeError(path, expected, value);
    return value;
};

export const text = made('a text', (value) => typeof value === 'string' && value !== '');
export const whole = (least, most) => made(`a whole number from ${least} to ${most}`,
    (value) => Number.isSafeInteger(value) && value >= least && value <= most);
/** An amount or a price: a text, because numbers in JSON lose digits. */
export const decimal = made('a decimal number as a text, like "12.5"',
    (value) => typeof value === 'string' && /^\d+(\.\d+)?$/.test(value));
export const oneOf = (...names) => made(`one of ${names.join(', ')}`,
    (value) => names.includes(value));
/** An address, or who is meant: the deployer, or one of anvil's own accounts. */
export const account = made('an address, "deployer", or "anvil:0" to "anvil:9"',
    (value) => typeof value === 'string' && /^(0x[0-9a-fA-F]{40}|deployer|anvil:\d)$/.test(value));

export const optional = (shape, fallback) => (value, path) =>
    (value === undefined ? fallback : shape(value, path));

export const listOf = (shape) => (value, path) => {
    if (!Array.isArray(value)) throw new ShapeError(path, 'a list', value);
    return value.map((item, at) => shape(item, `${path}[${at}]`));
};

const demandObject = (value, path) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject) throw new ShapeError(path, 'an object', value);
};

export const mapOf = (shape) => (value, path) => {
    demandObject(value, path);
    const read = ([name, item]) => [name, shape(item, `${path}.${name}`)];
    return Object.fromEntries(Object.entries(value).map(read));
};

/** An object with these fields and no others. */
export const fields = (shapes) => (value, path) => {
    demandObject(value, path);
    const inside = (name) => (path ? `${path}.${name}` : name);
    for (const name of Object.keys(value)) {
        if (name in shapes) continue;
        throw new ShapeError(inside(name), `one of the fields ${Object.keys(shapes).join(', ')}`,
            value[name]);
    }
    const read = ([name, shape]) => [name, shape(value[name], inside(name))];
    return Object.fromEntries(Object.entries(shapes).map(read));
};

/** An object whose `kind` says which fields it has. */
export const byKind = (kinds) => (value, path) => {
    demandObject(value, path);
    const kind = oneOf(...Object.keys(kinds))(value.kind, `${path}.kind`);
    return fields({kind: text, ...kinds[kind]})(value, path);
};
