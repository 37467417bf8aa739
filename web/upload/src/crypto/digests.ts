import { NativeBytes, native, sodium } from "./sodium";

/** SHA-512 of what comes in pieces. */
export class Sha512 {
  private readonly state = new NativeBytes(native()._crypto_hash_sha512_statebytes());
  private input = new NativeBytes(64 * 1024);

  constructor() {
    native()._crypto_hash_sha512_init(this.state.address);
  }

  add(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += this.input.length) {
      const piece = bytes.subarray(i, i + this.input.length);
      this.input.view.set(piece);
      native()._crypto_hash_sha512_update(this.state.address, this.input.address, piece.length, 0);
    }
  }

  digest(): Uint8Array {
    native()._crypto_hash_sha512_final(this.state.address, this.input.address);
    return this.input.view.slice(0, 64);
  }

  free(): void {
    this.state.free();
    this.input.free();
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return sodium.crypto_hash_sha256(bytes);
}

/** SHA-256 of a chunk: by the browser's own code where pages may use it. */
export async function sha256OfChunk(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined;
  return subtle === undefined ? sha256(bytes) : new Uint8Array(await subtle.digest("SHA-256", bytes as BufferSource));
}
