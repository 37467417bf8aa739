import { randomBytes, type SigningKey } from "../crypto/keys";
import { challengeLength, encodeHandshake, encodeHello, openServerHello, type ServerHello, WrongServer } from "../protocol/handshake";
import { originOf, type ServerAddress } from "../protocol/servers";
import { blockSize, decodeAnswer, encodeTransmission, handshakeError, unpad, type Answer } from "../protocol/transmissions";
import { Malformed } from "../wire/bytes";
import { TransferFailure } from "./failure";
import { NotReached, post, type RequestProgress } from "./request";

const attempts = 5;
const firstPause = 500;

/** What a command was answered with, and the body behind it. */
export interface Result {
  readonly answer: Answer;
  readonly body: Uint8Array;
}

/**
 * A server, spoken to with one command at a time. The session belongs to the browser's connection: when that was replaced,
 * the server says so, and both meet anew.
 */
export class ServerConnection {
  private readonly url: string;
  private session: ServerHello | null = null;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly server: ServerAddress, pageHost: string, private readonly signal: AbortSignal) {
    this.url = originOf(server, pageHost) + "/";
  }

  /** Sends a command; tries again when the connection broke. Refusals are answers. */
  run(entity: Uint8Array, command: Uint8Array, key: SigningKey, body: Uint8Array | null, progress: RequestProgress | null): Promise<Result> {
    const result = this.queue.then(() => this.tryOften(entity, command, key, body, progress));
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async tryOften(entity: Uint8Array, command: Uint8Array, key: SigningKey, body: Uint8Array | null, progress: RequestProgress | null): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        const session = this.session ?? await this.meet();
        const block = encodeTransmission(session.sessionId, entity, command, key);
        const request = body === null ? block : new Blob([block as BlobPart, body as BlobPart]);
        const response = await post(this.url, {}, request, this.signal, progress);
        const answer = decodeAnswer(response.subarray(0, blockSize), session.sessionId);
        if (answer.kind === "error" && (answer.error === "SESSION" || answer.error === "HANDSHAKE")) throw new NotReached();
        return { answer, body: response.subarray(blockSize) };
      } catch (cause) {
        this.session = null;
        if (cause instanceof WrongServer) throw new TransferFailure("errorWrongServer", false, cause.message);
        if (!(cause instanceof NotReached || cause instanceof Malformed)) throw cause;
        if (attempt === attempts) throw new TransferFailure("errorNotReached", false, new URL(this.url).host);
        await this.pause(firstPause * 2 ** (attempt - 1) * (0.5 + Math.random()));
      }
    }
  }

  private async meet(): Promise<ServerHello> {
    const challenge = randomBytes(challengeLength);
    const hello = await post(this.url, { "xftp-web-hello": "1" }, encodeHello(challenge), this.signal, null);
    const session = openServerHello(hello, challenge, this.server.keyHash);
    const agreed = await post(this.url, { "xftp-handshake": "1" }, encodeHandshake(session.version, this.server.keyHash), this.signal, null);
    if (agreed.length > 0) throw new WrongServer(`The server refused the connection (${handshakeError(unpad(agreed)) ?? "unknown answer"}).`);
    this.session = session;
    return session;
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        clearTimeout(timer);
        reject(new TransferFailure("errorCancelled", false));
      };
      const timer = setTimeout(() => {
        this.signal.removeEventListener("abort", cancel);
        resolve();
      }, milliseconds);
      this.signal.addEventListener("abort", cancel, { once: true });
    });
  }
}
