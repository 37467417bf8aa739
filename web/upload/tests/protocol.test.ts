import assert from "node:assert/strict";
import { before, test } from "node:test";
import { sha256 } from "../src/crypto/digests";
import { signingKeyFromPkcs8 } from "../src/crypto/keys";
import { loadSodium } from "../src/crypto/sodium";
import { planChunks } from "../src/protocol/chunks";
import { encodeHandshake, encodeHello, openServerHello, WrongServer } from "../src/protocol/handshake";
import { originOf, parseServer } from "../src/protocol/servers";
import { decodeAnswer, decodeResponse, encodeTransmission, getCommand, newCommand, pad } from "../src/protocol/transmissions";
import { Malformed } from "../src/wire/bytes";
import { fromHex, hash, toHex, vectors } from "./vectors";

before(loadSodium);

for (const vector of vectors("serverHandshake").filter((record) => record.challenge !== null)) {
  test(vector.name, () => {
    const block = pad(fromHex(vector.encoded));
    assert.equal(hash("sha256", block), vector.paddedBlockSha256);
    const keyHash = sha256(fromHex(vector.certChain[1]));
    const challenge = fromHex(vector.challenge);
    const hello = openServerHello(block, challenge, keyHash);
    assert.equal(toHex(hello.sessionId), vector.sessionId);
    assert.equal(hello.version, Math.min(3, vector.versionRange.max));
    const another = Uint8Array.from(challenge, (value, i) => (i === 0 ? value ^ 1 : value));
    assert.throws(() => openServerHello(block, another, keyHash), WrongServer);
    assert.throws(() => openServerHello(block, challenge, sha256(keyHash)), WrongServer);
  });
}

for (const vector of vectors("serverHandshake").filter((record) => record.challenge === null)) {
  test(`${vector.name}: a server that proves nothing is refused`, () => {
    assert.throws(() => openServerHello(pad(fromHex(vector.encoded)), new Uint8Array(32), sha256(fromHex(vector.certChain[vector.certChain.length > 1 ? 1 : 0]))), WrongServer);
  });
}

test("the first and the second request of a browser", () => {
  const hello = vectors("clientHello").find((record) => record.challenge !== null)!;
  assert.deepEqual(encodeHello(fromHex(hello.challenge)), pad(fromHex(hello.encoded)));
  for (const vector of vectors("clientHandshake")) assert.deepEqual(encodeHandshake(vector.version, fromHex(vector.keyHash)), pad(fromHex(vector.encoded)));
});

test("commands", () => {
  const created = vectors("command").find((record) => record.name === "FNEW Ed25519 no password 1 recipients")!;
  const { fileInfo, recipientKeysSpki } = created.fields;
  const command = (password: string | null) => newCommand(fromHex(fileInfo.sndKeySpki), fileInfo.size, fromHex(fileInfo.digest), fromHex(recipientKeysSpki[0]), password);
  assert.equal(toHex(command(null)), created.encoded);
  assert.equal(toHex(command("abc")), created.encoded.slice(0, -2) + "3103616263");
});

for (const vector of vectors("transmission").filter((record) => record.name.includes("Ed25519") && record.corrId === "")) {
  test(vector.name, () => {
    const block = encodeTransmission(fromHex(vector.sessionId), fromHex(vector.entityId), fromHex(vector.command), signingKeyFromPkcs8(fromHex(vector.authKey.privatePkcs8)));
    assert.equal(hash("sha256", block), vector.blockSha256);
    if (vector.name.includes("FGET")) assert.deepEqual(getCommand(fromHex(vector.command).subarray(6)), fromHex(vector.command));
  });
}

for (const vector of vectors("responseTransmission")) {
  test(vector.name, () => {
    const block = pad(fromHex(vector.blockContent));
    assert.equal(hash("sha256", block), vector.blockSha256);
    assert.deepEqual(decodeAnswer(block, fromHex(vector.sessionId)), decodeResponse(fromHex(vector.response)));
    assert.throws(() => decodeAnswer(block, new Uint8Array(32)), Malformed);
  });
}

for (const vector of vectors("response").filter((record) => record.name !== "PONG")) {
  test(`response ${vector.name}, versions ${vector.versions}`, () => {
    const answer = decodeResponse(fromHex(vector.encoded));
    if (answer.kind === "sids") assert.deepEqual([toHex(answer.sender), answer.recipients.map(toHex)], [vector.fields.senderId, vector.fields.recipientIds]);
    else if (answer.kind === "file") assert.deepEqual([toHex(answer.key), toHex(answer.nonce)], [vector.fields.serverDhKeySpki, vector.fields.nonce]);
    else if (answer.kind === "error") assert.equal("ERR " + answer.error, Buffer.from(vector.encoded, "hex").toString());
  });
}

test("an error of the handshake is one where a command was answered", () => {
  assert.deepEqual(decodeAnswer(pad(new TextEncoder().encode("SESSION")), new Uint8Array(32)), { kind: "error", error: "SESSION" });
});

for (const vector of vectors("chunkSizes")) {
  test(vector.name, () => {
    const expected = vector.chunks.flatMap((part: { size: number; count: number }) => Array(part.count).fill(part.size));
    assert.deepEqual(planChunks(vector.payloadSize), expected);
  });
}

test("answers that are cut off are malformed, and nothing worse", () => {
  const whole = fromHex(vectors("response").find((record) => record.name === "SIDS one recipient")!.encoded);
  for (let length = 0; length < whole.length; length++) assert.throws(() => decodeResponse(whole.subarray(0, length)), Malformed, `${length} bytes`);
  const hello = fromHex(vectors("serverHandshake")[0]!.encoded);
  for (let length = 33; length < hello.length; length += 7)
    assert.throws(() => openServerHello(pad(hello.subarray(0, length)), new Uint8Array(32), new Uint8Array(32)), (cause) => cause instanceof Malformed || cause instanceof WrongServer);
});

test("addresses of servers", () => {
  const hash = "A".repeat(43) + "=";
  const server = parseServer(`xftp://${hash}@one.example,two.onion:5443`);
  assert.deepEqual([server.hosts, server.port, server.keyHash.length], [["one.example", "two.onion"], 5443, 32]);
  assert.equal(originOf(server, "page.example"), "https://one.example:5443");
  assert.equal(originOf(server, "page.onion"), "https://two.onion:5443");
  assert.equal(originOf(parseServer(`xftp://${hash}@one.example`), "one.example"), "https://one.example");
  for (const wrong of ["", "xftp://one.example", `smp://${hash}@one.example`, `xftp://${hash}@`, `xftp://${hash}@one.example:70000`, `xftp://${hash}@one.example/path`, `xftp://${hash}@a@b`, `xftp://${hash}@<hostnames>`])
    assert.throws(() => parseServer(wrong), Malformed, wrong);
});
