import { NativeBytes, native } from "./sodium";

/** A hash of what comes in pieces. The browser's own one takes copies that stay until it has time to clean up. */
class Hash {
  private readonly state: NativeBytes;
  private readonly input = new NativeBytes(64 * 1024);

  protected constructor(
    stateLength: number,
    init: (state: number) => number,
    private readonly update: (state: number, input: number, length: number, lengthHigh: number) => number,
    private readonly final: (state: number, digest: number) => number,
    private readonly digestLength: number) {
    this.state = new NativeBytes(stateLength);
    init(this.state.address);
  }

  add(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += this.input.length) {
      const piece = bytes.subarray(i, i + this.input.length);
      this.input.view.set(piece);
      this.update(this.state.address, this.input.address, piece.length, 0);
    }
  }

  digest(): Uint8Array {
    this.final(this.state.address, this.input.address);
    return this.input.view.slice(0, this.digestLength);
  }

  free(): void {
    this.state.free();
    this.input.free();
  }
}

export class Sha512 extends Hash {
  constructor() {
    const functions = native();
    super(functions._crypto_hash_sha512_statebytes(), functions._crypto_hash_sha512_init, functions._crypto_hash_sha512_update, functions._crypto_hash_sha512_final, 64);
  }
}

class Sha256 extends Hash {
  constructor() {
    const functions = native();
    super(functions._crypto_hash_sha256_statebytes(), functions._crypto_hash_sha256_init, functions._crypto_hash_sha256_update, functions._crypto_hash_sha256_final, 32);
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  const hash = new Sha256();
  try {
    hash.add(bytes);
    return hash.digest();
  } finally {
    hash.free();
  }
}
