/** The largest file that this page sends, in bytes: as with the network's other page. Larger ones are for programs. */
export const maxFileSize = 100 * 1024 * 1024;

/** The largest encrypted file that this page receives: what the largest file may become by padding. */
export const maxEncryptedSize = maxFileSize + 4 * 1024 * 1024;
