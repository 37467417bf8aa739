// Into which chunks an encrypted file is cut, so that their sizes tell little about its own.
const kilobyte = 1024;

/** The sizes that servers take. */
export const chunkSizes = [64 * kilobyte, 256 * kilobyte, 1024 * kilobyte, 4096 * kilobyte] as const;

/** Large chunks as long as they fill, and the rest in small ones, or in one more large one that is over three quarters full. */
export function planChunks(payloadSize: number): number[] {
  const threeQuarters = (size: number): number => (size * 3) / 4;
  const [tiny, small, medium, large] = chunkSizes;
  const [lesser, greater] = payloadSize > threeQuarters(large) ? [medium, large] : payloadSize > threeQuarters(medium) ? [small, medium] : [tiny, small];
  const whole = Math.floor(payloadSize / greater);
  const left = payloadSize - whole * greater;
  const rest = left > threeQuarters(greater) ? [greater] : Array<number>(Math.ceil(left / lesser)).fill(lesser);
  return [...Array<number>(whole).fill(greater), ...rest];
}
