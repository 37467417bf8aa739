import type { TextKey } from "../view/texts";

/** Why a transfer ended: what the page then says, in one sentence of its language. */
export class TransferFailure extends Error {
  /** @param isFinal whether trying again is of no use */
  constructor(readonly text: TextKey, readonly isFinal: boolean, readonly detail: string = "") {
    super(text);
    this.name = "TransferFailure";
  }
}

/** What a server's refusal means to who sends. */
export function uploadRefusal(error: string): TransferFailure {
  switch (error.split(" ")[0]) {
    case "AUTH":
      return new TransferFailure("errorNotAllowed", false);
    case "QUOTA":
      return new TransferFailure("errorQuota", false);
    case "SIZE":
    case "DIGEST":
      return new TransferFailure("errorDamagedUpload", false);
    default:
      return new TransferFailure("errorServer", false, error);
  }
}

/** What a server's refusal means to who receives. */
export function downloadRefusal(error: string): TransferFailure {
  switch (error.split(" ")[0]) {
    case "AUTH":
    case "NO_FILE":
      return new TransferFailure("errorGone", true);
    case "BLOCKED":
      return new TransferFailure("errorBlocked", true);
    default:
      return new TransferFailure("errorServer", false, error);
  }
}
