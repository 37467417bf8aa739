/** How fast something goes: over the last seconds, so that a stop is seen soon. Times are in milliseconds. */
export class Rate {
  private samples: { at: number; done: number }[] = [];

  constructor(private readonly span = 8000) {}

  add(at: number, done: number): void {
    this.samples.push({ at, done });
    while (this.samples.length > 2 && this.samples[1]!.at <= at - this.span) this.samples.shift();
  }

  /** Bytes a second; null before there is anything to say. */
  get perSecond(): number | null {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (first === undefined || last === undefined || last.at - first.at < 1000 || last.done <= first.done) return null;
    return ((last.done - first.done) * 1000) / (last.at - first.at);
  }
}
