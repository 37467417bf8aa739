// A file as it is cut into chunks: its length, a header with its name, the content and padding, encrypted as one box with the
// tag at the end. Pieces come and go in order; memory does not grow with the file.
import { ByteReader, ByteWriter, concat, Malformed, release } from "../wire/bytes";
import { BoxStream, tagLength } from "./boxStream";

/** The pieces that are encrypted and decrypted at once. */
export const pieceLength = 256 * 1024;

const lengthSize = 8;
const filler = 0x23;

/** The key of a file and the nonce that goes with it. */
export interface FileKey {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
}

/** Something is not the file it should be. */
export class NotThisFile extends Error {
  constructor() {
    super("The file was changed on its way, or the link belongs to another file.");
    this.name = "NotThisFile";
  }
}

// fileHeader = fileName maybe(extra) ; both shortStrings of UTF-8
/** A header with the name, of which what is beyond 255 bytes is cut off from the middle, so that its extension stays. */
export function encodeHeader(name: string): Uint8Array {
  const encoder = new TextEncoder();
  const characters = [...name];
  while (encoder.encode(characters.join("")).length > 255) characters.splice(Math.floor(characters.length / 2), 1);
  return new ByteWriter().short(encoder.encode(characters.join(""))).maybe(null).written();
}

/** Bytes that are encrypted and cut. */
export function payloadSize(header: Uint8Array, contentLength: number): number {
  return lengthSize + header.length + contentLength + tagLength;
}

/** Encrypts a file from its beginning to its end. */
export class FileEncryptor {
  private readonly box: BoxStream;
  private readonly prefix: Uint8Array;
  private position = 0;

  constructor(file: FileKey, header: Uint8Array, private readonly content: Blob, private readonly size: number) {
    this.box = new BoxStream(file.key, file.nonce, pieceLength);
    const length = new DataView(new ArrayBuffer(lengthSize));
    length.setBigUint64(0, BigInt(header.length + content.size));
    this.prefix = concat(new Uint8Array(length.buffer), header);
  }

  // encryptedFile = encrypted(length header content *"#") tag ; length = int64 of header and content
  /** Fills a chunk with the next bytes of the encrypted file; all chunks but the last one are a multiple of 64. */
  async fill(chunk: Uint8Array): Promise<void> {
    const tagStart = this.size - tagLength;
    for (let done = 0; done < chunk.length;) {
      const piece = Math.min(pieceLength, chunk.length - done, tagStart - this.position);
      if (piece > 0) {
        await this.encryptPiece(chunk.subarray(done, done + piece));
        done += piece;
      } else {
        if (chunk.length - done !== tagLength) throw new RangeError("the last chunk is shorter than the tag");
        chunk.set(this.box.tag(), done);
        this.position += tagLength;
        done += tagLength;
      }
    }
  }

  free(): void {
    this.box.free();
  }

  private async encryptPiece(piece: Uint8Array): Promise<void> {
    const prefix = this.prefix.subarray(this.position, this.position + piece.length);
    const from = Math.max(0, this.position - this.prefix.length);
    const to = Math.min(this.content.size, this.position + piece.length - this.prefix.length);
    const content = to > from ? new Uint8Array(await this.content.slice(from, to).arrayBuffer()) : new Uint8Array(0);
    const room = this.box.room(piece.length);
    room.set(prefix);
    room.set(content, prefix.length);
    room.fill(filler, prefix.length + content.length);
    release(content);
    this.box.encrypt(piece.length);
    piece.set(this.box.room(piece.length));
    this.position += piece.length;
  }
}

/** Whether an encrypted file is authentic: it is asked before a byte of it is decrypted. */
export class FileVerifier {
  private readonly box: BoxStream;
  private position = 0;
  private tail: Uint8Array = new Uint8Array(0);

  constructor(file: FileKey, private readonly size: number) {
    if (size < lengthSize + tagLength) throw new NotThisFile();
    this.box = new BoxStream(file.key, file.nonce, pieceLength);
  }

  /** Takes the next bytes of the encrypted file. */
  add(bytes: Uint8Array): void {
    const tagStart = this.size - tagLength;
    const before = Math.max(0, Math.min(bytes.length, tagStart - this.position));
    for (let i = 0; i < before; i += pieceLength) {
      const piece = bytes.subarray(i, Math.min(before, i + pieceLength));
      this.box.room(piece.length).set(piece);
      this.box.authenticate(piece.length);
    }
    if (before < bytes.length) this.tail = concat(this.tail, bytes.subarray(before));
    this.position += bytes.length;
  }

  /** Ends it: throws unless all bytes came and the tag is theirs. */
  finish(): void {
    if (this.position !== this.size || !this.box.isTag(this.tail)) throw new NotThisFile();
  }

  free(): void {
    this.box.free();
  }
}

/** Decrypts an encrypted file that was verified before. */
export class FileDecryptor {
  private readonly box: BoxStream;
  private position = 0;
  private contentStart = 0;
  private contentEnd = 0;
  private fileName = "";

  constructor(file: FileKey, private readonly size: number) {
    this.box = new BoxStream(file.key, file.nonce, pieceLength);
  }

  /** The sender's name for the file, known after the first piece: a stranger's suggestion, never a path. */
  get name(): string {
    return this.fileName;
  }

  /** Bytes of the content, known after the first piece. */
  get contentLength(): number {
    return this.contentEnd - this.contentStart;
  }

  /** Decrypts the next piece; what it gives is the content in it, which may be nothing, and is good until the next call. */
  decrypt(bytes: Uint8Array): Uint8Array {
    const length = Math.max(0, Math.min(bytes.length, this.size - tagLength - this.position));
    const room = this.box.room(length);
    room.set(bytes.subarray(0, length));
    this.box.decrypt(length);
    const plain = this.box.room(length);
    if (this.position === 0) this.readPrefix(plain);
    const from = Math.min(length, Math.max(0, this.contentStart - this.position));
    const to = Math.max(from, Math.min(length, this.contentEnd - this.position));
    this.position += bytes.length;
    return plain.subarray(from, to);
  }

  free(): void {
    this.box.free();
  }

  private readPrefix(plain: Uint8Array): void {
    try {
      const reader = new ByteReader(plain);
      const length = new DataView(reader.take(lengthSize).slice().buffer).getBigUint64(0);
      if (length > BigInt(this.size - lengthSize - tagLength)) throw new Malformed("the file is longer than its box");
      this.fileName = new TextDecoder().decode(reader.short());
      const hasExtra = reader.byte();
      if (hasExtra === 0x31) reader.short();
      else if (hasExtra !== 0x30) throw new Malformed("the header does not parse");
      this.contentStart = reader.offset;
      this.contentEnd = lengthSize + Number(length);
      if (this.contentEnd < this.contentStart) throw new Malformed("the file is shorter than its header");
    } catch (cause) {
      if (cause instanceof Malformed) throw new NotThisFile();
      throw cause;
    }
  }
}
