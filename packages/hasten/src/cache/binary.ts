/** The binary types a cache keeps, by the number that stands for them in encoded values. */
interface BinaryType {
  readonly prototype: object;
  /** The bytes of such an object. */
  bytesOf(object: object): Uint8Array;
  /** Such an object over a buffer of its own. */
  over(buffer: ArrayBuffer): object;
}

type ViewConstructor = { readonly prototype: object; new (buffer: ArrayBuffer): ArrayBufferView };

const view = (View: ViewConstructor): BinaryType => ({
  prototype: View.prototype,
  bytesOf(object) {
    const { buffer, byteOffset, byteLength } = object as ArrayBufferView;
    return new Uint8Array(buffer, byteOffset, byteLength);
  },
  over: (buffer) => new View(buffer),
});

const TYPES: readonly BinaryType[] = [
  {
    prototype: ArrayBuffer.prototype,
    bytesOf: (object) => new Uint8Array(object as ArrayBuffer),
    over: (buffer) => buffer,
  },
  { ...view(Uint8Array), prototype: Buffer.prototype, over: (buffer) => Buffer.from(buffer) },
  view(Uint8Array),
  view(Uint8ClampedArray),
  view(Int8Array),
  view(Uint16Array),
  view(Int16Array),
  view(Uint32Array),
  view(Int32Array),
  view(Float32Array),
  view(Float64Array),
  view(BigUint64Array),
  view(BigInt64Array),
  view(DataView),
];

const numberByPrototype = new Map<unknown, number>(
  TYPES.map((type, number) => [type.prototype, number]),
);

/** The number of an object's binary type; undefined for everything else, subclasses included. */
export function binaryNumber(object: object): number | undefined {
  return numberByPrototype.get(Object.getPrototypeOf(object));
}

/** Undefined for a number that stands for none. */
export function binaryType(number: number): BinaryType | undefined {
  return TYPES[number];
}
