// The network's box over content that comes in pieces: XSalsa20 and Poly1305, the secret going through HSalsa20 with a zero
// input first. The tag is that of a whole box; layouts differ in where they put it.
import { areEqual } from "../wire/bytes";
import { NativeBytes, native } from "./sodium";

export const keyLength = 32;
export const nonceLength = 24;
export const tagLength = 16;

// One block of Salsa20. The first 32 bytes of the stream are the key of Poly1305, the content starts behind them.
const blockLength = 64;
const authenticatorKeyLength = 32;

/** Encrypts or decrypts one box. What it decrypts is not authentic before `isTag` has said so. */
export class BoxStream {
  private readonly key = new NativeBytes(keyLength);
  private readonly nonce = new NativeBytes(8);
  private readonly authenticator = new NativeBytes(native()._crypto_onetimeauth_statebytes());
  private readonly pieces: NativeBytes;
  private position = 0;

  /** @param pieceLength the longest piece, a multiple of 64; all but the last one are multiples of 64 too */
  constructor(secret: Uint8Array, nonce: Uint8Array, private readonly pieceLength: number) {
    if (secret.length !== keyLength || nonce.length !== nonceLength || pieceLength % blockLength !== 0) throw new RangeError("a key has 32 bytes, a nonce 24");
    // The first half of a block stands before each piece, so that every piece begins where a block does.
    this.pieces = new NativeBytes(authenticatorKeyLength + pieceLength);
    const input = new NativeBytes(16);
    try {
      this.key.view.set(secret);
      input.view.fill(0);
      native()._crypto_core_hsalsa20(this.key.address, input.address, this.key.address, 0);
      input.view.set(nonce.subarray(0, 16));
      native()._crypto_core_hsalsa20(this.key.address, input.address, this.key.address, 0);
      this.nonce.view.set(nonce.subarray(16));
      this.pieces.view.subarray(0, authenticatorKeyLength).fill(0);
      this.apply(0, 0);
      native()._crypto_onetimeauth_init(this.authenticator.address, this.pieces.address);
    } finally {
      input.free();
    }
  }

  /** Where the next piece is put before, and found after, it is encrypted or decrypted. */
  room(length: number): Uint8Array {
    if (length > this.pieceLength) throw new RangeError("the piece is too long");
    return this.pieces.view.subarray(authenticatorKeyLength, authenticatorKeyLength + length);
  }

  /** Encrypts the first bytes of the room in place. */
  encrypt(length: number): void {
    this.advance(length);
    this.authenticate(length);
  }

  /** Decrypts the first bytes of the room in place. */
  decrypt(length: number): void {
    this.authenticate(length);
    this.advance(length);
  }

  /** Takes the first bytes of the room, which are ciphertext, into the tag and leaves them as they are. */
  authenticate(length: number): void {
    native()._crypto_onetimeauth_update(this.authenticator.address, this.pieces.address + authenticatorKeyLength, length, 0);
  }

  tag(): Uint8Array {
    const tag = new NativeBytes(tagLength);
    try {
      native()._crypto_onetimeauth_final(this.authenticator.address, tag.address);
      return tag.view.slice();
    } finally {
      tag.free();
    }
  }

  isTag(tag: Uint8Array): boolean {
    return areEqual(this.tag(), tag);
  }

  free(): void {
    for (const memory of [this.key, this.nonce, this.authenticator, this.pieces]) memory.free();
  }

  private advance(length: number): void {
    if (this.position % blockLength !== 0) throw new RangeError("only the last piece may be shorter");
    this.apply(length, this.position / blockLength);
    this.position += length;
  }

  private apply(length: number, block: number): void {
    native()._crypto_stream_salsa20_xor_ic(
      this.pieces.address, this.pieces.address, authenticatorKeyLength + length, 0, this.nonce.address, block % 0x1_0000_0000, Math.floor(block / 0x1_0000_0000), this.key.address);
  }
}
