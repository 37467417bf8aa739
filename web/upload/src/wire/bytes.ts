// Reading and writing the network's binary forms. A reader throws Malformed on anything that is not there; whoever reads
// what a stranger sent catches it in one place.

/** Bytes that do not have the form they should have. */
export class Malformed extends Error {
  constructor(what: string) {
    super(what);
    this.name = "Malformed";
  }
}

export class ByteReader {
  private position = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get offset(): number {
    return this.position;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  take(length: number): Uint8Array {
    if (length > this.remaining) throw new Malformed("it ends too early");
    const taken = this.bytes.subarray(this.position, this.position + length);
    this.position += length;
    return taken;
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  uint16(): number {
    return this.byte() * 0x100 + this.byte();
  }

  // shortString = length *byte ; length = byte
  short(): Uint8Array {
    return this.take(this.byte());
  }

  // largeString = length *byte ; length = word16
  large(): Uint8Array {
    return this.take(this.uint16());
  }

  // nonEmptyList = count 1*item ; count = byte
  list<T>(read: () => T): T[] {
    const count = this.byte();
    if (count === 0) throw new Malformed("a list is empty");
    return Array.from({ length: count }, read);
  }
}

export class ByteWriter {
  private readonly parts: Uint8Array[] = [];

  bytes(value: Uint8Array): this {
    this.parts.push(value);
    return this;
  }

  text(value: string): this {
    return this.bytes(new TextEncoder().encode(value));
  }

  byte(value: number): this {
    return this.bytes(Uint8Array.of(value));
  }

  uint16(value: number): this {
    return this.bytes(Uint8Array.of(value >>> 8, value & 0xff));
  }

  uint32(value: number): this {
    return this.bytes(Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff));
  }

  short(value: Uint8Array): this {
    if (value.length > 0xff) throw new RangeError("a short string has at most 255 bytes");
    return this.byte(value.length).bytes(value);
  }

  // maybe(item) = "0" / "1" item
  maybe(value: Uint8Array | null): this {
    return value === null ? this.text("0") : this.text("1").short(value);
  }

  written(): Uint8Array {
    return concat(...this.parts);
  }
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}

/** Compares without telling by its time where they differ. */
export function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= one[i]! ^ other[i]!;
  return difference === 0;
}

/** Gives memory back at once where browsers can, instead of when they find the time; the bytes are gone then. */
export function release(bytes: Uint8Array): void {
  const buffer = bytes.buffer as ArrayBuffer & { transfer?: (length: number) => ArrayBuffer };
  if (buffer.byteLength > 0) buffer.transfer?.(0);
}
