// Keys in the forms that go over the wire: X.509's SubjectPublicKeyInfo, and PKCS #8.
import { ed448 } from "@noble/curves/ed448.js";
import { areEqual, concat, Malformed } from "../wire/bytes";
import { sodium } from "./sodium";

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16));
const ed25519Spki = bytes("302a300506032b6570032100");
const x25519Spki = bytes("302a300506032b656e032100");
const ed448Spki = bytes("3043300506032b6571033a00");
const ed25519Pkcs8 = bytes("302e020100300506032b657004220420");

/** A key that authorizes the commands about one chunk. */
export interface SigningKey {
  readonly spki: Uint8Array;
  readonly pkcs8: Uint8Array;
  readonly secret: Uint8Array;
}

export function generateSigningKey(): SigningKey {
  return fromSeed(randomBytes(32));
}

/** Reads an Ed25519 key, the only kind that file descriptions have. */
export function signingKeyFromPkcs8(pkcs8: Uint8Array): SigningKey {
  if (pkcs8.length !== ed25519Pkcs8.length + 32 || !areEqual(pkcs8.subarray(0, ed25519Pkcs8.length), ed25519Pkcs8)) throw new Malformed("it is not an Ed25519 key");
  return fromSeed(pkcs8.slice(ed25519Pkcs8.length));
}

export function sign(key: SigningKey, message: Uint8Array): Uint8Array {
  return sodium.crypto_sign_detached(message, key.secret);
}

/** Whether the signature is that of an Ed25519 or Ed448 key. */
export function isSignedBy(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    if (startsWith(spki, ed25519Spki, 32)) return signature.length === 64 && sodium.crypto_sign_verify_detached(signature, message, spki.subarray(ed25519Spki.length));
    if (startsWith(spki, ed448Spki, 57)) return signature.length === 114 && ed448.verify(signature, message, spki.subarray(ed448Spki.length));
    return false;
  } catch {
    // A key that is no point of its curve signs nothing.
    return false;
  }
}

/** One side of an agreement on a key for one download. */
export class AgreementKey {
  private readonly secret: Uint8Array;

  constructor(secret: Uint8Array = randomBytes(32)) {
    this.secret = secret;
  }

  get spki(): Uint8Array {
    return concat(x25519Spki, sodium.crypto_scalarmult_base(this.secret));
  }

  agreeWith(spki: Uint8Array): Uint8Array {
    if (!startsWith(spki, x25519Spki, 32)) throw new Malformed("it is not an X25519 key");
    return sodium.crypto_scalarmult(this.secret, spki.subarray(x25519Spki.length));
  }
}

export function randomBytes(length: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}

function fromSeed(seed: Uint8Array): SigningKey {
  const pair = sodium.crypto_sign_seed_keypair(seed);
  return { spki: concat(ed25519Spki, pair.publicKey), pkcs8: concat(ed25519Pkcs8, seed), secret: pair.privateKey };
}

function startsWith(spki: Uint8Array, prefix: Uint8Array, keyLength: number): boolean {
  return spki.length === prefix.length + keyLength && areEqual(spki.subarray(0, prefix.length), prefix);
}
