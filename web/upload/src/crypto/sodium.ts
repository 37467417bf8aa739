// libsodium, with those of its functions that its wrapper does not have: streams that start anywhere, on memory that is
// already inside WebAssembly, so that a large file is not copied once for every step.
import sodium from "libsodium-wrappers-sumo";

interface Functions {
  HEAPU8: Uint8Array;
  _malloc(length: number): number;
  _free(address: number): void;
  _crypto_core_hsalsa20(output: number, input: number, key: number, constant: number): number;
  _crypto_stream_salsa20_xor_ic(output: number, input: number, length: number, lengthHigh: number, nonce: number, block: number, blockHigh: number, key: number): number;
  _crypto_onetimeauth_statebytes(): number;
  _crypto_onetimeauth_init(state: number, key: number): number;
  _crypto_onetimeauth_update(state: number, input: number, length: number, lengthHigh: number): number;
  _crypto_onetimeauth_final(state: number, tag: number): number;
  _crypto_hash_sha256_statebytes(): number;
  _crypto_hash_sha256_init(state: number): number;
  _crypto_hash_sha256_update(state: number, input: number, length: number, lengthHigh: number): number;
  _crypto_hash_sha256_final(state: number, digest: number): number;
  _crypto_hash_sha512_statebytes(): number;
  _crypto_hash_sha512_init(state: number): number;
  _crypto_hash_sha512_update(state: number, input: number, length: number, lengthHigh: number): number;
  _crypto_hash_sha512_final(state: number, digest: number): number;
}

/** Everything else waits for this once. */
export async function loadSodium(): Promise<void> {
  await sodium.ready;
}

export function native(): Functions {
  return (sodium as unknown as { libsodium: Functions }).libsodium;
}

/** A piece of WebAssembly's memory. It is wiped when it is given back; the view is good until the next allocation. */
export class NativeBytes {
  readonly address: number;

  constructor(readonly length: number) {
    this.address = native()._malloc(length);
    if (this.address === 0) throw new Error("There is not enough memory.");
  }

  get view(): Uint8Array {
    return native().HEAPU8.subarray(this.address, this.address + this.length);
  }

  free(): void {
    this.view.fill(0);
    native()._free(this.address);
  }
}

export { sodium };
