/**
 * Heights of the rows of a long list, of which most were never seen: those count as the typical one. Where a row begins, and which row is at a
 * place, is found in as many steps as the number of rows has bits.
 */
export class Heights {
  /** What was measured; NaN of what was not. */
  #known = new Float64Array(0);
  /** Fenwick trees of what was measured: sums, and how many they are of. */
  #sums = new Float64Array(1);
  #counts = new Float64Array(1);
  #length = 0;
  #typical: number;
  #isGuess = true;

  constructor(guess: number) {
    this.#typical = guess;
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room for so many rows. What rows beyond had is forgotten. */
  resize(length: number): void {
    for (let at = length; at < this.#length; at++) this.#put(at, Number.NaN);
    if (length > this.#known.length) {
      // Doubled, so that room is seldom made.
      const known = this.#known;
      const room = Math.max(1_024, 2 ** Math.ceil(Math.log2(length)));
      this.#known = new Float64Array(room).fill(Number.NaN);
      this.#sums = new Float64Array(room + 1);
      this.#counts = new Float64Array(room + 1);
      known.forEach((height, at) => this.#put(at, height));
    }
    this.#length = length;
  }

  /** Forgets all: the page is as wide as another one. */
  forget(): void {
    this.#known.fill(Number.NaN);
    this.#sums.fill(0);
    this.#counts.fill(0);
    this.#isGuess = true;
  }

  /** What rows from this one on were measured to be. The first of them say what is typical: tells whether these did. */
  measured(from: number, heights: number[]): boolean {
    const isFirst = this.#isGuess && heights.length > 0;
    if (isFirst) {
      this.#typical = heights.reduce((sum, height) => sum + height, 0) / heights.length;
      this.#isGuess = false;
    }
    heights.forEach((height, at) => {
      if (from + at < this.#length) this.#put(from + at, height);
    });
    return isFirst;
  }

  /** Where the row at this place begins; that of the length is the height of all. */
  top(row: number): number {
    let [sum, count] = [0, 0];
    for (let at = row; at > 0; at -= at & -at) {
      sum += this.#sums[at] ?? 0;
      count += this.#counts[at] ?? 0;
    }
    return sum + (row - count) * this.#typical;
  }

  /** The row at this height; the first or the last one beyond. */
  at(height: number): number {
    let [row, left] = [0, height];
    for (let step = this.#known.length; step >= 1; step /= 2) {
      const next = row + step;
      if (next > this.#length) continue;
      const size = (this.#sums[next] ?? 0) + (step - (this.#counts[next] ?? 0)) * this.#typical;
      if (size > left) continue;
      row = next;
      left -= size;
    }
    return Math.min(row, Math.max(0, this.#length - 1));
  }

  #put(row: number, height: number): void {
    const before = this.#known[row] ?? Number.NaN;
    if (Object.is(before, height)) return;
    this.#known[row] = height;
    const sum = (height || 0) - (before || 0);
    const count = Number(!Number.isNaN(height)) - Number(!Number.isNaN(before));
    for (let at = row + 1; at < this.#sums.length; at += at & -at) {
      this.#sums[at] = (this.#sums[at] ?? 0) + sum;
      this.#counts[at] = (this.#counts[at] ?? 0) + count;
    }
  }
}
