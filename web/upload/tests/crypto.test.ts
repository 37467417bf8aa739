import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Sha512 } from "../src/crypto/digests";
import { encodeHeader, FileDecryptor, FileEncryptor, FileVerifier, NotThisFile, payloadSize, pieceLength } from "../src/crypto/encryptedFile";
import { AgreementKey, isSignedBy, sign, signingKeyFromPkcs8 } from "../src/crypto/keys";
import { loadSodium } from "../src/crypto/sodium";
import { planChunks } from "../src/protocol/chunks";
import { openDownload } from "../src/transfer/download";
import { concat, Malformed } from "../src/wire/bytes";
import { deterministic, fromHex, hash, toHex, vectors, type VectorRecord } from "./vectors";

before(loadSodium);

const contentOf = (vector: VectorRecord): Uint8Array => vector.contentDet ? deterministic(vector.contentDet.label, vector.contentDet.length) : fromHex(vector.content);
const keyOf = (vector: VectorRecord) => ({ key: fromHex(vector.key), nonce: fromHex(vector.nonce) });

async function encrypt(vector: VectorRecord): Promise<Uint8Array[]> {
  const content = contentOf(vector);
  const sizes = planChunks(payloadSize(encodeHeader(vector.fileName), content.length));
  const encryptor = new FileEncryptor(keyOf(vector), encodeHeader(vector.fileName), new Blob([content as BlobPart]), vector.encryptedSize);
  const chunks: Uint8Array[] = [];
  for (const size of sizes) {
    const chunk = new Uint8Array(size);
    await encryptor.fill(chunk);
    chunks.push(chunk);
  }
  encryptor.free();
  return chunks;
}

function decrypt(vector: VectorRecord, encrypted: Uint8Array, chunkSizes: number[]): { name: string; content: Uint8Array } {
  const verifier = new FileVerifier(keyOf(vector), encrypted.length);
  let position = 0;
  for (const size of chunkSizes) verifier.add(encrypted.subarray(position, position += size));
  verifier.finish();
  verifier.free();
  const decryptor = new FileDecryptor(keyOf(vector), encrypted.length);
  const content: Uint8Array[] = [];
  for (let i = 0; i < encrypted.length; i += pieceLength) content.push(decryptor.decrypt(encrypted.subarray(i, i + pieceLength)).slice());
  decryptor.free();
  assert.equal(concat(...content).length, decryptor.contentLength);
  return { name: decryptor.name, content: concat(...content) };
}

for (const vector of vectors("fileEncryption")) {
  test(vector.name, async () => {
    const chunks = await encrypt(vector);
    const encrypted = concat(...chunks);
    assert.deepEqual(chunks.map((chunk) => chunk.length), vector.chunkSizes);
    assert.equal(hash("sha256", encrypted), vector.encryptedSha256);
    assert.deepEqual(chunks.map((chunk) => hash("sha256", chunk)), vector.chunkDigestsSha256);
    const digest = new Sha512();
    for (const chunk of chunks) digest.add(chunk);
    assert.equal(toHex(digest.digest()), vector.encryptedSha512Digest);
    digest.free();
    const file = decrypt(vector, encrypted, vector.chunkSizes);
    assert.equal(file.name, vector.fileName);
    assert.equal(hash("sha256", file.content), vector.contentSha256);
  });

  test(`${vector.name}, tampered with, is refused before anything is decrypted`, async () => {
    const encrypted = concat(...(await encrypt(vector)));
    for (const at of [0, 9, Math.floor(encrypted.length / 2), encrypted.length - 17, encrypted.length - 1]) {
      const changed = encrypted.slice();
      changed[at]! ^= 1;
      assert.throws(() => decrypt(vector, changed, vector.chunkSizes), NotThisFile, `byte ${at}`);
    }
    assert.throws(() => decrypt(vector, encrypted.subarray(0, encrypted.length - 65_536), vector.chunkSizes.slice(0, -1)), NotThisFile);
  });
}

for (const vector of vectors("fileHeader").filter((record) => record.fileExtra === null)) {
  test(vector.name, () => assert.equal(toHex(encodeHeader(vector.fileName)), vector.encoded));
}

test("a name that is too long loses its middle and keeps its extension", () => {
  const header = encodeHeader("é".repeat(300) + ".tar.gz");
  assert.ok(header.length <= 257);
  assert.match(new TextDecoder().decode(header.subarray(1, -1)), /^é+\.tar\.gz$/);
});

for (const vector of vectors("downloadEncryption")) {
  test(vector.name, () => {
    const chunk = deterministic(vector.chunkDet.label, vector.chunkDet.length);
    const own = new AgreementKey(fromHex(vector.recipientKey.privateRaw));
    assert.equal(toHex(own.spki), vector.recipientKey.publicSpki);
    const secret = own.agreeWith(fromHex(vector.serverKey.publicSpki));
    assert.equal(toHex(secret), vector.dhSecret);
    // The box is symmetric: what it makes of the chunk, with its tag, is what it opens.
    const body = concat(chunk, new Uint8Array(16));
    assert.throws(() => openDownload(secret, fromHex(vector.nonce), body), NotThisFile);
    body.set(fromHex(vector.tag), chunk.length);
    assert.equal(hash("sha256", body), vector.bodySha256);
    openDownload(secret, fromHex(vector.nonce), body);
    assert.deepEqual(body.subarray(0, chunk.length), chunk);
  });
}

test("keys of an unknown kind neither sign nor agree", () => {
  assert.throws(() => new AgreementKey().agreeWith(new Uint8Array(44)), Malformed);
  assert.throws(() => signingKeyFromPkcs8(new Uint8Array(48)), Malformed);
  assert.equal(isSignedBy(new Uint8Array(44), new Uint8Array(1), new Uint8Array(64)), false);
});

test("signatures are those of the network", () => {
  for (const vector of vectors("transmission").filter((record) => record.name.includes("Ed25519"))) {
    const key = signingKeyFromPkcs8(fromHex(vector.authKey.privatePkcs8));
    const signature = sign(key, fromHex(vector.signedData));
    assert.equal(toHex(key.spki), vector.authKey.publicSpki);
    assert.equal(toHex(signature), vector.blockContent.slice(8, 8 + 128));
    assert.ok(isSignedBy(key.spki, fromHex(vector.signedData), signature));
  }
});
