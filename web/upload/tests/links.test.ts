import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRaw } from "pako";
import { decodeDescription, encodeDescription, sizeText } from "../src/protocol/description";
import { decodeFragment, encodeFragment } from "../src/protocol/links";
import { safeFileName } from "../src/view/fileName";
import { Rate } from "../src/view/rate";
import { fromBase64Url, toBase64Url } from "../src/wire/base64url";
import { Malformed } from "../src/wire/bytes";
import { toHex, vectors } from "./vectors";

for (const vector of vectors("fileDescriptionUri")) {
  test(`link: ${vector.name}`, () => {
    const description = decodeFragment(vector.webFragment);
    assert.equal(encodeDescription(description), vector.yaml);
    // The reference's compressor is zlib, of which ours is a copy: not only the text is the same.
    assert.equal(encodeFragment(description), vector.webFragment);
    assert.deepEqual(decodeFragment(new URL(vector.uriHttps).hash.slice(1)), description);
    for (const length of [0, 1, 50, vector.webFragment.length - 5]) assert.throws(() => decodeFragment(vector.webFragment.slice(0, length)), Malformed, `${length} characters`);
  });
}

for (const vector of vectors("fileDescriptionParse")) {
  test(`description: ${vector.name}`, () => {
    if (vector.parse === "error") {
      assert.throws(() => decodeDescription(vector.yaml), Malformed);
      return;
    }
    const description = decodeDescription(vector.yaml);
    assert.equal(description.size, vector.description.size);
    assert.equal(toHex(description.digest), vector.description.digest);
    assert.deepEqual(
      description.chunks.map((chunk) => [chunk.size, toHex(chunk.digest), chunk.replicas.map((replica) => [replica.server, toHex(replica.id), toHex(replica.key)])]),
      vector.description.chunks.map((chunk: any) => [chunk.size, chunk.digest, chunk.replicas.map((replica: any) => [replica.server, replica.replicaId, replica.replicaKeyPkcs8])]));
  });
}

for (const vector of vectors("fileDescription")) {
  test(`description: ${vector.name}`, () => {
    if (vector.description.party === "SFSender") assert.throws(() => decodeDescription(vector.yaml), Malformed);
    else assert.equal(encodeDescription(decodeDescription(vector.yaml)), vector.yaml);
  });
}

for (const vector of vectors("fileSize")) {
  test(vector.name, () => assert.equal(sizeText(vector.bytes), vector.canonical));
}

test("a few bytes that stand for gigabytes are not unpacked", () => {
  assert.throws(() => decodeFragment(toBase64Url(deflateRaw(new Uint8Array(64 * 1024 * 1024)))), Malformed);
});

test("a description with any line left out or doubled is refused or read, and nothing worse", () => {
  for (const { yaml } of vectors("fileDescriptionUri")) {
    const lines = (yaml as string).split("\n");
    for (let i = 0; i < lines.length; i++) {
      for (const changed of [[...lines.slice(0, i), ...lines.slice(i + 1)], [...lines.slice(0, i), lines[i], ...lines.slice(i)]]) {
        try {
          decodeDescription(changed.join("\n"));
        } catch (cause) {
          assert.ok(cause instanceof Malformed, String(cause));
        }
      }
    }
  }
});

test("base64url", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37) & 0xff);
    assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes);
    assert.deepEqual(fromBase64Url(toBase64Url(bytes).replace(/=+$/, "")), bytes);
  }
  for (const wrong of ["a", "ab=", "a+b/", "ab cd", "=", "abc==", "äöü="]) assert.throws(() => fromBase64Url(wrong), Malformed, wrong);
});

test("names under which files are saved have no paths and deceive nobody", () => {
  assert.equal(safeFileName("../../etc/passwd"), "_.._etc_passwd");
  assert.equal(safeFileName("photo\u202egnp.exe"), "photognp.exe");
  assert.equal(safeFileName(".bashrc\u0000"), "bashrc_");
  assert.equal(safeFileName("отчёт 中文.pdf"), "отчёт 中文.pdf");
  assert.equal(safeFileName("..."), "file");
  assert.equal([...safeFileName("😀".repeat(300))].length, 200);
});

test("the rate is that of the last seconds", () => {
  const rate = new Rate(8000);
  rate.add(0, 0);
  assert.equal(rate.perSecond, null);
  for (let second = 1; second <= 20; second++) rate.add(second * 1000, second <= 10 ? second * 100 : 1000 + (second - 10) * 50);
  assert.equal(rate.perSecond, 50);
});
